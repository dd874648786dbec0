package devserver

import (
	"net/http"
	"strings"
)

// bearer finds what an access token stands for (RFC 6750; RFC 9449 section 7 and RFC
// 8705 section 3 for those that are tied to a key or a certificate), or the 401 to give.
func (c *call) bearer() (*grant, *answer) {
	kind, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	c.server.mu.Lock()
	var g *grant
	bound := strings.EqualFold(kind, "DPoP")
	if bound || strings.EqualFold(kind, "Bearer") {
		g = c.server.book.token(token)
	}
	c.server.mu.Unlock()
	if g == nil || g.Refresh || c.now.After(g.Expires) || (g.Key != "") != bound || g.Cert != "" && g.Cert != c.certified() {
		a := unauthorized()
		return nil, &a
	}
	if bound {
		key, code, _ := c.possession(token)
		if code == "" && key != g.Key {
			code = "invalid_token"
		}
		if code != "" {
			a := c.challenge(code)
			return nil, &a
		}
	}
	c.note(func(e *Arrival) { e.Client, e.User, e.Request = g.Client, g.Person, g.Request })
	return g, nil
}

func unauthorized() answer {
	a := jsonAnswer(http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
	a.header.Set("WWW-Authenticate", `Bearer realm="devserver", error="invalid_token"`)
	a.code = "invalid_token"
	return a
}

// customer is the protected API: what a shop knows about a customer.
func (s *Server) customer(c *call) answer {
	g, bad := c.bearer()
	if bad != nil {
		return *bad
	}
	return ok(person(g.Person).customer)
}

// userinfo tells the claims of the person (OIDC section 5.3).
func (s *Server) userinfo(c *call) answer {
	g, bad := c.bearer()
	if bad != nil {
		return *bad
	}
	return ok(person(g.Person).claims())
}

// revoke forgets a token (RFC 7009). A refresh token takes with it everything of
// the same approval. An unknown token is no error (section 2.2).
func (s *Server) revoke(c *call) answer {
	known, bad := c.authenticate()
	if bad != nil {
		return *bad
	}
	token := c.form.Get("token")
	if token == "" {
		return refuse("invalid_request", "token is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done := answer{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}}}
	g := s.book.token(token)
	if g == nil || g.Client != known.ID {
		return done
	}
	c.note(func(e *Arrival) { e.User, e.Request = g.Person, g.Request })
	if err := s.revokeAll(g.Request); err != nil {
		return failed(err.Error())
	}
	return done
}
