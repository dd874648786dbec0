package devserver

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// grants is the table of grants of the token endpoint.
var grants map[string]struct {
	kind string // of the arrival
	id   string // the parameter with the request's id
	give func(*Server, *call, *client) answer
}

func init() { // not a literal: the functions refer back to the table
	type entry = struct {
		kind string
		id   string
		give func(*Server, *call, *client) answer
	}
	grants = map[string]entry{
		grantCIBA:    {"poll", "auth_req_id", (*Server).poll},
		grantDevice:  {"device_poll", "device_code", (*Server).poll},
		grantRefresh: {"refresh", "", (*Server).refresh},
	}
}

func grantTypes() []string { return []string{grantCIBA, grantDevice, grantRefresh} }

// token is the token endpoint.
func (s *Server) token(c *call) answer {
	known, bad := c.authenticate()
	if bad != nil {
		return *bad
	}
	kind := c.form.Get("grant_type")
	if kind == "" {
		return refuse("invalid_request", "grant_type is missing")
	}
	g, found := grants[kind]
	if !found {
		return refuse("unsupported_grant_type", "this server knows the CIBA, device and refresh grants")
	}
	if !known.may(kind) {
		return refuse("unauthorized_client", "the client is not registered for this grant")
	}
	var code, why string
	if c.key, code, why = c.possession(""); code != "" {
		return c.unproven(code, why)
	}
	return g.give(s, c, known)
}

// poll answers whether a request has been answered (CIBA section 10.1, RFC 8628
// section 3.4). An approved one is redeemed once.
func (s *Server) poll(c *call, known *client) answer {
	id := c.form.Get(grants[c.form.Get("grant_type")].id)
	if id == "" {
		return refuse("invalid_request", "the request's id is missing")
	}
	most := s.opt.LongPoll
	if f, _ := s.faults.take(c.place, holding, ""); f != nil {
		c.note(func(e *Arrival) { e.Fault = f.Kind })
		most = time.Duration(f.number(30) * float64(time.Second))
	}
	if most > 0 && !s.hold(c, id, most) {
		return answer{how: drop} // nobody is there: an approval must not be lost on them
	}
	q, bad := s.redeem(c, known, id)
	if bad != nil {
		return *bad
	}
	who := person(q.As)
	ticket := ticket{client: known, person: who, request: q.Number, scope: q.Scope, acr: q.ACR, auth: q.Answered, details: q.Details}
	if !q.device() {
		ticket.authReqID = id
	}
	return s.mint(c, ticket)
}

// redeem looks at a request on behalf of a poll and marks it used if it is
// approved. It returns a copy, or the answer to give instead.
func (s *Server) redeem(c *call, known *client, id string) (request, *answer) {
	no := func(code, why string) (request, *answer) {
		a := refuse(code, why)
		return request{}, &a
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(c.now)
	q := s.book.request(id)
	switch {
	case q == nil || q.Client != known.ID || q.device() != (c.form.Get("grant_type") == grantDevice):
		return no("invalid_grant", "no such request, or of another client")
	case q.State == used:
		return no("invalid_grant", "the request was redeemed before")
	case q.State == denied:
		return no("access_denied", "the person said no")
	case !c.now.Before(q.Expires):
		return no("expired_token", "nobody answered in time")
	case q.State == pending:
		return no(s.throttle(c, q))
	}
	q.State = used
	if err := s.save(); err != nil {
		q.State = approved
		a := failed(err.Error())
		return request{}, &a
	}
	return *q, nil
}

// throttle says pending, or slow_down to a client that came early or has a fault
// in store; then it must wait five seconds more from now on (CIBA section 11).
func (s *Server) throttle(c *call, q *request) (code, why string) {
	f, _ := s.faults.take(c.place, throttle, "")
	early := false
	c.note(func(e *Arrival) {
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

// refresh exchanges a refresh token for new tokens, a new refresh token among
// them (RFC 6749 section 6). A spent one ends everything that came of the same
// approval, since one of two holders must be a thief.
func (s *Server) refresh(c *call, known *client) answer {
	s.mu.Lock()
	g := s.book.token(c.form.Get("refresh_token"))
	if g == nil || !g.Refresh || g.Client != known.ID || c.now.After(g.Expires) {
		s.mu.Unlock()
		return refuse("invalid_grant", "no such refresh token")
	}
	if g.Spent {
		s.revokeAll(g.Request)
		s.mu.Unlock()
		return refuse("invalid_grant", "this refresh token was used before; all tokens of the approval are revoked")
	}
	scope := g.Scope
	if wish := strings.Fields(c.form.Get("scope")); len(wish) > 0 {
		scope = wish
	}
	if slices.ContainsFunc(scope, func(x string) bool { return !slices.Contains(g.Scope, x) }) {
		s.mu.Unlock()
		return refuse("invalid_scope", "more than was approved")
	}
	g.Spent = true
	t := ticket{client: known, person: person(g.Person), request: g.Request, scope: scope, acr: g.ACR, auth: g.Auth}
	s.mu.Unlock()
	c.note(func(e *Arrival) { e.User, e.Request = t.person.Username, t.request })
	return s.mint(c, t)
}

// revokeAll forgets every token of an approval. The lock must be held.
func (s *Server) revokeAll(request int) error {
	s.book.Grants = slices.DeleteFunc(s.book.Grants, func(g *grant) bool { return g.Request == request })
	return s.save()
}

// ticket is the right to be given tokens.
type ticket struct {
	client    *client
	person    *Person
	request   int
	scope     []string
	acr       string
	auth      time.Time
	authReqID string
	details   []json.RawMessage
}
