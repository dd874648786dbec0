package provider

import (
	"crypto/rand"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// userCodeAlphabet has no vowels, so that codes form no words, and no characters that
// look alike (RFC 8628 section 6.1).
const userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode makes a user code of eight letters (34 bits) in two groups.
func newUserCode() string {
	var b strings.Builder
	for i := range 8 {
		if i == 4 {
			b.WriteByte('-')
		}
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(userCodeAlphabet)))) // never fails
		b.WriteByte(userCodeAlphabet[n.Int64()])
	}
	return b.String()
}

// handleDeviceAuthorization is the device authorization endpoint. Its request has no
// person until somebody enters the user code (RFC 8628 section 3.1).
func (s *Server) handleDeviceAuthorization(c *call) faults.Answer {
	cl, failure := c.authenticate()
	if failure != nil {
		return *failure
	}
	if !cl.isAllowed(grantDevice) {
		return faults.OAuthError("unauthorized_client", "the client is not registered for the device grant")
	}
	scope := c.form.Get("scope")
	if !scopeAlphabet.MatchString(scope) || !slices.Contains(strings.Fields(scope), "openid") {
		return faults.OAuthError("invalid_scope", "scope must be given and contain openid")
	}
	id := newSecret()
	q := &request{
		ID: digest(id), UserCode: newUserCode(), Client: cl.ID, Scope: strings.Fields(scope), Status: pending,
		Created: c.now, Expires: c.now.Add(time.Duration(s.opt.Expires) * time.Second), Interval: s.opt.Interval,
	}
	if failure := s.addRequest(q); failure != nil {
		return *failure
	}
	c.annotate(func(e *Arrival) { e.Request = q.Number })
	page := s.baseURL() + "/device"
	body := map[string]any{
		"device_code": id, "user_code": q.UserCode, "expires_in": s.opt.Expires, "interval": q.Interval,
		"verification_uri": page, "verification_uri_complete": page + "?user_code=" + url.QueryEscape(q.UserCode),
	}
	if s.opt.OmitInterval {
		delete(body, "interval")
	}
	return jsonOK(body)
}

// ApproveDevice approves, as the person of that username, the device request with a
// user code. Case, spaces and hyphens of the code do not matter.
func (s *Server) ApproveDevice(userCode, as string) error {
	return s.answerDevice(userCode, as, approved)
}

// DenyDevice declines the device request with a user code.
func (s *Server) DenyDevice(userCode string) error { return s.answerDevice(userCode, "", denied) }

func (s *Server) answerDevice(userCode, as string, to requestStatus) error {
	if to == approved && PersonWithPhone(as) == nil {
		return ErrNoSuchPerson
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	q := s.findByUserCode(userCode, now)
	if q == nil {
		return ErrNothingPending
	}
	return s.answer(q, as, to, now)
}

// findByUserCode returns the open device request with a user code, nil if there is none.
// The lock must be held.
func (s *Server) findByUserCode(code string, now time.Time) *request {
	code = normalizeUserCode(code)
	for _, q := range s.state.Requests {
		if q.isDevice() && normalizeUserCode(q.UserCode) == code && q.isOpen(now) {
			return q
		}
	}
	return nil
}

// normalizeUserCode returns the letters of a user code in upper case.
func normalizeUserCode(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(code))
}
