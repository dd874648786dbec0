package provider

import (
	"net/http"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// authorize returns the grant of the access token, or the 401 to answer (RFC 6750; RFC
// 9449 section 7 and RFC 8705 section 3 for tokens bound to a key or a certificate).
func (c *call) authorize() (*grant, *faults.Answer) {
	kind, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	c.server.mu.Lock()
	var g *grant
	bound := strings.EqualFold(kind, "DPoP")
	if bound || strings.EqualFold(kind, "Bearer") {
		g = c.server.state.findGrant(token)
	}
	c.server.mu.Unlock()
	if g == nil || g.Refresh || c.now.After(g.Expires) || (g.KeyThumbprint != "") != bound || g.CertThumbprint != "" && g.CertThumbprint != c.certThumbprint() {
		a := faults.InvalidToken()
		return nil, &a
	}
	if bound {
		key, code, _ := c.verifyProof(token)
		if code == "" && key != g.KeyThumbprint {
			code = "invalid_token"
		}
		if code != "" {
			a := c.proofChallenge(code)
			return nil, &a
		}
	}
	c.annotate(func(e *Arrival) { e.Client, e.User, e.Request = g.Client, g.Person, g.Request })
	return g, nil
}

// handleCustomer is the protected API: a shop's data about a customer.
func (s *Server) handleCustomer(c *call) faults.Answer {
	g, failure := c.authorize()
	if failure != nil {
		return *failure
	}
	return jsonOK(personByUsername(g.Person).customer)
}

// handleUserInfo answers with the claims of the person (OIDC section 5.3).
func (s *Server) handleUserInfo(c *call) faults.Answer {
	g, failure := c.authorize()
	if failure != nil {
		return *failure
	}
	return jsonOK(personByUsername(g.Person).claims())
}

// handleRevocation revokes a token and all others of the same approval. An unknown token
// is no error (RFC 7009 section 2.2).
func (s *Server) handleRevocation(c *call) faults.Answer {
	cl, failure := c.authenticate()
	if failure != nil {
		return *failure
	}
	token := c.form.Get("token")
	if token == "" {
		return faults.OAuthError("invalid_request", "token is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done := faults.Answer{Status: http.StatusOK, Header: http.Header{"Cache-Control": {"no-store"}}}
	g := s.state.findGrant(token)
	if g == nil || g.Client != cl.ID {
		return done
	}
	c.annotate(func(e *Arrival) { e.User, e.Request = g.Person, g.Request })
	if err := s.revokeApproval(g.Request); err != nil {
		return faults.ServerError(err.Error())
	}
	return done
}
