package ciba

import (
	"errors"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// oauthError is the error of an answer (RFC 6749, section 5.2; CIBA Core,
// sections 11 and 13). Its error_description and error_uri are never looked at: a
// server may repeat there whom it was asked for, in any spelling or encoding.
type oauthError struct {
	code string // the server's; not for logs
	body strictjson.Object
}

// Error is the code if it is one we know. Any other could be somebody's name.
func (e *oauthError) Error() string {
	if knownCode(e.code) {
		return e.code
	}
	return "an error code that is not known here"
}

// readError finds an OAuth error in an answer; nil if there is none. Registered
// codes are single words, so "Not Found" from a gateway's own JSON is not one.
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

// knownCode tells whether a code is in one of the tables, or in the list of those
// that decide nothing here and yet tell a technician something.
func knownCode(code string) bool {
	_, ask := askReasons[code]
	_, poll := pollReasons[code]
	_, verdict := verdicts[code]
	return ask || poll || verdict || slices.Contains(otherCodes, code)
}

// otherCodes are registered (OAuth Extensions Error Registry) or common.
var otherCodes = []string{
	"account_selection_required", "consent_required", "insufficient_scope",
	"insufficient_user_authentication", "interaction_required", "invalid_request_uri",
	"invalid_token", "login_required", "mfa_required", "not_allowed",
	"registration_not_supported", "unmet_authentication_requirements",
	"unsupported_token_type",
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

// unreachableReason is the reason for a request that got no whole answer: the clock if
// that is why the server's certificate was refused.
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
	"invalid_binding_message":       kiosk.Misconfigured, // the pattern or the profile does not fit; nothing is sent again
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
