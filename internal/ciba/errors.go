package ciba

import (
	"errors"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// oauthError is the error of an answer (RFC 6749 5.2; CIBA Core 11, 13). error_description and error_uri are never
// read: a server may repeat the identifier there, in any encoding.
type oauthError struct {
	code string // the server's; not for logs
	body strictjson.Object
}

// Error returns the code if it is a known one. An unknown code could contain an identifier.
func (e *oauthError) Error() string {
	if knownCode(e.code) {
		return e.code
	}
	return "unknown error code"
}

// readError returns the OAuth error of an answer, or nil. Registered codes are single words, so a gateway's "Not Found"
// is none.
func readError(body []byte) *oauthError {
	o, err := strictjson.Parse(body)
	if err != nil {
		return nil
	}
	code, _ := o.Text("error")
	if code == "" || len(code) > 100 || strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		return nil
	}
	return &oauthError{code: code, body: o}
}

// knownCode reports whether a code is in one of the tables.
func knownCode(code string) bool {
	_, ask := askReasons[code]
	_, poll := pollReasons[code]
	_, verdict := verdicts[code]
	return ask || poll || verdict || slices.Contains(otherCodes, code)
}

// otherCodes decide nothing here but help a technician. They are registered (OAuth Extensions Error Registry) or
// common.
var otherCodes = []string{
	"account_selection_required", "consent_required", "insufficient_scope",
	"insufficient_user_authentication", "interaction_required", "invalid_request_uri",
	"invalid_token", "login_required", "mfa_required", "not_allowed",
	"registration_not_supported", "unmet_authentication_requirements",
	"unsupported_token_type",
}

// asciiLower maps A to Z to lower case and keeps the length. Unicode folding would make the Kelvin sign a k, and
// another person's address equal.
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

// unreachableReason returns the reason for a request without a complete answer.
func (k *Client) unreachableReason(err error) kiosk.Reason {
	if oidc.SuggestsWrongClock(err, k.config.Now()) {
		return kiosk.BadClock
	}
	if k.config.Auth.MTLS() && oidc.IsClientCertificateRejected(err) {
		return kiosk.Misconfigured
	}
	if errors.Is(err, oidc.ErrResponseTooLong) {
		return kiosk.Untrusted
	}
	var e *kiosk.Error
	if errors.As(err, &e) {
		return e.Reason // nothing was sent
	}
	return kiosk.Unreachable
}

// askReasons maps the errors of the backchannel authentication endpoint to reasons (CIBA Core 13, and servers' own
// codes). Any other code is kiosk.Refused: final, and it reveals nothing to bystanders.
var askReasons = map[string]kiosk.Reason{
	// Auth0 sends it for a person without a phone, Keycloak for an unknown person.
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
	"invalid_binding_message":       kiosk.Misconfigured, // the pattern or the profile does not fit this server
	"invalid_dpop_proof":            kiosk.Misconfigured,
	"use_dpop_nonce":                kiosk.Misconfigured,
	"server_error":                  kiosk.Unreachable,
	"temporarily_unavailable":       kiosk.Unreachable,
	"too_many_requests":             kiosk.Unreachable,
	"slow_down":                     kiosk.Unreachable,
}

// pollReasons maps the errors of the token endpoint that are no verdicts to reasons. Any other code is kiosk.Refused:
// node-oidc-provider lets its host choose any code for a refusal.
var pollReasons = map[string]kiosk.Reason{
	"invalid_client":         kiosk.Misconfigured,
	"unauthorized_client":    kiosk.Misconfigured,
	"unsupported_grant_type": kiosk.Misconfigured,
	"invalid_scope":          kiosk.Misconfigured,
	"invalid_target":         kiosk.Misconfigured,
	"invalid_dpop_proof":     kiosk.Misconfigured,
	"use_dpop_nonce":         kiosk.Misconfigured,
}
