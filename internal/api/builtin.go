package api

import (
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// protocol are the claims that say something about the token, not about the
// person: registered ones of RFC 7519, OpenID Connect Core, Back-Channel Logout
// and what the servers in use add.
var protocolClaims = []string{
	"iss", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "auth_time", "acr", "amr", "cnf", "sid",
	"at_hash", "c_hash", "s_hash", "rt_hash", "auth_req_id", "session_state", "typ", "ver", "idp", "scope",
	"client_id", "_claim_names", "_claim_sources",
}

// builtInLayout lays out a document without a layout file: its title is the member
// "title", else "name"; every other member in the order of the JSON text
// becomes a field under its own name. What is nested shows as far as one line
// carries it: a list of plain values and an object's plain members joined by
// commas; a list with objects or lists in it one field for each element, under
// the same name. What lies deeper needs a layout file.
func builtInLayout(doc *strictjson.Node, a *answer) kiosk.Result {
	p := page{Result: kiosk.Result{Fields: []kiosk.Field{}}}
	title := ""
	for _, name := range []string{"title", "name"} {
		n := doc.Member(name)
		if n == nil || n.Kind != strictjson.KindString {
			continue
		}
		if words := a.safeText(n.Text); words != "" {
			title, p.Title = name, truncate(words, maxTitle)
			break
		}
	}
	for i, name := range doc.Names {
		if name == title && title != "" {
			continue
		}
		label, n := a.safeText(name), &doc.Items[i]
		if n.Kind == strictjson.KindArray && slices.ContainsFunc(n.Items, func(e strictjson.Node) bool { return e.Kind == strictjson.KindObject || e.Kind == strictjson.KindArray }) {
			for j := range n.Items {
				if p.isFull() {
					break
				}
				p.add(label, a.displayText(&n.Items[j]))
			}
			continue
		}
		p.add(label, a.displayText(n))
	}
	return p.Result
}

// personalClaims leaves out of the claims what is protocol. The subject stays only where
// there is nothing else: it is a key for machines, and the JSON lines carry it anyway.
func personalClaims(claims *strictjson.Node) *strictjson.Node {
	out := &strictjson.Node{Kind: strictjson.KindObject}
	for i, name := range claims.Names {
		if name == "sub" || slices.Contains(protocolClaims, name) || strings.HasPrefix(name, hiddenClaims) {
			continue
		}
		out.Names = append(out.Names, name)
		out.Items = append(out.Items, claims.Items[i])
	}
	if sub := claims.Member("sub"); sub != nil && len(out.Names) == 0 {
		out.Names, out.Items = []string{"sub"}, []strictjson.Node{*sub}
	}
	return out
}
