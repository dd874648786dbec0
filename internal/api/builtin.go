package api

import (
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// protocolClaims are about the token, not about the person: the registered claims of RFC 7519, OpenID Connect Core
// and Back-Channel Logout, and what common servers add.
var protocolClaims = []string{
	"iss", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "auth_time", "acr", "amr", "cnf", "sid",
	"at_hash", "c_hash", "s_hash", "rt_hash", "auth_req_id", "session_state", "typ", "ver", "idp", "scope",
	"client_id", "_claim_names", "_claim_sources",
}

// builtInLayout lays out a document without a layout file. Its title is the member "title", else "name"; every other
// member becomes a field under its own name, in the order of the document. A list of scalars or the scalars of an
// object become one value, joined by commas. A list with objects or lists in it becomes one field for each element,
// under the same name. What is nested deeper needs a layout file.
func builtInLayout(doc *strictjson.Node, d *documents) kiosk.Result {
	p := page{Result: kiosk.Result{Fields: []kiosk.Field{}}}
	title := ""
	for _, name := range []string{"title", "name"} {
		n := doc.Member(name)
		if n == nil || n.Kind != strictjson.KindString {
			continue
		}
		if words := d.safeText(n.Text); words != "" {
			title, p.Title = name, truncate(words, maxTitle)
			break
		}
	}
	for i, name := range doc.Names {
		if name == title && title != "" {
			continue
		}
		label, n := d.safeText(name), &doc.Items[i]
		if n.Kind == strictjson.KindArray && slices.ContainsFunc(n.Items, func(e strictjson.Node) bool { return e.Kind == strictjson.KindObject || e.Kind == strictjson.KindArray }) {
			for j := range n.Items {
				if p.isFull() {
					break
				}
				p.add(label, d.displayText(&n.Items[j]), false)
			}
			continue
		}
		p.add(label, d.displayText(n), false)
	}
	return p.Result
}

// personalClaims returns the claims without those of the protocol. sub stays only if there is nothing else: it is a
// key for machines, and the JSON output has it anyway.
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
