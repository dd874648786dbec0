package ciba

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// maxDescription is how much of a server's free text may reach a log.
const maxDescription = 200

// oauthError is the error of an answer (RFC 6749, section 5.2; CIBA Core,
// sections 11 and 13).
type oauthError struct {
	code        string
	description string // cleaned; for the log only, never decided by
	body        oidc.Object
}

// Error reads "code (description)".
func (e *oauthError) Error() string {
	if e.description == "" {
		return e.code
	}
	return fmt.Sprintf("%s (%s)", e.code, e.description)
}

// readError finds an OAuth error in an answer; nil if there is none. Registered
// codes are single words, so "Not Found" from a gateway's own JSON is not one.
// Whatever equals a secret is taken out of the description.
func readError(body []byte, secrets ...[]byte) *oauthError {
	o, err := oidc.ParseObject(body)
	if err != nil {
		return nil
	}
	code, _ := o.Text("error")
	if code == "" || len(code) > 100 || strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		return nil
	}
	description, _ := o.Text("error_description")
	return &oauthError{code: clean(code, secrets...), description: clean(description, secrets...), body: o}
}

// clean makes a server's text fit for a log: the printable ASCII of it, at most
// 200 bytes, without anything that equals one of the secrets, also where the server
// repeats it in another spelling.
func clean(s string, secrets ...[]byte) string {
	s = oidc.Printable(s, len(s))
	for _, secret := range secrets {
		plain := string(secret)
		for _, form := range []string{plain, url.QueryEscape(plain), url.PathEscape(plain), inJSON(plain)} {
			s = removeFold(s, oidc.Printable(form, len(form))) // s has lost the same characters
		}
	}
	return oidc.Printable(s, maxDescription)
}

// removeFold replaces every occurrence, whatever its case.
func removeFold(s, form string) string {
	if form == "" {
		return s
	}
	var b strings.Builder
	lower, want := asciiLower(s), asciiLower(form)
	for {
		i := strings.Index(lower, want)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		b.WriteString("[removed]")
		s, lower = s[i+len(want):], lower[i+len(want):]
	}
}

// asciiLower folds A to Z only and keeps the length. Unicode's folding would make
// the Kelvin sign a k, and with it another person's address equal.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// unreached is the reason for a request that got no whole answer: the clock if
// that is why the server's certificate was refused.
func (k *Client) unreached(err error) kiosk.Reason {
	if oidc.ClockSuspect(err, k.c.Now()) {
		return kiosk.BadClock
	}
	if errors.Is(err, oidc.ErrTooLong) {
		return kiosk.Untrusted
	}
	var e *kiosk.Error
	if errors.As(err, &e) {
		return e.Reason // never left this device
	}
	return kiosk.Unreachable
}

// askReasons says what an error of the backchannel endpoint comes to (CIBA Core,
// section 13, and the codes of servers that have their own). What is not in it
// ends the request like an unknown person: terminal, and it tells bystanders
// nothing.
var askReasons = map[string]kiosk.Reason{
	// Auth0 says invalid_request for a person without a phone, Keycloak for an unknown one.
	"invalid_request":               kiosk.Refused,
	"unknown_user_id":               kiosk.Refused,
	"unauthorized_user":             kiosk.Refused, // WSO2's unknown_user_id
	"access_denied":                 kiosk.Refused,
	"expired_login_hint_token":      kiosk.Refused,
	"missing_user_code":             kiosk.Refused,
	"invalid_user_code":             kiosk.Refused,
	"expired_id_token_hint":         kiosk.Refused,
	"invalid_id_token_hint":         kiosk.Refused,
	"invalid_login_hint_token":      kiosk.Refused,
	"transaction_failed":            kiosk.Refused,
	"invalid_client":                kiosk.Misconfigured,
	"unauthorized_client":           kiosk.Misconfigured,
	"invalid_scope":                 kiosk.Misconfigured,
	"invalid_target":                kiosk.Misconfigured,
	"unsupported_grant_type":        kiosk.Misconfigured,
	"unsupported_response_type":     kiosk.Misconfigured,
	"request_not_supported":         kiosk.Misconfigured,
	"request_uri_not_supported":     kiosk.Misconfigured,
	"invalid_request_object":        kiosk.Misconfigured,
	"invalid_authorization_details": kiosk.Misconfigured,
	"invalid_binding_message":       kiosk.Misconfigured, // after the second try
	"invalid_dpop_proof":            kiosk.Misconfigured,
	"use_dpop_nonce":                kiosk.Misconfigured,
	"server_error":                  kiosk.Unreachable,
	"temporarily_unavailable":       kiosk.Unreachable,
	"too_many_requests":             kiosk.Unreachable,
	"slow_down":                     kiosk.Unreachable,
}

// pollReasons says why a poll was the last one, for errors of the token endpoint
// that are no verdict of their own. What is not in it is Refused: node-oidc-provider
// lets its host choose any code for a refusal.
var pollReasons = map[string]kiosk.Reason{
	"invalid_client":         kiosk.Misconfigured,
	"unauthorized_client":    kiosk.Misconfigured,
	"unsupported_grant_type": kiosk.Misconfigured,
	"invalid_scope":          kiosk.Misconfigured,
	"invalid_target":         kiosk.Misconfigured,
	"invalid_dpop_proof":     kiosk.Misconfigured,
	"use_dpop_nonce":         kiosk.Misconfigured,
}
