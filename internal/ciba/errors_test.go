package ciba

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// What a server says of a request may repeat what was in it, in any spelling.
func TestServersCannotPutSecretsIntoErrorsOrLogs(t *testing.T) {
	const (
		who  = "müller+shop@example.com"
		id   = "canary request/id"
		code = "K7-4F9Q"
	)
	secrets := []string{who, "mller+shop@example.com", "m%C3%BCller", "M\u00fcLLER", "shop@example.com", "SHOP@EXAMPLE.COM", id, code, "the-client-secret", "canary-access", "canary-refresh", "\x1b"}
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
		p.tokens(noon, obj{"access_token": "canary-access", "token_type": "canary-access"}),
		p.tokens(noon, obj{"access_token": "canary access", "refresh_token": "canary-refresh"}),
	} {
		p.play("/token", say(200, body))
		keep(k.Poll(t.Context(), kiosk.Secret(id)).Err)
	}
	p.play("/revoke", say(400, obj{"error": "invalid_request", "error_description": "unknown canary-access"}))
	keep(k.Revoke(t.Context(), kiosk.Tokens{Access: kiosk.Secret("canary-access")}))
	_, err := k.Verify(t.Context(), kiosk.Tokens{Access: kiosk.Secret("canary-access"), ID: kiosk.Secret("canary-access.x.y")}, askedFor(ack.Expect))
	keep(err)

	for i, err := range errs {
		if err == nil {
			t.Errorf("%d: no error", i)
			continue
		}
		text := err.Error()
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%d: the error holds %q: %s", i, s, text)
			}
		}
		if len(text) > 400 {
			t.Errorf("%d: an error of %d bytes", i, len(text))
		}
	}
	for _, s := range append(secrets, "alice", "the-request-id") {
		if strings.Contains(book.String(), s) {
			t.Errorf("the log holds %q:\n%s", s, book.String())
		}
	}
	if !strings.Contains(book.String(), "outcome=refused") || !strings.Contains(book.String(), "outcome=accepted") {
		t.Errorf("the log says nothing:\n%s", book.String())
	}
	for _, s := range []string{fmt.Sprintf("%+v", ack), fmt.Sprintf("%#v", ack)} {
		if strings.Contains(s, "the-request-id") || strings.Contains(s, "alice") {
			t.Errorf("an acknowledgement prints as %s", s)
		}
	}
}

func TestDescriptionsAreCutDown(t *testing.T) {
	for in, want := range map[string]string{
		"plain words":                     "plain words",
		"\x1b]0;title\x07\r\nnext \u202e": "]0;titlenext ",
		strings.Repeat("y", 500):          strings.Repeat("y", 200),
		"user Alice is unknown":           "user [removed] is unknown",
		"user al\x00ice":                  "user [removed]",
	} {
		if got := clean(in, []byte("alice")); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestSecretsAreTakenOutInEverySpelling(t *testing.T) {
	const secret = `m"üller +1/x`
	for spelling, text := range map[string]string{
		"as it is":     secret,
		"in capitals":  `M"ÜLLER +1/X`,
		"less accents": `m"ller +1/x`,
		"in a form":    url.QueryEscape(secret),
		"in a path":    url.PathEscape(secret),
		"in JSON":      `m\"üller +1/x`,
		"broken up":    "m\"ü\x00ll\r\ner +1/x",
	} {
		if got := clean("no "+text+" here", []byte("other"), []byte(secret)); got != "no [removed] here" {
			t.Errorf("%s: %q", spelling, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("user alice unknown", "alice")
	f.Add("al\x00ice", "ALICE")
	f.Add("m\u00fcller", "m\u00fcller")
	f.Add("[removed]", "o")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := clean(text, []byte(secret))
		if len(got) > maxDescription || oidc.Printable(got, len(got)) != got {
			t.Fatalf("%q", got)
		}
		// What is put in its place may itself hold a very short secret; nothing else may.
		if rest := strings.ReplaceAll(got, "[removed]", "\x00"); len(secret) > len("[removed]") && strings.Contains(asciiLower(rest), asciiLower(secret)) {
			t.Fatalf("%q is still in %q", secret, got)
		}
	})
}
