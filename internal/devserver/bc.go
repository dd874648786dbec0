package devserver

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// bindingAlphabet is what a binding message may be made of: the rule of Auth0, as
// the narrowest that still allows a space. CIBA section 7.1 asks for short and
// plain and names no alphabet.
var bindingAlphabet = regexp.MustCompile(`^[A-Za-z0-9 +\-_.,:#]{1,64}$`)

// scopeAlphabet is RFC 6749 section 3.3.
var scopeAlphabet = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$`)

// backchannel is the backchannel authentication endpoint (CIBA section 7): it
// rings a phone.
func (s *Server) backchannel(c *call) answer {
	known, bad := c.authenticate()
	if bad != nil {
		return *bad
	}
	if !known.may(grantCIBA) {
		return refuse("unauthorized_client", "the client is not registered for the CIBA grant")
	}
	q, bad := s.readRequest(c, known)
	if bad != nil {
		return *bad
	}
	id := secret()
	q.ID, q.id = digest(id), id
	if bad := s.enter(q); bad != nil {
		return *bad
	}
	c.note(func(e *Arrival) { e.Request, e.Code, e.User = q.Number, q.Binding, q.Person })
	s.pingEarly(q)
	ack := map[string]any{"auth_req_id": id, "expires_in": int(q.Expires.Sub(q.Created).Seconds())}
	if !s.opt.OmitInterval {
		ack["interval"] = q.Interval
	}
	return ok(ack)
}

// enter puts a new request in the book, if there is room.
func (s *Server) enter(q *request) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := 0
	for _, other := range s.book.Requests {
		if other.open(q.Created) {
			waiting++
		}
	}
	if waiting >= s.opt.MaxPending {
		a := refuse("temporarily_unavailable", "too many requests are waiting for an answer")
		a.status = 503
		return &a
	}
	s.book.Number++
	q.Number = s.book.Number
	s.book.Requests = append(s.book.Requests, q)
	if err := s.save(); err != nil {
		a := failed(err.Error())
		return &a
	}
	s.notify()
	s.due(q)
	return nil
}

// readRequest checks every parameter of an authentication request (CIBA section
// 7.1) and finds the person.
func (s *Server) readRequest(c *call, known *client) (*request, *answer) {
	no := func(code, why string) (*request, *answer) {
		a := refuse(code, why)
		return nil, &a
	}
	q := &request{Client: known.ID, Created: c.now, State: pending, Interval: s.opt.Interval}
	switch {
	case c.form.Has("request"):
		if code, err := c.unpack(known); err != nil {
			return no(code, err.Error())
		}
	case known.Signs:
		return no("invalid_request", "this client is registered for signed requests")
	}
	scope := c.form.Get("scope")
	if !scopeAlphabet.MatchString(scope) || !slices.Contains(strings.Fields(scope), "openid") {
		return no("invalid_scope", "scope must be given and contain openid")
	}
	q.Scope = strings.Fields(scope)
	if why := q.takeNotify(c, known); why != "" {
		return no("invalid_request", why)
	}
	if q.Binding = c.form.Get("binding_message"); q.Binding != "" && !bindingAlphabet.MatchString(q.Binding) {
		return no("invalid_binding_message", "1 to 64 of letters, digits, space and +-_.,:#")
	}
	life := s.opt.Expires
	if wish := c.form.Get("requested_expiry"); wish != "" {
		n, err := strconv.Atoi(wish)
		if err != nil || n < 1 {
			return no("invalid_request", "requested_expiry must be a positive whole number of seconds")
		}
		life = min(n, maxExpiry)
	}
	q.Expires = c.now.Add(time.Duration(life) * time.Second)
	if acr := strings.Fields(c.form.Get("acr_values")); len(acr) > 0 {
		q.ACR = acr[0]
	}
	if d := c.form.Get("authorization_details"); d != "" {
		if json.Unmarshal([]byte(d), &q.Details) != nil || len(q.Details) == 0 || slices.ContainsFunc(q.Details, untyped) {
			return no("invalid_authorization_details", "authorization_details must be a JSON array of objects with a type")
		}
	}
	q.Site = siteOf(c.form.Get("request_context"))
	who, code, err := s.hinted(c, known)
	if err != nil {
		return no(code, err.Error())
	}
	if code := c.form.Get("user_code"); who.UserCode != "" && code != who.UserCode {
		if code == "" {
			return no("missing_user_code", "this person has set a user code")
		}
		return no("invalid_user_code", "that is not this person's user code")
	}
	q.Person = who.Username
	return q, nil
}

// hinted finds the person by the one hint there must be.
func (s *Server) hinted(c *call, known *client) (*Person, string, error) {
	var given []string
	for _, name := range []string{"login_hint", "login_hint_token", "id_token_hint"} {
		if c.form.Has(name) {
			given = append(given, name)
		}
	}
	if len(given) != 1 {
		return nil, "invalid_request", errors.New("exactly one hint must be given")
	}
	var p *Person
	switch given[0] {
	case "login_hint":
		p = find(c.form.Get("login_hint"), s.Issuer())
	case "id_token_hint":
		p = s.ownToken(c.form.Get("id_token_hint"), known)
		if p == nil {
			return nil, "invalid_request", errors.New("id_token_hint is not an ID token of ours for this client")
		}
	default:
		var code string
		if p, code = s.byHintToken(c.form.Get("login_hint_token"), c.now); code != "" {
			return nil, code, errors.New("login_hint_token is not one of ours, or has run out")
		}
	}
	if p == nil || p.Phoneless {
		return nil, "unknown_user_id", errors.New("nobody we could ask goes by that hint")
	}
	return p, "", nil
}

// ownToken reads an ID token that we issued to this client; its expiry does not
// matter (CIBA section 14).
func (s *Server) ownToken(token string, known *client) *Person {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return nil
	}
	s.mu.Lock()
	keys := slices.Clone(s.book.Keys)
	s.mu.Unlock()
	for _, k := range keys {
		var claims jwt.Claims
		if parsed.Claims(k.JWK.Public().Key, &claims) == nil &&
			claims.Issuer == s.Issuer() && claims.Audience.Contains(known.ID) {
			return bySubject(claims.Subject)
		}
	}
	return nil
}

// untyped tells whether an authorization detail lacks what every one must have
// (RFC 9396 section 2).
func untyped(detail json.RawMessage) bool {
	var d struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(detail, &d) != nil || d.Type == ""
}

// siteOf reads where the kiosk stands from request_context (FAPI-CIBA), if the
// client sends one with a member "site". It is shown on the phone.
func siteOf(context string) string {
	var v struct {
		Site string `json:"site"`
	}
	if json.Unmarshal([]byte(context), &v) != nil {
		return ""
	}
	return plainText(v.Site, 60)
}
