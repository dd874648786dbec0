package ciba

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/pattern"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// hintRule makes a login_hint from an identifier (KIOSK_LOGIN_HINT).
type hintRule struct {
	issSub  bool   // Auth0's JSON form
	pattern string // over {identifier} and {issuer}; with issSub it makes the subject
	quoted  bool   // the pattern is JSON written by the operator
	issuer  string
}

func newHintRule(c Config) (hintRule, error) {
	r := hintRule{pattern: c.LoginHint, issuer: c.Issuer}
	if word, sub, _ := strings.Cut(c.LoginHint, ":"); word == "iss_sub" {
		r.issSub, r.pattern = true, sub
	}
	if r.pattern == "" {
		r.pattern = "{identifier}"
	}
	r.quoted = strings.Contains(r.pattern, `"`)
	if unknown := pattern.Unknown(r.pattern, "{identifier}", "{issuer}"); unknown != "" {
		return r, errors.New("may contain only {identifier} and {issuer}")
	}
	if !strings.Contains(r.pattern, "{identifier}") {
		return r, errors.New("does not contain {identifier}")
	}
	if _, e, err := r.apply(""); err != nil || len(e.encode()) > maxExpectation {
		return r, errors.New("too long")
	}
	return r, nil
}

// expectation is what Verify has to know about a request. It is kept as Ack.ExpectedSubject.
type expectation struct {
	Hint    string `json:"hint"`          // the login_hint as it was sent, without its JSON form
	Subject string `json:"sub,omitempty"` // the subject, if known

	Claim  string `json:"claim,omitempty"`  // with a login hint token: the claim that must equal Hint
	Device bool   `json:"device,omitempty"` // the tokens are for KIOSK_DEVICE_CLIENT_ID
}

// apply returns the login_hint for an identifier and what to expect of the answer.
func (r hintRule) apply(identifier string) (hint string, e expectation, err error) {
	if r.issSub {
		sub := r.fill(identifier)
		b, err := json.Marshal(struct {
			Format string `json:"format"`
			Iss    string `json:"iss"`
			Sub    string `json:"sub"`
		}{"iss_sub", r.issuer, sub})
		return string(b), expectation{Hint: sub, Subject: sub}, err
	}
	hint = r.fill(identifier)
	return hint, expectation{Hint: hint}, nil
}

// fill inserts all values at once, so that an identifier that contains a placeholder stays text. In a JSON pattern the
// identifier is escaped, so that it cannot add members.
func (r hintRule) fill(identifier string) string {
	if r.quoted && !r.issSub {
		identifier = escapeJSON(identifier)
	}
	return strings.NewReplacer("{identifier}", identifier, "{issuer}", r.issuer).Replace(r.pattern)
}

func escapeJSON(s string) string {
	b, _ := json.Marshal(s)
	return string(b[1 : len(b)-1])
}

// effectiveHintRule returns the configured rule, or the profile's if the setting has its default.
func (k *Client) effectiveHintRule() hintRule {
	if p := k.Profile(); p.HintPattern != "" && (k.config.LoginHint == "" || k.config.LoginHint == "{identifier}") {
		c := k.config
		c.LoginHint = p.HintPattern
		if r, err := newHintRule(c); err == nil { // a test makes each profile's rule
			return r
		}
	}
	return k.hintRule
}

// identify returns the hint parameter and its value: the scanned login hint token, else the lookup's answer, else the
// filled pattern. The error is a *kiosk.Error.
func (k *Client) identify(ctx context.Context, identifier kiosk.Secret) (name, hint string, e expectation, err error) {
	const what = "login hint"
	id := string(identifier)
	if strings.TrimSpace(id) == "" {
		return "", "", e, kiosk.Fail(kiosk.Refused, what, errors.New("no identifier"))
	}
	if !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", "", e, kiosk.Fail(kiosk.Refused, what, errors.New("the identifier contains control characters"))
	}
	if e, is, err := k.scannedToken(id); is {
		return "login_hint_token", id, e, err
	}
	if k.config.LookupURL != "" {
		hint, e, err = k.lookup(ctx, identifier)
	} else {
		hint, e, err = k.effectiveHintRule().apply(id)
	}
	if err != nil {
		return "", "", e, err
	}
	if n, most := utf8.RuneCountInString(hint), k.Profile().HintMax; most > 0 && n > most {
		return "", "", e, kiosk.Fail(kiosk.Refused, what, fmt.Errorf("%d characters; the server accepts %d", n, most))
	}
	return "login_hint", hint, e, nil
}

// encode and decodeExpectation carry an expectation through the record.
func (e expectation) encode() kiosk.Secret {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false) // HTML escapes would only take room
	_ = w.Encode(e)        // strings always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func decodeExpectation(s kiosk.Secret) (e expectation, err error) {
	o, err := strictjson.Parse(s)
	if err != nil {
		return e, err
	}
	e.Hint, _ = o.Text("hint")
	e.Subject, _ = o.Text("sub")
	e.Claim, _ = o.Text("claim")
	e.Device, _ = o["device"].(bool)
	if e.Hint == "" {
		return e, errors.New("empty expectation")
	}
	return e, nil
}
