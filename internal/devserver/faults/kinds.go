package faults

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
)

// kinds is the table of all faults. To add a fault, add an entry to one of its
// parts.
var kinds = slices.Concat(answerKinds, connectionKinds, jsonKinds, tokenKinds, proofKinds)

// answerKinds replace or delay the whole answer.
var answerKinds = []kind{
	{name: "status", summary: "answer with the status value, and body and headers if given",
		check: checkInteger(200, 599), change: func(c Call, f *Fault, a *Answer) {
			*a = f.answer(int(f.Number(500)), f.Body)
		}},
	{name: "slow", summary: "wait value seconds (1; may be a fraction), then answer as usual",
		check: checkNumber(0, 3600), change: func(c Call, f *Fault, a *Answer) {
			a.Delay = f.seconds(1)
			a.Proceed = true
		}},
	{name: "drop", summary: "close the connection without an answer",
		change: func(c Call, f *Fault, a *Answer) { a.Delivery = Drop }},
	{name: "hang", summary: "never answer",
		change: func(c Call, f *Fault, a *Answer) { a.Delivery = Hang }},
	{name: "truncate", stage: AfterAnswer, summary: "send half of the body under the full Content-Length, then close",
		change: func(c Call, f *Fault, a *Answer) { a.Delivery = Truncate }},
	{name: "garbage", summary: "200 with random bytes declared as JSON",
		change: func(c Call, f *Fault, a *Answer) {
			*a = Answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: make([]byte, 512)}
			rand.Read(a.Body)
		}},
	{name: "not_json", summary: "200 with an HTML page",
		change: func(c Call, f *Fault, a *Answer) {
			*a = Answer{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html><body>Closed for maintenance</body></html>")}
		}},
	{name: "redirect", summary: "redirect to the URL value with 307 or status",
		check: checkText, change: func(c Call, f *Fault, a *Answer) {
			*a = f.answer(http.StatusTemporaryRedirect, f.Body)
			a.Header.Set("Location", f.text(""))
		}},
	{name: "retry_after", summary: "503 (or status) with Retry-After value: seconds or an HTTP date",
		change: func(c Call, f *Fault, a *Answer) {
			*a = f.answer(http.StatusServiceUnavailable, f.Body)
			a.Header.Set("Retry-After", f.text("10"))
		}},
	{name: "error", summary: "the OAuth error value, with description and status if given",
		check: checkText, change: func(c Call, f *Fault, a *Answer) {
			*a = OAuthError(f.text(""), f.Description)
			if f.Status != 0 {
				a.Status = f.Status
			}
			f.headers(a)
		}},
	{name: "server_error", summary: "500 with a JSON error",
		change: func(c Call, f *Fault, a *Answer) { *a = ServerError("a fault was requested") }},
	{name: "unauthorized", places: "api userinfo", summary: "401: the token is invalid",
		change: func(c Call, f *Fault, a *Answer) { *a = InvalidToken() }},
	{name: "forbidden", places: "api userinfo", summary: "403: the scopes do not suffice",
		change: func(c Call, f *Fault, a *Answer) {
			*a = JSON(http.StatusForbidden, map[string]string{"error": "insufficient_scope"})
			a.Header.Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
			a.Code = "insufficient_scope"
		}},
	{name: "slow_down", places: "token", stage: SlowDown, summary: "answer slow_down to a pending poll; the interval grows by 5 s"},
	{name: "user_code", places: "bc", summary: "require the user_code value; answer missing_user_code or invalid_user_code otherwise",
		check: checkText, change: func(c Call, f *Fault, a *Answer) {
			switch given := c.Param("user_code"); {
			case given == "":
				*a = OAuthError("missing_user_code", "this person has a user code")
			case given != f.text(""):
				*a = OAuthError("invalid_user_code", "that is not the person's user code")
			default:
				a.Proceed = true
			}
		}},
	{name: "rotate", places: "jwks", stage: AfterAnswer, summary: "answer as usual, then sign with new keys; value \"forget\" unpublishes the old keys",
		change: func(c Call, f *Fault, a *Answer) {
			if err := c.RotateKeys(f.text("") == "forget"); err != nil {
				*a = ServerError(err.Error())
			}
		}},
}

// answer makes an answer from the fault's own members.
func (f *Fault) answer(status int, body string) Answer {
	if f.Status != 0 {
		status = f.Status
	}
	a := Answer{Status: status, Body: []byte(body), Header: http.Header{"Cache-Control": {"no-store"}}}
	if json.Valid(a.Body) {
		a.Header.Set("Content-Type", "application/json")
		var e struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(a.Body, &e) == nil {
			a.Code = e.Error
		}
	} else {
		a.Header.Set("Content-Type", "text/plain")
	}
	f.headers(&a)
	return a
}

// headers adds the fault's headers.
func (f *Fault) headers(a *Answer) {
	for name, value := range f.Headers {
		a.Header.Set(name, value)
	}
}
