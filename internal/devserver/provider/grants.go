package provider

import (
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// tokenGrant is a grant type of the token endpoint.
type tokenGrant struct {
	arrivalKind string
	idParam     string // the parameter that identifies the request
	handle      func(*Server, *call, *client) faults.Answer
}

var tokenGrants map[string]tokenGrant

func init() { // not a literal, since the functions refer to the table
	tokenGrants = map[string]tokenGrant{
		grantCIBA:    {"poll", "auth_req_id", (*Server).handlePoll},
		grantDevice:  {"device_poll", "device_code", (*Server).handlePoll},
		grantRefresh: {"refresh", "", (*Server).handleRefresh},
	}
}

func supportedGrants() []string { return []string{grantCIBA, grantDevice, grantRefresh} }

// handleToken is the token endpoint (RFC 6749 section 3.2).
func (s *Server) handleToken(c *call) faults.Answer {
	cl, failure := c.authenticate()
	if failure != nil {
		return *failure
	}
	kind := c.form.Get("grant_type")
	if kind == "" {
		return faults.OAuthError("invalid_request", "grant_type is missing")
	}
	g, found := tokenGrants[kind]
	if !found {
		return faults.OAuthError("unsupported_grant_type", "this server supports the CIBA, device and refresh grants")
	}
	if !cl.isAllowed(kind) {
		return faults.OAuthError("unauthorized_client", "the client is not registered for this grant")
	}
	var code, why string
	if c.keyThumbprint, code, why = c.verifyProof(""); code != "" {
		return c.proofError(code, why)
	}
	return g.handle(s, c, cl)
}

// handlePoll answers a poll (CIBA section 10.1, RFC 8628 section 3.4). An approved
// request yields tokens once.
func (s *Server) handlePoll(c *call, cl *client) faults.Answer {
	id := c.form.Get(tokenGrants[c.form.Get("grant_type")].idParam)
	if id == "" {
		return faults.OAuthError("invalid_request", "the request's identifier is missing")
	}
	limit := s.opt.LongPoll
	if f := s.faultList.Take(c.place, faults.HoldPoll, ""); f != nil {
		c.annotate(func(e *Arrival) { e.Fault = f.Kind })
		limit = time.Duration(f.Number(30) * float64(time.Second))
	}
	if limit > 0 && !s.holdPoll(c, id, limit) {
		return faults.Answer{Delivery: faults.Drop} // the client left; keep the approval for its next poll
	}
	q, failure := s.redeem(c, cl, id)
	if failure != nil {
		return *failure
	}
	a := approval{client: cl, person: personByUsername(q.AnsweredBy), request: q.Number, scope: q.Scope, acr: q.ACR, authTime: q.Answered, details: q.Details}
	if !q.isDevice() {
		a.authReqID = id
	}
	return s.issueTokens(c, a)
}

// redeem marks an approved request as redeemed and returns a copy of it, or the error
// to answer.
func (s *Server) redeem(c *call, cl *client, id string) (request, *faults.Answer) {
	reject := func(code, why string) (request, *faults.Answer) {
		a := faults.OAuthError(code, why)
		return request{}, &a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applyAutoAnswers(c.now)
	q := s.state.findRequest(id)
	switch {
	case q == nil || q.Client != cl.ID || q.isDevice() != (c.form.Get("grant_type") == grantDevice):
		return reject("invalid_grant", "no such request for this client")
	case q.Status == redeemed:
		return reject("invalid_grant", "the request was redeemed before")
	case q.Status == denied:
		return reject("access_denied", "the person declined")
	case !c.now.Before(q.Expires):
		return reject("expired_token", "nobody answered in time")
	case q.Status == pending:
		return reject(s.pollError(c, q))
	}
	q.Status = redeemed
	if err := s.save(); err != nil {
		q.Status = approved
		a := faults.ServerError(err.Error())
		return request{}, &a
	}
	return *q, nil
}

// pollError returns authorization_pending, or slow_down for a poll that is early or has a
// fault. slow_down adds five seconds to the interval (CIBA section 11).
func (s *Server) pollError(c *call, q *request) (code, why string) {
	f := s.faultList.Take(c.place, faults.SlowDown, "")
	early := false
	c.annotate(func(e *Arrival) {
		early = e.Early
		if f != nil {
			e.Fault = f.Kind
		}
	})
	if !early && f == nil {
		return "authorization_pending", "the person has not answered yet"
	}
	q.Interval += 5
	return "slow_down", "polled too early; the interval is now five seconds longer"
}

// handleRefresh exchanges a refresh token for new tokens, including a new refresh token
// (RFC 6749 section 6). A refresh token used twice may be stolen, so it revokes all
// tokens of its approval.
func (s *Server) handleRefresh(c *call, cl *client) faults.Answer {
	s.mu.Lock()
	g := s.state.findGrant(c.form.Get("refresh_token"))
	if g == nil || !g.Refresh || g.Client != cl.ID || c.now.After(g.Expires) {
		s.mu.Unlock()
		return faults.OAuthError("invalid_grant", "no such refresh token")
	}
	if g.Spent {
		s.revokeApproval(g.Request)
		s.mu.Unlock()
		return faults.OAuthError("invalid_grant", "this refresh token was used before; all tokens of the approval are revoked")
	}
	scope := g.Scope
	if requested := strings.Fields(c.form.Get("scope")); len(requested) > 0 {
		scope = requested
	}
	if slices.ContainsFunc(scope, func(x string) bool { return !slices.Contains(g.Scope, x) }) {
		s.mu.Unlock()
		return faults.OAuthError("invalid_scope", "the scope exceeds what was approved")
	}
	g.Spent = true
	a := approval{client: cl, person: personByUsername(g.Person), request: g.Request, scope: scope, acr: g.ACR, authTime: g.AuthTime}
	s.mu.Unlock()
	c.annotate(func(e *Arrival) { e.User, e.Request = a.person.Username, a.request })
	return s.issueTokens(c, a)
}

// revokeApproval removes every token of an approval. The lock must be held.
func (s *Server) revokeApproval(request int) error {
	s.state.Grants = slices.DeleteFunc(s.state.Grants, func(g *grant) bool { return g.Request == request })
	return s.save()
}
