package ciba

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// A server's text may repeat the identifier in any encoding.
func TestServerTextIsNotRepeated(t *testing.T) {
	const (
		who  = "müller+shop@example.com"
		id   = "canary request/id"
		code = "K7-4F9Q"
	)
	secrets := []string{who, "mller+shop@example.com", "m%C3%BCller", "M\u00fcLLER", "shop@example.com", "SHOP@EXAMPLE.COM", id, code, "the-client-secret", "canary-access", "canary-refresh", hex.EncodeToString([]byte(who)), base64.StdEncoding.EncodeToString([]byte(who)),
		base64.RawURLEncoding.EncodeToString([]byte(who)), "person-7", "\x1b"}
	echo := strings.Join([]string{
		"no user", who, strings.ToUpper(who), "m%C3%BCller%2Bshop%40example.com", "mül\x1bler+shop@exa\x00mple.com",
		code, "the end",
	}, " | ")
	var book notebook
	p := newOP(t)
	k := p.kiosk(func(c *Config) { c.Log = book.logger() })
	ack := ask(t, k)
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	for _, body := range []any{
		obj{"error": "unknown_user_id", "error_description": echo},
		obj{"error": who, "error_description": echo},
		obj{"error": "invalid_request", "error_description": strings.Repeat("x", 190) + who},
		obj{"error": "invalid_request", "error_description": hex.EncodeToString([]byte(who)) + " " + base64.StdEncoding.EncodeToString([]byte(who))},
		obj{"error": base64.RawURLEncoding.EncodeToString([]byte(who))},
		"<html>" + echo,
		obj{"auth_req_id": id, "expires_in": who},
		echo,
	} {
		for _, status := range []int{200, 400, 401, 500} {
			p.play("/bc", say(status, body))
			_, err := k.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(who), Code: code})
			keep(err)
		}
	}
	for _, body := range []any{
		obj{"error": "invalid_request", "error_description": id + " " + strings.ToUpper(id) + " " + url.QueryEscape(id)},
		obj{"error": id},
		obj{"error": "person-7"},
		obj{"error": "invalid_scope", "error_description": "person-7 may not"},
		obj{"error": "server_error", "error_description": "person-7 may not"},
		p.tokens(noon, obj{"access_token": "canary-access", "token_type": "canary-access"}),
		p.tokens(noon, obj{"access_token": "canary access", "refresh_token": "canary-refresh"}),
	} {
		p.play("/token", say(200, body))
		keep(k.Poll(t.Context(), kiosk.Secret(id)).Err)
	}
	p.play("/revoke", say(400, obj{"error": "invalid_request", "error_description": "unknown canary-access of person-7"}))
	keep(k.Revoke(t.Context(), kiosk.Tokens{Access: kiosk.Secret("canary-access")}))
	p.play("/revoke", say(400, obj{"error": "person-7"}))
	keep(k.Revoke(t.Context(), kiosk.Tokens{Access: kiosk.Secret("canary-access")}))
	p.play("/me", line{status: 401, header: map[string]string{"WWW-Authenticate": `Bearer error="invalid_token", error_description="person-7"`}, body: `{"error":"person-7"}`})
	_, err := k.Verify(t.Context(), kiosk.Tokens{Access: kiosk.Secret("x"), ID: kiosk.Secret(p.idToken(noon, obj{"sub": "u"}))}, askedFor(ack.ExpectedSubject))
	keep(err)
	_, err = k.Verify(t.Context(), kiosk.Tokens{Access: kiosk.Secret("canary-access"), ID: kiosk.Secret("canary-access.x.y")}, askedFor(ack.ExpectedSubject))
	keep(err)

	for i, err := range errs {
		if err == nil {
			t.Errorf("%d: no error", i)
			continue
		}
		text := err.Error()
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%d: the error contains %q: %s", i, s, text)
			}
		}
		if len(text) > 400 {
			t.Errorf("%d: an error of %d bytes", i, len(text))
		}
	}
	for _, s := range append(secrets, "alice", "the-request-id") {
		if strings.Contains(book.String(), s) {
			t.Errorf("the log contains %q:\n%s", s, book.String())
		}
	}
	if !strings.Contains(book.String(), "outcome=refused") || !strings.Contains(book.String(), "outcome=accepted") {
		t.Errorf("the log is empty:\n%s", book.String())
	}
	for _, s := range []string{fmt.Sprintf("%+v", ack), fmt.Sprintf("%#v", ack)} {
		if strings.Contains(s, "the-request-id") || strings.Contains(s, "alice") {
			t.Errorf("an acknowledgement prints as %s", s)
		}
	}
}

// Only known codes are repeated: a server could send a name as a code, or hide it in a description.
func TestOAuthErrorText(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"invalid_scope"}`:                                           "invalid_scope",
		`{"error":"unknown_user_id","error_description":"no user canary"}`:    "unknown_user_id",
		`{"error":"access_denied","error_description":"Y2FuYXJ5"}`:            "access_denied",
		`{"error":"interaction_required","error_uri":"https://x.example/#c"}`: "interaction_required",
		`{"error":"canary"}`:                                     "unknown error code",
		`{"error":"canary_canary"}`:                              "unknown error code",
		`{"error":"canary@example.com","error_description":"x"}`: "unknown error code",
		`{"error":"INVALID_SCOPE"}`:                              "unknown error code",
	} {
		e := readError([]byte(body))
		if e == nil || e.Error() != want {
			t.Errorf("%s: %v, want %q", body, e, want)
		}
	}
	for _, body := range []string{``, `{}`, `{"error":""}`, `{"error":7}`, `{"error":"Not Found"}`, `{"error":"a\u001bb"}`, `{"error":"` + strings.Repeat("x", 101) + `"}`} {
		if e := readError([]byte(body)); e != nil {
			t.Errorf("%.40s is read as an error: %v", body, e)
		}
	}
}

// An identifier that is part of a code does not change the meaning of the code.
func TestErrorCodeIsReadWhole(t *testing.T) {
	p := newOP(t)
	p.play("/bc", oops(400, "invalid_client"))
	_, err := p.kiosk(nil).Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret("client"), Code: "K7"})
	wantReason(t, err, kiosk.Misconfigured)
}

func FuzzReadError(f *testing.F) {
	f.Add(`{"error":"invalid_scope","error_description":"alice"}`)
	f.Add(`{"error":"alice"}`)
	f.Add(`{"error":"Not Found"}`)
	f.Fuzz(func(t *testing.T, body string) {
		e := readError([]byte(body))
		if e == nil {
			return
		}
		if got := e.Error(); !knownCode(got) && got != "unknown error code" {
			t.Fatalf("%q", got)
		}
	})
}
