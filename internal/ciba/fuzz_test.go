package ciba

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// sendable reports whether a value can be sent in a form or a header.
func sendable(s kiosk.Secret, most int) bool {
	return len(s) > 0 && len(s) <= most && !strings.ContainsFunc(string(s), func(r rune) bool { return r <= ' ' || r == 0x7f })
}

func FuzzReadAck(f *testing.F) {
	for _, s := range []string{
		goodAck.String(), `{"auth_req_id":"x","expires_in":1e3}`, `{"auth_req_id":"x","expires_in":9e99,"interval":-1}`,
		`{"auth_req_id":"x","expires_in":30,"interval":"7"}`, `{"auth_req_id":"x","expires_in":30,"interval":1e400}`,
		`{"auth_req_id":"x","auth_req_id":"y","expires_in":30}`, `{"error":1,"auth_req_id":"x","expires_in":30}`, `[]`, `null`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ack, err := readAck(body)
		if err != nil {
			return
		}
		if !sendable(ack.RequestID, maxRequestID) {
			t.Errorf("auth_req_id %q", []byte(ack.RequestID))
		}
		if ack.Expires < time.Second || ack.Expires > maxExpires || ack.Interval < time.Second || ack.Interval > maxExpires {
			t.Errorf("expires in %v, interval %v", ack.Expires, ack.Interval)
		}
	})
}

func FuzzReadTokens(f *testing.F) {
	k, err := New(Config{
		Issuer: "https://op.example", ClientID: clientID, Auth: nobody{}, Transport: oidc.NewTransport(oidc.TransportOptions{}),
		Now: func() time.Time { return noon }, Scope: "openid profile",
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		`{"access_token":"a","token_type":"bearer","id_token":"x.y.z","scope":"openid profile"}`,
		`{"access_token":"a","token_type":"Bearer","id_token":"x.y.z","refresh_token":""}`,
		`{"access_token":"a","token_type":"Bearer","id_token":"x.y.z","scope":"openid"}`,
		`{"access_token":"a b","token_type":"Bearer","id_token":"x.y.z"}`, `{"access_token":"a","Access_Token":"b"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		tokens, reason, err := k.readTokens(body)
		if (err == nil) != (reason == kiosk.NoReason) {
			t.Fatalf("%v and %v", reason, err)
		}
		for what, s := range map[string]kiosk.Secret{"access": tokens.Access, "refresh": tokens.Refresh, "ID": tokens.ID} {
			if s != nil && !sendable(s, maxTokenSize) {
				t.Errorf("%s token %q", what, []byte(s))
			}
		}
		if err == nil && (tokens.Access == nil || tokens.ID == nil || tokens.Type != "Bearer" || hasControl(tokens.Scope) || !hasScope(tokens.Scope, "profile")) {
			t.Errorf("accepted: %q", body)
		}
	})
}

// nobody authenticates no client.
type nobody struct{ oidc.ClientAuth }

func (nobody) MTLS() bool { return false }

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("99999999999999999999", "Sun, 22 Nov 2026 12:00:00 GMT")
	f.Add("Sun, 22 Nov 2026 12:00:30 GMT", "Sun, 22 Nov 2026 12:00:00 GMT")
	f.Add("Sun, 22 Nov 9999 12:00:30 GMT", "Thu, 01 Jan 0001 00:00:00 GMT")
	f.Add("-1", "soon")
	f.Fuzz(func(t *testing.T, value, date string) {
		h := http.Header{"Retry-After": {value}, "Date": {date}}
		if d := retryAfter(h, noon); d < 0 || d > maxRetryAfter {
			t.Errorf("%q: wait of %v", value, d)
		}
	})
}

func FuzzReadLookup(f *testing.F) {
	f.Add([]byte(`{"login_hint":"alice","sub":"u-1"}`))
	f.Add([]byte(`{"login_hint":null,"sub":"u-1","more":[{}]}`))
	f.Add([]byte(`{"login_hint":"a\u0000b"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		hint, sub, err := readLookup(body)
		if err != nil && hint+sub != "" {
			t.Error("both an error and a person")
		}
		if hasControl(hint+sub) || len(hint) > maxLookupValue || len(sub) > maxLookupValue {
			t.Errorf("%q %q", hint, sub)
		}
	})
}

// A decoded expectation encodes to the same value, and no input panics.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte(expectation{Hint: "alice<", Subject: "u-1"}.encode()))
	f.Add([]byte(`{"hint":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeExpectation(data)
		if err != nil {
			return
		}
		again, err := decodeExpectation(e.encode())
		if e.Hint == "" || err != nil || again.Hint != e.Hint || again.Subject != e.Subject {
			t.Errorf("%q is decoded as %+v, then %+v: %v", data, e, again, err)
		}
	})
}
