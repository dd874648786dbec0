package faults

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Answer is an HTTP answer and how it is delivered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Code   string // the OAuth error code; "" on success

	Proceed  bool          // set by a fault: let the endpoint answer
	Delay    time.Duration // wait this long first
	Delivery Delivery

	padding    int64 // bytes of padding as a first member; for Reset, bytes sent before it
	earlyHints int   // informational answers sent first
}

// Delivery is the way an answer reaches the client.
type Delivery int

const (
	Whole          Delivery = iota // as HTTP demands
	Drop                           // close the connection without an answer
	Hang                           // never answer
	Truncate                       // announce the full length, send half, close
	Endless                        // a body that never ends
	Drip                           // byte by byte
	EndlessHeaders                 // header lines that never end
	Reset                          // some bytes, then a connection reset
	NotHTTP                        // bytes of another protocol
	BadChunks                      // invalid chunked encoding
)

// JSON makes an answer with a JSON body that caches must not keep (RFC 6749
// section 5.1).
func JSON(status int, v any) Answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // all values come from this program
	}
	return Answer{Status: status, Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"},
	}}
}

// OAuthError makes an OAuth error with status 401 for invalid_client and 400
// otherwise (RFC 6749 section 5.2, CIBA sections 11 and 13).
func OAuthError(code, description string) Answer {
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
	}
	a := JSON(status, map[string]string{"error": code, "error_description": description})
	if code == "invalid_client" {
		a.Header.Set("WWW-Authenticate", `Basic realm="devserver"`)
	}
	a.Code = code
	return a
}

// ServerError makes a 500 with an OAuth error.
func ServerError(description string) Answer {
	a := OAuthError("server_error", description)
	a.Status = http.StatusInternalServerError
	return a
}

// InvalidToken makes the 401 for an access token that is not valid (RFC 6750
// section 3).
func InvalidToken() Answer {
	a := JSON(http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
	a.Header.Set("WWW-Authenticate", `Bearer realm="devserver", error="invalid_token"`)
	a.Code = "invalid_token"
	return a
}

// edit changes the JSON object in the body. It leaves any other body alone.
func (a *Answer) edit(change func(map[string]any)) {
	var m map[string]any
	if json.Unmarshal(a.Body, &m) != nil || m == nil {
		return
	}
	change(m)
	if body, err := json.Marshal(m); err == nil {
		a.Body = body
	}
}

// editKeys changes the keys of a JWK set in the body.
func (a *Answer) editKeys(change func([]json.RawMessage) []json.RawMessage) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(a.Body, &set) != nil {
		return
	}
	set.Keys = change(set.Keys)
	if body, err := json.Marshal(set); err == nil {
		a.Body = body
	}
}

// append adds a member at the end of the JSON object, even if it has one of that
// name.
func (a *Answer) append(name, value string) {
	body := strings.TrimSpace(string(a.Body))
	if !strings.HasSuffix(body, "}") {
		return
	}
	key, _ := json.Marshal(name) // a string always marshals
	comma := ","
	if body == "{}" {
		comma = ""
	}
	a.Body = []byte(body[:len(body)-1] + comma + string(key) + ":" + value + "}")
}

// mainMember names the member that a client needs first from an endpoint's answer.
func (a *Answer) mainMember(place string) string {
	if a.Code != "" {
		return "error"
	}
	return map[string]string{
		"bc": "auth_req_id", "token": "id_token", "jwks": "keys", "discovery": "issuer", "api": "title",
		"userinfo": "sub", "device": "device_code", "register": "client_id",
	}[place]
}
