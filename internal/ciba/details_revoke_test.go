package ciba

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Tokens that may not be used are handed over all the same: they are good at the
// server until somebody gives them back.
func TestTokensOfRefusedAnswersAreRevoked(t *testing.T) {
	p := newOP(t)
	for name, c := range map[string]struct {
		changes         obj
		reason          kiosk.Reason
		access, refresh string
	}{
		"too few scopes":                  {obj{"scope": "openid"}, kiosk.NoAccess, "the-access-token", ""},
		"too few scopes, a refresh token": {obj{"scope": "openid", "refresh_token": "ref"}, kiosk.NoAccess, "the-access-token", "ref"},
		"scope as a list":                 {obj{"scope": []string{"openid"}}, kiosk.Untrusted, "the-access-token", ""},
		"no ID token":                     {obj{"id_token": nil}, kiosk.Untrusted, "the-access-token", ""},
		"no ID token, a refresh token":    {obj{"id_token": nil, "refresh_token": "ref"}, kiosk.Untrusted, "the-access-token", "ref"},
		"another token type":              {obj{"token_type": "mac", "refresh_token": "ref"}, kiosk.Untrusted, "the-access-token", "ref"},
		"no token type":                   {obj{"token_type": nil}, kiosk.Untrusted, "the-access-token", ""},
		"a refresh token that is none":    {obj{"refresh_token": 7}, kiosk.Untrusted, "the-access-token", ""},
		"an access token that is none":    {obj{"access_token": "a b", "refresh_token": "ref"}, kiosk.Untrusted, "", "ref"},
		"an error that is no text":        {obj{"error": 7}, kiosk.Untrusted, "the-access-token", ""},
		"nothing but an ID token":         {obj{"access_token": nil}, kiosk.Untrusted, "", ""},
	} {
		p.play("/token", say(200, p.tokens(noon, c.changes)))
		a := p.kiosk(nil).Poll(t.Context(), requestID)
		if a.Verdict != kiosk.Fatal || a.Reason != c.reason {
			t.Errorf("%s: %s, %v", name, verdictName(a.Verdict), a.Err)
		}
		if string(a.Tokens.Access) != c.access || string(a.Tokens.Refresh) != c.refresh || len(a.Tokens.ID) != 0 {
			t.Errorf("%s: hands over %q, %q and an ID token of %d bytes", name, string(a.Tokens.Access), string(a.Tokens.Refresh), len(a.Tokens.ID))
		}
	}
}

func TestRetryAfterOfIncompleteAnswer(t *testing.T) {
	p := newOP(t)
	for _, status := range []int{200, 429, 503} {
		p.play("/token", line{do: func(w http.ResponseWriter, _ *http.Request) {
			c, b, _ := w.(http.Hijacker).Hijack()
			fmt.Fprintf(b, "HTTP/1.1 %d X\r\nRetry-After: 17\r\nContent-Length: 5000\r\n\r\n{", status)
			b.Flush()
			c.Close()
		}})
		if a := p.kiosk(nil).Poll(t.Context(), requestID); a.Verdict != kiosk.Retryable || a.RetryAfter != 17*time.Second {
			t.Errorf("%d: %s, wait %v", status, verdictName(a.Verdict), a.RetryAfter)
		}
	}
}

func TestOversizedExpectationIsNotSent(t *testing.T) {
	p := newOP(t)
	long := strings.Repeat("a", 7<<10)
	k := p.kiosk(func(c *Config) { c.LoginHint = "{identifier}{identifier}{identifier}" })
	_, err := k.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(long), Code: "K7"})
	wantReason(t, err, kiosk.Refused)
	// Every quotation mark takes two bytes on record.
	_, err = p.kiosk(nil).Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(strings.Repeat(`"`, 9<<10)), Code: "K7"})
	wantReason(t, err, kiosk.Refused)
	if n := len(p.got("/bc")); n != 0 {
		t.Fatalf("%d requests", n)
	}
	most := maxExpectation - len(`{"hint":""}`)
	for length, want := range map[int]kiosk.Reason{most: kiosk.NoReason, most + 1: kiosk.Refused} {
		ack, err := p.kiosk(nil).Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(strings.Repeat("<", length)), Code: "K7"})
		wantReason(t, err, want)
		if err == nil && len(ack.ExpectedSubject) != 16<<10 {
			t.Errorf("%d bytes on record", len(ack.ExpectedSubject))
		}
	}
	if _, err := New(p.config(func(c *Config) { c.LoginHint = strings.Repeat("x", 16<<10) + "{identifier}" })); kiosk.ReasonOf(err) != kiosk.Misconfigured {
		t.Errorf("a pattern that nobody fits into: %v", err)
	}
}
