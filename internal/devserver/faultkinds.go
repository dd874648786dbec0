package devserver

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// faultKinds is the table of everything that can go wrong. A new one is an entry
// here; the entries for tokens are in faulttokens.go, those that rewrite JSON in
// faultjson.go.
var faultKinds []faultKind

func init() { // not a literal: the checks refer back to the table
	faultKinds = slices.Concat(wireKinds, brokenKinds, jsonKinds, tokenKinds, proofKinds)
}

// wireKinds concern the answer as a whole.
var wireKinds = []faultKind{
	{name: "status", about: "answer with the status value, and body and headers if given",
		check: wholeNumber(200, 599), change: func(c *call, f *Fault, a *answer) {
			*a = f.answer(int(f.number(500)), f.Body)
		}},
	{name: "slow", about: "wait value seconds (may be a fraction), then answer as usual",
		check: decimal(0, 3600), change: func(c *call, f *Fault, a *answer) {
			a.delay = time.Duration(f.number(1) * float64(time.Second))
			a.proceed = true
		}},
	{name: "drop", about: "close the connection without an answer",
		change: func(c *call, f *Fault, a *answer) { a.how = drop }},
	{name: "hang", about: "never answer",
		change: func(c *call, f *Fault, a *answer) { a.how = hang }},
	{name: "truncate", step: rewrite, about: "send half of the body under the full Content-Length, then close",
		change: func(c *call, f *Fault, a *answer) { a.how = truncate }},
	{name: "garbage", about: "200 with random bytes called JSON",
		change: func(c *call, f *Fault, a *answer) {
			*a = answer{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: make([]byte, 512)}
			rand.Read(a.body)
		}},
	{name: "not_json", about: "200 with a page of HTML",
		change: func(c *call, f *Fault, a *answer) {
			*a = answer{status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("<html><body>Closed for maintenance</body></html>")}
		}},
	{name: "redirect", about: "redirect to the address value, with 307 or status",
		check: text, change: func(c *call, f *Fault, a *answer) {
			*a = f.answer(http.StatusTemporaryRedirect, f.Body)
			a.header.Set("Location", f.text(""))
		}},
	{name: "retry_after", about: "503 (or status) with Retry-After value: seconds or an HTTP date",
		change: func(c *call, f *Fault, a *answer) {
			*a = f.answer(http.StatusServiceUnavailable, f.Body)
			a.header.Set("Retry-After", f.text("10"))
		}},
	{name: "error", about: "the OAuth error value, with description and status if given",
		check: text, change: func(c *call, f *Fault, a *answer) {
			*a = refuse(f.text(""), f.Description)
			if f.Status != 0 {
				a.status = f.Status
			}
			f.headers(a)
		}},
	{name: "server_error", about: "500 with a JSON error",
		change: func(c *call, f *Fault, a *answer) { *a = failed("a fault was asked for") }},
	{name: "unauthorized", places: "api userinfo", about: "401: the token is called invalid",
		change: func(c *call, f *Fault, a *answer) { *a = unauthorized() }},
	{name: "forbidden", places: "api userinfo", about: "403: the scopes are called too few",
		change: func(c *call, f *Fault, a *answer) {
			*a = jsonAnswer(http.StatusForbidden, map[string]string{"error": "insufficient_scope"})
			a.header.Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
			a.code = "insufficient_scope"
		}},
	{name: "slow_down", places: "token", step: throttle, about: "slow_down to a pending poll; the interval grows by 5 s"},
	{name: "user_code", places: "bc", about: "demand the user_code value: missing_user_code or invalid_user_code else",
		check: text, change: func(c *call, f *Fault, a *answer) {
			switch given := c.form.Get("user_code"); {
			case given == "":
				*a = refuse("missing_user_code", "this person has a user code")
			case given != f.text(""):
				*a = refuse("invalid_user_code", "that is not the person's user code")
			default:
				a.proceed = true
			}
		}},
	{name: "rotate", places: "jwks", step: rewrite, about: "answer as usual, then sign with new keys; value \"forget\" unpublishes the old",
		change: func(c *call, f *Fault, a *answer) {
			if err := c.server.Rotate(f.text("") == "forget"); err != nil {
				*a = failed(err.Error())
			}
		}},
}

// answer makes an answer of a fault's own members.
func (f *Fault) answer(status int, body string) answer {
	if f.Status != 0 {
		status = f.Status
	}
	a := answer{status: status, body: []byte(body), header: http.Header{"Cache-Control": {"no-store"}}}
	if json.Valid(a.body) {
		a.header.Set("Content-Type", "application/json")
		var e struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(a.body, &e) == nil {
			a.code = plainText(e.Error, 60)
		}
	} else {
		a.header.Set("Content-Type", "text/plain")
	}
	f.headers(&a)
	return a
}

func (f *Fault) headers(a *answer) {
	for name, value := range f.Headers {
		a.header.Set(name, value)
	}
}

// number is the value as a number.
func (f *Fault) number(otherwise float64) float64 {
	n := otherwise
	if len(f.Value) > 0 {
		json.Unmarshal(f.Value, &n) // checked when the fault was set
	}
	return n
}

// text is the value as text; a number stands for its digits.
func (f *Fault) text(otherwise string) string {
	var s string
	switch {
	case len(f.Value) == 0:
		return otherwise
	case json.Unmarshal(f.Value, &s) == nil:
		return s
	}
	return strings.TrimSpace(string(f.Value))
}

// Checks of values.

func wholeNumber(low, high int64) func(*Fault) error {
	return func(f *Fault) error {
		var n int64
		if len(f.Value) == 0 {
			return nil
		}
		if json.Unmarshal(f.Value, &n) != nil || n < low || n > high {
			return fmt.Errorf("value must be a whole number from %d to %d", low, high)
		}
		return nil
	}
}

func decimal(low, high float64) func(*Fault) error {
	return func(f *Fault) error {
		var n float64
		if len(f.Value) > 0 && (json.Unmarshal(f.Value, &n) != nil || n < low || n > high) {
			return fmt.Errorf("value must be a number from %g to %g", low, high)
		}
		return nil
	}
}

func text(f *Fault) error {
	if f.text("") == "" {
		return fmt.Errorf("value must be given as text")
	}
	return nil
}

func object(f *Fault) error {
	var m map[string]any
	if json.Unmarshal(f.Value, &m) != nil || len(m) == 0 {
		return fmt.Errorf("value must be a JSON object")
	}
	return nil
}
