package devserver

import (
	"crypto/rand"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"
)

// userCodeAlphabet has no vowels, so that no words come out, and nothing that
// looks like something else (RFC 8628 section 6.1).
const userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode makes eight letters, 34 bits, shown in two groups.
func newUserCode() string {
	var b strings.Builder
	for i := range 8 {
		if i == 4 {
			b.WriteByte('-')
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(userCodeAlphabet))))
		if err != nil {
			panic(err) // the system's randomness does not fail
		}
		b.WriteByte(userCodeAlphabet[n.Int64()])
	}
	return b.String()
}

// deviceAuthorization starts a request without a known person (RFC 8628 section 3.1).
func (s *Server) deviceAuthorization(c *call) answer {
	known, bad := c.authenticate()
	if bad != nil {
		return *bad
	}
	if !known.may(grantDevice) {
		return refuse("unauthorized_client", "the client is not registered for the device grant")
	}
	scope := c.form.Get("scope")
	if !scopeAlphabet.MatchString(scope) || !slices.Contains(strings.Fields(scope), "openid") {
		return refuse("invalid_scope", "scope must be given and contain openid")
	}
	id := secret()
	q := &request{
		ID: digest(id), UserCode: newUserCode(), Client: known.ID, Scope: strings.Fields(scope), State: pending,
		Created: c.now, Expires: c.now.Add(time.Duration(s.opt.Expires) * time.Second), Interval: s.opt.Interval,
	}
	if bad := s.enter(q); bad != nil {
		return *bad
	}
	c.note(func(e *Arrival) { e.Request = q.Number })
	page := s.base() + "/device"
	body := map[string]any{
		"device_code": id, "user_code": q.UserCode, "expires_in": s.opt.Expires, "interval": q.Interval,
		"verification_uri": page, "verification_uri_complete": page + "?user_code=" + url.QueryEscape(q.UserCode),
	}
	if s.opt.OmitInterval {
		delete(body, "interval")
	}
	return ok(body)
}

// ApproveDevice answers yes, as the person of that username, to the device request
// that shows a user code. Case, spaces and hyphens of the code do not matter.
func (s *Server) ApproveDevice(userCode, as string) error {
	return s.decideDevice(userCode, as, approved)
}

// DenyDevice answers no to the device request that shows a user code.
func (s *Server) DenyDevice(userCode string) error { return s.decideDevice(userCode, "", denied) }

func (s *Server) decideDevice(userCode, as string, to requestState) error {
	if to == approved && answerer(as) == nil {
		return ErrNobody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	q := s.byUserCode(userCode, now)
	if q == nil {
		return ErrNothingPending
	}
	return s.decide(q, as, to, now)
}

// byUserCode finds an open device request. The lock must be held.
func (s *Server) byUserCode(code string, now time.Time) *request {
	code = bareCode(code)
	for _, q := range s.book.Requests {
		if q.device() && bareCode(q.UserCode) == code && q.open(now) {
			return q
		}
	}
	return nil
}

// bareCode is a user code as typed, without what people add or leave out.
func bareCode(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(code))
}
