package ciba

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var requestID = kiosk.Secret("a request/id+with=signs")

func TestPollContent(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Pending || a.Err != nil {
		t.Fatalf("%+v", a)
	}
	got := p.got("/token")
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	want := url.Values{"grant_type": {"urn:openid:params:grant-type:ciba"}, "auth_req_id": {string(requestID)}}
	if r := got[0]; r.body != want.Encode() || r.query != "" || r.method != "POST" || r.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("%s ?%s %s", r.method, r.query, r.body)
	}
}

func TestVerdicts(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	ask(t, k) // fetches the metadata, so that no poll meets its kept connection
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		c, b, _ := w.(http.Hijacker).Hijack()
		fmt.Fprintf(b, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n%s", `{"access_token":"x",`)
		b.Flush()
		c.Close()
	}
	for name, c := range map[string]struct {
		l       line
		verdict kiosk.Verdict
		reason  kiosk.Reason // with Hopeless
		reached bool         // with Trouble
		// tokens came and have to be revoked
		salvaged bool
	}{
		"pending":                             {oops(400, "authorization_pending"), kiosk.Pending, 0, false, false},
		"pending, 403 as Auth0":               {oops(403, "authorization_pending"), kiosk.Pending, 0, false, false},
		"pending, 200 by mistake":             {oops(200, "authorization_pending"), kiosk.Pending, 0, false, false},
		"pending, 500 by mistake":             {oops(500, "authorization_pending"), kiosk.Pending, 0, false, false},
		"slow down":                           {oops(400, "slow_down"), kiosk.SlowDown, 0, false, false},
		"slow down, 429":                      {oops(429, "slow_down"), kiosk.SlowDown, 0, false, false},
		"refused":                             {oops(400, "access_denied"), kiosk.Denied, 0, false, false},
		"refused, 403":                        {oops(403, "access_denied"), kiosk.Denied, 0, false, false},
		"expired":                             {oops(400, "expired_token"), kiosk.TimedOut, 0, false, false},
		"unknown request":                     {oops(400, "invalid_grant"), kiosk.UnknownRequest, 0, false, false},
		"unknown client":                      {oops(401, "invalid_client"), kiosk.Fatal, kiosk.Misconfigured, false, false},
		"client not authorized":               {oops(400, "unauthorized_client"), kiosk.Fatal, kiosk.Misconfigured, false, false},
		"grant not offered":                   {oops(400, "unsupported_grant_type"), kiosk.Fatal, kiosk.Misconfigured, false, false},
		"invalid scope":                       {oops(400, "invalid_scope"), kiosk.Fatal, kiosk.Misconfigured, false, false},
		"DPoP nonce required":                 {oops(400, "use_dpop_nonce"), kiosk.Fatal, kiosk.Misconfigured, false, false},
		"invalid request":                     {oops(400, "invalid_request"), kiosk.Fatal, kiosk.Refused, false, false},
		"browser required":                    {oops(400, "interaction_required"), kiosk.Fatal, kiosk.Refused, false, false},
		"server's own code":                   {oops(400, "customer_blocked"), kiosk.Fatal, kiosk.Refused, false, false},
		"unavailable, 503":                    {oops(503, "temporarily_unavailable"), kiosk.Retryable, 0, true, false},
		"server error, 400":                   {oops(400, "server_error"), kiosk.Retryable, 0, true, false},
		"unknown code with 500":               {oops(500, "kaboom"), kiosk.Retryable, 0, true, false},
		"unknown code with 429":               {oops(429, "rate_limited"), kiosk.Retryable, 0, true, false},
		"too many requests":                   {oops(429, "too_many_requests"), kiosk.Retryable, 0, true, false},
		"500 without a body":                  {say(500, ""), kiosk.Retryable, 0, true, false},
		"502 from a gateway":                  {say(502, "<html>"), kiosk.Retryable, 0, true, false},
		"404 from a gateway":                  {say(404, `{"error":"Not Found","status":404}`), kiosk.Retryable, 0, true, false},
		"400 without a body":                  {say(400, ""), kiosk.Retryable, 0, true, false},
		"400 with invalid JSON":               {say(400, `{"error":"slow_down" "x":1}`), kiosk.Retryable, 0, true, false}, // as Auth0's manual prints it
		"400 with a duplicate error":          {say(400, `{"error":"authorization_pending","error":"access_denied"}`), kiosk.Retryable, 0, true, false},
		"400 with an error as an object":      {say(400, `{"error":{"code":"access_denied"}}`), kiosk.Retryable, 0, true, false},
		"400 with Error in capitals":          {say(400, `{"Error":"access_denied"}`), kiosk.Retryable, 0, true, false},
		"401 without a body":                  {say(401, ""), kiosk.Retryable, 0, true, false},
		"moved, 302":                          {line{status: 302, header: map[string]string{"Location": "/elsewhere"}}, kiosk.Retryable, 0, true, false},
		"moved, 307":                          {line{status: 307, header: map[string]string{"Location": "/elsewhere"}}, kiosk.Retryable, 0, true, false},
		"204":                                 {line{status: 204}, kiosk.Retryable, 0, true, false},
		"long error page":                     {say(500, strings.Repeat("x", 1<<20)), kiosk.Retryable, 0, true, false},
		"connection closed":                   {line{do: hangUp}, kiosk.Retryable, 0, false, false},
		"200, truncated":                      {line{do: cut}, kiosk.Retryable, 0, true, false},
		"200, not JSON":                       {say(200, "<html>"), kiosk.Retryable, 0, true, false},
		"200, empty":                          {say(200, ""), kiosk.Retryable, 0, true, false},
		"200, too long":                       {say(200, strings.Repeat("x", 1<<20)), kiosk.Retryable, 0, true, false},
		"200, a duplicate member":             {say(200, `{"access_token":"x","access_token":"y"}`), kiosk.Fatal, kiosk.Untrusted, false, false},
		"tokens and an error":                 {say(200, p.tokens(noon, obj{"error": "access_denied"})), kiosk.Denied, 0, false, false},
		"tokens and an error of another type": {say(200, p.tokens(noon, obj{"error": 7})), kiosk.Fatal, kiosk.Untrusted, false, true},
		"tokens and the server's own code":    {say(200, p.tokens(noon, obj{"error": "customer_blocked"})), kiosk.Fatal, kiosk.Refused, false, true},
		"tokens":                              {say(200, p.tokens(noon, nil)), kiosk.Granted, 0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			p.play("/token", c.l)
			p.client.CloseIdleConnections() // on a kept connection a poll may be sent twice
			before := len(p.got("/token"))
			a := k.Poll(t.Context(), requestID)
			if a.Verdict != c.verdict || a.Reason != c.reason || a.ServerReached != c.reached {
				t.Errorf("%s, %v, reached %v: %v", verdictName(a.Verdict), a.Reason, a.ServerReached, a.Err)
			}
			if wantErr := c.verdict == kiosk.Fatal || c.verdict == kiosk.Retryable; (a.Err != nil) != wantErr {
				t.Errorf("error %v", a.Err)
			}
			if c.verdict == kiosk.Fatal {
				wantReason(t, a.Err, c.reason)
			}
			if got := len(a.Tokens.Access) > 0; got != (c.verdict == kiosk.Granted || c.salvaged) {
				t.Errorf("tokens %v", len(a.Tokens.Access))
			}
			if n := len(p.got("/token")) - before; n != 1 {
				t.Errorf("%d requests for one poll", n)
			}
		})
	}
	if n := len(p.got("/elsewhere")); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

func TestTokenResponses(t *testing.T) {
	p := newOP(t)
	for name, c := range map[string]struct {
		changes obj
		config  func(*Config)
		reason  kiosk.Reason // NoReason: granted
		scope   string
	}{
		"complete":                             {nil, nil, kiosk.NoReason, "openid profile"},
		"bearer in small letters":              {obj{"token_type": "bearer"}, nil, kiosk.NoReason, "openid profile"},
		"BEARER in capitals":                   {obj{"token_type": "BEARER"}, nil, kiosk.NoReason, "openid profile"},
		"no expires_in":                        {obj{"expires_in": nil}, nil, kiosk.NoReason, "openid profile"},
		"expires_in as a text":                 {obj{"expires_in": "86400"}, nil, kiosk.NoReason, "openid profile"},
		"no scope: as requested":               {obj{"scope": nil}, nil, kiosk.NoReason, "openid profile"},
		"more scopes than requested":           {obj{"scope": "profile openid email"}, nil, kiosk.NoReason, "profile openid email"},
		"openid missing in the scope":          {obj{"scope": "profile"}, nil, kiosk.NoReason, "profile"},
		"offline_access without refresh token": {obj{"scope": "openid profile"}, func(c *Config) { c.Scope = "openid profile offline_access" }, kiosk.NoReason, "openid profile"},
		"with a resource, only its scopes":     {obj{"scope": "customer.read"}, func(c *Config) { c.Scope, c.Resource = "openid profile customer.read", "https://api.example" }, kiosk.NoReason, "customer.read"},
		"a refresh token":                      {obj{"refresh_token": "the-refresh-token"}, nil, kiosk.NoReason, "openid profile"},
		"unknown members":                      {obj{"x": obj{"y": 1}}, nil, kiosk.NoReason, "openid profile"},
		"no access token":                      {obj{"access_token": nil}, nil, kiosk.Untrusted, ""},
		"an empty access token":                {obj{"access_token": ""}, nil, kiosk.Untrusted, ""},
		"access token as a number":             {obj{"access_token": 1}, nil, kiosk.Untrusted, ""},
		"access token with a line break":       {obj{"access_token": "a\r\nX-Evil: 1"}, nil, kiosk.Untrusted, ""},
		"access token with a space":            {obj{"access_token": "a b"}, nil, kiosk.Untrusted, ""},
		"access token of 65 KiB":               {obj{"access_token": strings.Repeat("a", 65<<10)}, nil, kiosk.Untrusted, ""},
		"no ID token":                          {obj{"id_token": nil}, nil, kiosk.Untrusted, ""},
		"an empty ID token":                    {obj{"id_token": ""}, nil, kiosk.Untrusted, ""},
		"ID token as an object":                {obj{"id_token": obj{}}, nil, kiosk.Untrusted, ""},
		"no token type":                        {obj{"token_type": nil}, nil, kiosk.Untrusted, ""},
		"token type mac":                       {obj{"token_type": "mac"}, nil, kiosk.Untrusted, ""},
		"token type DPoP without a proof":      {obj{"token_type": "DPoP"}, nil, kiosk.Untrusted, ""},
		"token type N_A":                       {obj{"token_type": "N_A"}, nil, kiosk.Untrusted, ""},
		"refresh token as a number":            {obj{"refresh_token": 7}, nil, kiosk.Untrusted, ""},
		"scope as a list":                      {obj{"scope": []string{"openid"}}, nil, kiosk.Untrusted, ""},
		"scope with an escape sequence":        {obj{"scope": "openid profile \x1b[31m"}, nil, kiosk.Untrusted, ""},
		"too few scopes":                       {obj{"scope": "openid"}, nil, kiosk.NoAccess, ""},
		"an empty scope":                       {obj{"scope": ""}, nil, kiosk.NoAccess, ""},
		"longer scope":                         {obj{"scope": "openid profiles"}, nil, kiosk.NoAccess, ""},
		"the API's scope is missing":           {obj{"scope": "openid profile"}, func(c *Config) { c.Scope = "openid profile customer.read" }, kiosk.NoAccess, ""},
		"with a resource, without its scope":   {obj{"scope": "other"}, func(c *Config) { c.Scope, c.Resource = "openid customer.read", "https://api.example" }, kiosk.NoAccess, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p.play("/token", say(200, p.tokens(noon, c.changes)))
			a := p.kiosk(c.config).Poll(t.Context(), requestID)
			if c.reason != kiosk.NoReason {
				if a.Verdict != kiosk.Fatal || a.Reason != c.reason {
					t.Errorf("%s, %v: %v", verdictName(a.Verdict), a.Reason, a.Err)
				}
				return
			}
			if a.Verdict != kiosk.Granted {
				t.Fatalf("%s: %v", verdictName(a.Verdict), a.Err)
			}
			want, _ := c.changes["refresh_token"].(string)
			if string(a.Tokens.Access) != "the-access-token" || a.Tokens.Type != "Bearer" || a.Tokens.Scope != c.scope || string(a.Tokens.Refresh) != want || len(a.Tokens.ID) == 0 {
				t.Errorf("type %q, scope %q", a.Tokens.Type, a.Tokens.Scope)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	date := func(d time.Duration) string { return noon.Add(d).Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		after, date string
		want        time.Duration
	}{
		"missing":                          {"", "", 0},
		"seconds":                          {"17", "", 17 * time.Second},
		"0":                                {"0", "", 0},
		"negative":                         {"-5", "", 0},
		"a fraction":                       {"1.5", "", 0},
		"longer than any request":          {"86400", "", time.Hour},
		"23 digits":                        {"99999999999999999999999", "", time.Hour},
		"20 digits":                        {"99999999999999999999", "", time.Hour},
		"20 digits and a word":             {"99999999999999999999s", "", 0},
		"as long as a number can be":       {"4611686018427387903", "", time.Hour},
		"a date":                           {date(30 * time.Second), date(0), 30 * time.Second},
		"a date by the server's own clock": {date(time.Hour + 30*time.Second), date(time.Hour), 30 * time.Second},
		"a date gone by":                   {date(-30 * time.Second), date(0), 0},
		"a date next year":                 {date(9000 * time.Hour), date(0), time.Hour},
		"a word":                           {"soon", "", 0},
	} {
		tooLong := strings.Repeat("x", 300<<10)
		for _, l := range []line{oops(400, "authorization_pending"), oops(400, "slow_down"), say(503, ""), say(503, tooLong), say(200, tooLong)} {
			l.header = map[string]string{}
			if c.after != "" {
				l.header["Retry-After"] = c.after
			}
			if c.date != "" {
				l.header["Date"] = c.date
			}
			p.play("/token", l)
			if a := k.Poll(t.Context(), requestID); a.RetryAfter != c.want {
				t.Errorf("%s, with %s: %v, want %v", name, verdictName(a.Verdict), a.RetryAfter, c.want)
			}
		}
	}
	// Without Date the device's clock is used.
	h := http.Header{"Retry-After": {date(40 * time.Second)}}
	if got := retryAfter(h, noon); got != 40*time.Second {
		t.Errorf("without a Date: %v", got)
	}
}

func TestSlowDownInterval(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	for interval, want := range map[string]time.Duration{
		`10`: 10 * time.Second, `10.0`: 10 * time.Second, `0`: 0, `-1`: 0, `"10"`: 10 * time.Second, `7.5`: 8 * time.Second,
		`null`: 0, `"soon"`: 0, `1e10`: time.Hour, `1e20`: time.Hour,
	} {
		p.play("/token", say(400, `{"error":"slow_down","interval":`+interval+`}`))
		if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.SlowDown || a.Interval != want {
			t.Errorf("%s: %s %v, want %v", interval, verdictName(a.Verdict), a.Interval, want)
		}
	}
}

func TestLongPoll(t *testing.T) {
	for name, c := range map[string]struct {
		held, callers, want time.Duration
		verdict             kiosk.Verdict
	}{
		"the server holds it for 35 s, then answers": {35 * time.Second, 0, 35 * time.Second, kiosk.Granted},
		"we give up after 40 s":                      {time.Hour, 0, 40 * time.Second, kiosk.Retryable},
		"the caller gives up after 3 s":              {time.Hour, 3 * time.Second, 3 * time.Second, kiosk.Retryable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, stop := virtual(t)
				defer stop()
				p.play("/token", line{do: func(w http.ResponseWriter, r *http.Request) {
					select {
					case <-time.After(c.held): // virtual
						fmt.Fprint(w, p.tokens(time.Now(), nil))
					case <-r.Context().Done():
					}
				}})
				ctx, cancel := context.WithCancel(context.Background())
				if c.callers > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.callers)
				}
				defer cancel()
				start := time.Now()
				a := p.kiosk(func(c *Config) { c.Now = time.Now }).Poll(ctx, requestID)
				if took := time.Since(start); took != c.want || a.Verdict != c.verdict || a.ServerReached {
					t.Errorf("%s after %v: %v", verdictName(a.Verdict), took, a.Err)
				}
				if n := len(p.got("/token")); n != 1 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestTokenEndpointIsStableDuringVisit(t *testing.T) {
	p := newOP(t)
	now := noon
	k := p.kiosk(func(c *Config) { c.Now = func() time.Time { return now } })
	ask(t, k)
	p.play(discoveryPath, say(200, p.document().with(obj{"token_endpoint": p.issuer + "/moved"})))
	p.play("/moved", oops(400, "authorization_pending"))
	now = now.Add(25 * time.Hour) // say the clock was set; the document is over a day old now
	k.Poll(t.Context(), requestID)
	if n, moved := len(p.got("/token")), len(p.got("/moved")); n != 1 || moved != 0 {
		t.Errorf("%d polls at the old address, %d at the new one", n, moved)
	}
	ask(t, k)
	k.Poll(t.Context(), requestID)
	if moved := len(p.got("/moved")); moved != 1 {
		t.Errorf("the next visit does not use the new address")
	}
}

func TestPollAfterRestart(t *testing.T) {
	p := newOP(t)
	p.play(discoveryPath, say(500, ""), say(200, p.document()))
	k := p.kiosk(nil)
	if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Retryable {
		t.Errorf("%+v", a)
	}
	if a := k.Poll(t.Context(), requestID); a.Verdict != kiosk.Pending {
		t.Errorf("%+v", a)
	}
}

func TestPollWithoutRequestID(t *testing.T) {
	p := newOP(t)
	if a := p.kiosk(nil).Poll(t.Context(), nil); a.Verdict != kiosk.Fatal || a.Reason != kiosk.Internal || len(p.got("/token")) != 0 {
		t.Errorf("%+v", a)
	}
}
