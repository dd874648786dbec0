package ciba

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestRefusalReasons(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	for _, c := range []struct {
		status int
		code   string
		want   kiosk.Reason
	}{
		{400, "unknown_user_id", kiosk.Refused},
		{400, "invalid_request", kiosk.Refused},
		{403, "access_denied", kiosk.Refused},
		{400, "access_denied", kiosk.Refused},
		{400, "unauthorized_user", kiosk.Refused},
		{400, "expired_login_hint_token", kiosk.Refused},
		{400, "missing_user_code", kiosk.Refused},
		{400, "invalid_user_code", kiosk.Refused},
		{400, "something_new", kiosk.Refused},
		{400, "invalid_grant", kiosk.Refused},
		{500, "unknown_user_id", kiosk.Refused}, // the code decides, not the statusError
		{200, "unknown_user_id", kiosk.Refused},
		{401, "invalid_client", kiosk.Misconfigured},
		{401, "invalid_grant", kiosk.Misconfigured}, // Keycloak: the grant is off for this client
		{401, "something_new", kiosk.Misconfigured},
		{400, "invalid_client", kiosk.Misconfigured},
		{400, "unauthorized_client", kiosk.Misconfigured},
		{400, "invalid_scope", kiosk.Misconfigured},
		{400, "invalid_target", kiosk.Misconfigured},
		{400, "request_not_supported", kiosk.Misconfigured},
		{400, "unsupported_grant_type", kiosk.Misconfigured},
		{503, "server_error", kiosk.Unreachable},
		{400, "server_error", kiosk.Unreachable},
		{503, "temporarily_unavailable", kiosk.Unreachable},
		{429, "too_many_requests", kiosk.Unreachable},
		{429, "something_new", kiosk.Unreachable},
		{500, "something_new", kiosk.Unreachable},
	} {
		p.play("/bc", oops(c.status, c.code))
		before := len(p.got("/bc"))
		_, err := k.Ask(t.Context(), alice)
		if got := kiosk.ReasonOf(err); got != c.want {
			t.Errorf("%d %s: %v, want %v", c.status, c.code, got, c.want)
		}
		if sent := len(p.got("/bc")) - before; sent != 1 {
			t.Errorf("%d %s: sent %d times", c.status, c.code, sent)
		}
	}
}

func TestRequestIsNotRepeatedAfterFault(t *testing.T) {
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		c.Close()
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		c, b, _ := w.(http.Hijacker).Hijack()
		fmt.Fprintf(b, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n%s", `{"auth_req_id":"x",`)
		b.Flush()
		c.Close()
	}
	for name, c := range map[string]struct {
		l    line
		want kiosk.Reason
	}{
		"connection closed":               {line{do: hangUp}, kiosk.Unreachable},
		"answer truncated":                {line{do: cut}, kiosk.Unreachable},
		"500 without a body":              {say(500, ""), kiosk.Unreachable},
		"502 from a gateway":              {say(502, "<html>Bad Gateway"), kiosk.Unreachable},
		"503 and Retry-After":             {line{status: 503, header: map[string]string{"Retry-After": "1"}}, kiosk.Unreachable},
		"429 without a body":              {say(429, ""), kiosk.Unreachable},
		"404 from a gateway":              {say(404, `{"error":"Not Found","status":404}`), kiosk.Unreachable},
		"400 without a body":              {say(400, ""), kiosk.Unreachable},
		"401 without a body":              {say(401, ""), kiosk.Misconfigured},
		"page of a mebibyte":              {say(500, strings.Repeat("x", 1<<20)), kiosk.Unreachable},
		"201 with a good acknowledgement": {say(201, goodAck), kiosk.Unreachable},
		"moved, 301":                      {line{status: 301, header: map[string]string{"Location": "/bc"}}, kiosk.Unreachable},
		"moved, 302":                      {line{status: 302, header: map[string]string{"Location": "/bc"}}, kiosk.Unreachable},
		"moved with the body, 307":        {line{status: 307, header: map[string]string{"Location": "/bc"}}, kiosk.Unreachable},
		"moved with the body, 308":        {line{status: 308, header: map[string]string{"Location": "/bc"}}, kiosk.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP(t)
			p.play("/bc", c.l)
			_, err := p.kiosk(nil).Ask(t.Context(), alice)
			wantReason(t, err, c.want)
			if n := len(p.got("/bc")); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestRequestUsesNewConnection(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	for range 2 {
		ask(t, k)
		k.Poll(t.Context(), requestID)
	}
	used := map[string]string{} // a connection, and the last path asked for on it
	for _, r := range p.seen {
		last := used[r.from]
		if r.path == "/bc" && last != "" {
			t.Errorf("a backchannel request used a kept connection, after %s", last)
		}
		if r.path == "/token" && last != "/bc" {
			t.Errorf("a poll after the acknowledgement did not use its connection, after %q", last)
		}
		used[r.from] = r.path
	}
}

func TestAskTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		callers time.Duration // 0: none
		want    time.Duration
	}{
		"own limit of 30 s":   {0, 30 * time.Second},
		"limit of the caller": {3 * time.Second, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, stop := virtual(t)
				defer stop()
				p.play("/bc", line{do: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
				ctx, cancel := context.WithCancel(context.Background())
				if c.callers > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.callers)
				}
				defer cancel()
				start := time.Now()
				_, err := p.kiosk(func(c *Config) { c.Now = time.Now }).Ask(ctx, alice)
				if took := time.Since(start); took != c.want {
					t.Errorf("took %v, want %v", took, c.want)
				}
				wantReason(t, err, kiosk.Unreachable)
				if n := len(p.got("/bc")); n != 1 {
					t.Errorf("sent %d times", n)
				}
			})
		})
	}
}

// One user action makes one request, even if the server refuses the binding message.
func TestInvalidBindingMessage(t *testing.T) {
	for _, pattern := range []string{"{site}: {code}", "{code}"} {
		p := newOP(t)
		p.play("/bc", oops(400, "invalid_binding_message"), say(200, goodAck))
		k := p.kiosk(func(c *Config) { c.Profile, c.BindingMessage = "auth0", pattern })
		_, err := k.Ask(t.Context(), alice)
		wantReason(t, err, kiosk.Misconfigured)
		for _, setting := range []string{"invalid_binding_message", "KIOSK_BINDING_MESSAGE", "KIOSK_PROFILE"} {
			if !strings.Contains(fmt.Sprint(err), setting) {
				t.Errorf("%s: %v does not name %s", pattern, err, setting)
			}
		}
		if n := len(p.got("/bc")); n != 1 {
			t.Errorf("%s: sent %d times", pattern, n)
		}
	}
}

func TestAckAgeCountsFromRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, stop := virtual(t)
		defer stop()
		slow := func(path string, d time.Duration) {
			l := p.script[path][0]
			p.play(path, line{do: func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(d) // virtual
				fmt.Fprint(w, l.body)
			}})
		}
		p.play("/lookup", say(200, obj{"login_hint": "alice", "sub": "alice"}))
		slow(discoveryPath, 3*time.Second)
		slow("/jwks", 4*time.Second)
		slow("/lookup", 5*time.Second)
		slow("/bc", 7*time.Second)
		boot := time.Now()
		change := func(c *Config) {
			c.Now, c.LookupURL = time.Now, p.issuer+"/lookup"
			c.Uptime = func() time.Duration { return time.Since(boot) + 100*time.Hour }
		}
		if ack := ask(t, p.kiosk(change)); ack.Age != 7*time.Second {
			t.Errorf("age %v", ack.Age)
		}
		if ack := ask(t, p.kiosk(func(c *Config) { change(c); c.Uptime = nil })); ack.Age != 0 {
			t.Errorf("age %v without a clock", ack.Age)
		}
	})
}

func TestNoRequestWithoutKeys(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		l    line
		want kiosk.Reason
	}{
		"no metadata":    {discoveryPath, say(500, ""), kiosk.Unreachable},
		"no keys":        {"/jwks", say(500, ""), kiosk.Unreachable},
		"no usable keys": {"/jwks", say(200, `{"keys":[]}`), kiosk.Untrusted},
	} {
		p := newOP(t)
		p.play(c.path, c.l)
		_, err := p.kiosk(nil).Ask(t.Context(), alice)
		if got := kiosk.ReasonOf(err); got != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(p.got("/bc")); n != 0 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestUnsuitableServers(t *testing.T) {
	for name, c := range map[string]struct {
		changes obj
		says    string // empty: well
	}{
		"no backchannel endpoint": {obj{"backchannel_authentication_endpoint": nil}, "publishes no backchannel_authentication_endpoint"},
		"ping only":               {obj{"backchannel_token_delivery_modes_supported": []string{"ping"}}, "does not support poll mode"},
		"push only":               {obj{"backchannel_token_delivery_modes_supported": []string{"push"}}, "does not support poll mode"},
		"modes not published":     {obj{"backchannel_token_delivery_modes_supported": nil}, ""},
		"all modes":               {obj{"backchannel_token_delivery_modes_supported": []string{"push", "ping", "poll"}}, ""},
		"grants not published":    {obj{"grant_types_supported": nil}, ""},
		"grants without CIBA":     {obj{"grant_types_supported": []string{"authorization_code"}}, ""},
	} {
		p := newOP(t)
		p.play(discoveryPath, say(200, p.document().with(c.changes)))
		k := p.kiosk(nil)
		_, err := k.Ask(t.Context(), alice)
		_, probed := k.Probe(t.Context())
		if c.says == "" {
			if err != nil || probed != nil {
				t.Errorf("%s: %v, %v", name, err, probed)
			}
			continue
		}
		for _, err := range []error{err, probed} {
			if kiosk.ReasonOf(err) != kiosk.Misconfigured || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(p.got("/bc")); n != 0 {
			t.Errorf("%s: a request was sent", name)
		}
	}
}

func TestOptionalEndpointsMayBeMalformed(t *testing.T) {
	const bad = "http://op.example/x"
	alias := func(e string) obj { return obj{"mtls_endpoint_aliases": obj{e: bad}} }
	for name, c := range map[string]struct {
		changes obj
		mtls    bool
		want    kiosk.Reason
		logged  string // empty: nothing
	}{
		"registration":                        {obj{"registration_endpoint": bad}, false, kiosk.NoReason, ""},
		"device flow":                         {obj{"device_authorization_endpoint": 7}, false, kiosk.NoReason, ""},
		"revocation":                          {obj{"revocation_endpoint": bad}, false, kiosk.NoReason, "revocation_endpoint"},
		"UserInfo":                            {obj{"userinfo_endpoint": "/me"}, false, kiosk.NoReason, "userinfo_endpoint"},
		"token":                               {obj{"token_endpoint": bad}, false, kiosk.Misconfigured, ""},
		"backchannel":                         {obj{"backchannel_authentication_endpoint": bad}, false, kiosk.Misconfigured, ""},
		"keys":                                {obj{"jwks_uri": bad}, false, kiosk.Misconfigured, ""},
		"token for certificates, without one": {alias("token_endpoint"), false, kiosk.NoReason, ""},
		"token for certificates":              {alias("token_endpoint"), true, kiosk.Misconfigured, ""},
		"backchannel for certificates":        {alias("backchannel_authentication_endpoint"), true, kiosk.Misconfigured, ""},
		"revocation for certificates":         {alias("revocation_endpoint"), true, kiosk.NoReason, "revocation_endpoint"},
		"revocation for certificates, without one": {alias("revocation_endpoint"), false, kiosk.NoReason, ""},
		"registration for certificates":            {alias("registration_endpoint"), true, kiosk.NoReason, ""},
		"keys for certificates, which are ignored": {alias("jwks_uri"), true, kiosk.NoReason, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP(t)
			p.play(discoveryPath, say(200, strings.ReplaceAll(p.document().with(c.changes).String(), bad, "http://canary.example/x")))
			var book notebook
			k := p.kiosk(func(cfg *Config) {
				cfg.Log = book.logger()
				if c.mtls {
					auth, err := oidc.NewClientAuth(oidc.AuthOptions{Method: oidc.TLSClient, ClientID: clientID, Certificate: testCertificate(t)})
					if err != nil {
						t.Fatal(err)
					}
					cfg.Auth = auth
				}
			})
			for range 2 {
				_, err := k.Ask(t.Context(), alice)
				wantReason(t, err, c.want)
			}
			sent := 0
			if c.want == kiosk.NoReason {
				sent = 2
			}
			if n := len(p.got("/bc")); n != sent {
				t.Errorf("%d requests", n)
			}
			if log := book.String(); strings.Contains(log, "canary") || strings.Contains(log, "ignored") != (c.logged != "") || strings.Count(log, c.logged) != 1 && c.logged != "" {
				t.Errorf("the log says\n%s", log)
			}
			if c.logged == "revocation_endpoint" && !c.mtls {
				if err := k.Revoke(t.Context(), kiosk.Tokens{Access: kiosk.Secret("x")}); err != nil {
					t.Errorf("revocation: %v", err)
				}
			}
		})
	}
}
