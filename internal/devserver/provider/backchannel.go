package provider

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

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// bindingAlphabet is Auth0's rule for binding messages, the narrowest known one that
// allows a space. CIBA section 7.1 demands short plain text and names no alphabet.
var bindingAlphabet = regexp.MustCompile(`^[A-Za-z0-9 +\-_.,:#]{1,64}$`)

// scopeAlphabet is the syntax of scope (RFC 6749 section 3.3).
var scopeAlphabet = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$`)

// handleBackchannel is the backchannel authentication endpoint (CIBA section 7).
func (s *Server) handleBackchannel(c *call) faults.Answer {
	cl, failure := c.authenticate()
	if failure != nil {
		return *failure
	}
	if !cl.isAllowed(grantCIBA) {
		return faults.OAuthError("unauthorized_client", "the client is not registered for the CIBA grant")
	}
	q, failure := s.parseRequest(c, cl)
	if failure != nil {
		return *failure
	}
	id := newSecret()
	q.ID, q.authReqID = digest(id), id
	if failure := s.addRequest(q); failure != nil {
		return *failure
	}
	c.annotate(func(e *Arrival) { e.Request, e.Code, e.User = q.Number, q.BindingMessage, q.Person })
	s.sendEarlyPing(q)
	ack := map[string]any{"auth_req_id": id, "expires_in": int(q.Expires.Sub(q.Created).Seconds())}
	if !s.opt.OmitInterval {
		ack["interval"] = q.Interval
	}
	return jsonOK(ack)
}

// addRequest stores a new request, unless too many are pending.
func (s *Server) addRequest(q *request) *faults.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := 0
	for _, other := range s.state.Requests {
		if other.isOpen(q.Created) {
			waiting++
		}
	}
	if waiting >= s.opt.MaxPending {
		a := faults.OAuthError("temporarily_unavailable", "too many requests are waiting for an answer")
		a.Status = 503
		return &a
	}
	s.state.LastRequest++
	q.Number = s.state.LastRequest
	s.state.Requests = append(s.state.Requests, q)
	if err := s.save(); err != nil {
		a := faults.ServerError(err.Error())
		return &a
	}
	s.signalChange()
	s.scheduleAutoAnswer(q)
	return nil
}

// parseRequest validates every parameter of an authentication request and finds the
// person (CIBA section 7.1).
func (s *Server) parseRequest(c *call, cl *client) (*request, *faults.Answer) {
	reject := func(code, why string) (*request, *faults.Answer) {
		a := faults.OAuthError(code, why)
		return nil, &a
	}
	q := &request{Client: cl.ID, Created: c.now, Status: pending, Interval: s.opt.Interval}
	switch {
	case c.form.Has("request"):
		if code, err := c.unpackSignedRequest(cl); err != nil {
			return reject(code, err.Error())
		}
	case cl.SignedRequestsOnly:
		return reject("invalid_request", "this client is registered for signed requests")
	}
	scope := c.form.Get("scope")
	if !scopeAlphabet.MatchString(scope) || !slices.Contains(strings.Fields(scope), "openid") {
		return reject("invalid_scope", "scope must be given and contain openid")
	}
	q.Scope = strings.Fields(scope)
	if why := q.parseNotificationToken(c, cl); why != "" {
		return reject("invalid_request", why)
	}
	if q.BindingMessage = c.form.Get("binding_message"); q.BindingMessage != "" && !bindingAlphabet.MatchString(q.BindingMessage) {
		return reject("invalid_binding_message", "use 1 to 64 letters, digits, spaces and +-_.,:#")
	}
	life := s.opt.Expires
	if requested := c.form.Get("requested_expiry"); requested != "" {
		n, err := strconv.Atoi(requested)
		if err != nil || n < 1 {
			return reject("invalid_request", "requested_expiry must be a positive whole number of seconds")
		}
		life = min(n, maxExpiry)
	}
	q.Expires = c.now.Add(time.Duration(life) * time.Second)
	if acr := strings.Fields(c.form.Get("acr_values")); len(acr) > 0 {
		q.ACR = acr[0]
	}
	if d := c.form.Get("authorization_details"); d != "" {
		if json.Unmarshal([]byte(d), &q.Details) != nil || len(q.Details) == 0 || slices.ContainsFunc(q.Details, lacksType) {
			return reject("invalid_authorization_details", "authorization_details must be a JSON array of objects with a type")
		}
	}
	q.Site = parseSite(c.form.Get("request_context"))
	person, code, err := s.resolveHint(c, cl)
	if err != nil {
		return reject(code, err.Error())
	}
	if code := c.form.Get("user_code"); person.UserCode != "" && code != person.UserCode {
		if code == "" {
			return reject("missing_user_code", "this person has set a user code")
		}
		return reject("invalid_user_code", "that is not this person's user code")
	}
	q.Person = person.Username
	return q, nil
}

// resolveHint finds the person by the hint. A failure has the code of an OAuth error.
func (s *Server) resolveHint(c *call, cl *client) (*Person, string, error) {
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
		p = personByHint(c.form.Get("login_hint"), s.Issuer())
	case "id_token_hint":
		p = s.personByIDToken(c.form.Get("id_token_hint"), cl)
		if p == nil {
			return nil, "invalid_request", errors.New("id_token_hint is not an ID token issued to this client")
		}
	default:
		var code string
		if p, code = s.personByHintToken(c.form.Get("login_hint_token"), c.now); code != "" {
			return nil, code, errors.New("login_hint_token is not from this server, or has expired")
		}
	}
	if p == nil || p.Phoneless {
		return nil, "unknown_user_id", errors.New("the hint names nobody with a phone")
	}
	return p, "", nil
}

// personByIDToken returns the subject of an ID token issued to this client, nil if the
// token is not valid. An expired token is accepted (CIBA section 14).
func (s *Server) personByIDToken(token string, cl *client) *Person {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return nil
	}
	s.mu.Lock()
	keys := slices.Clone(s.state.Keys)
	s.mu.Unlock()
	for _, k := range keys {
		var claims jwt.Claims
		if parsed.Claims(k.JWK.Public().Key, &claims) == nil &&
			claims.Issuer == s.Issuer() && claims.Audience.Contains(cl.ID) {
			return personBySubject(claims.Subject)
		}
	}
	return nil
}

// lacksType reports whether an authorization detail lacks its type (RFC 9396 section 2).
func lacksType(detail json.RawMessage) bool {
	var d struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(detail, &d) != nil || d.Type == ""
}

// parseSite returns the member "site" of request_context: where the kiosk stands. The
// phone shows it (FAPI-CIBA).
func parseSite(context string) string {
	var v struct {
		Site string `json:"site"`
	}
	if json.Unmarshal([]byte(context), &v) != nil {
		return ""
	}
	return PlainText(v.Site, 60)
}
