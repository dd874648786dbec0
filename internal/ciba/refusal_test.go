package ciba

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestWhatRefusalsComeTo(t *testing.T) {
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
		{500, "unknown_user_id", kiosk.Refused}, // the code decides, not the status
		{200, "unknown_user_id", kiosk.Refused},
		{401, "invalid_client", kiosk.Misconfigured},
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

func TestAfterAnyFaultTheRequestIsNotSentAgain(t *testing.T) {
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
		"the server hangs up":             {line{do: hangUp}, kiosk.Unreachable},
		"the answer is cut off":           {line{do: cut}, kiosk.Unreachable},
		"500 without words":               {say(500, ""), kiosk.Unreachable},
		"502 from a gateway":              {say(502, "<html>Bad Gateway"), kiosk.Unreachable},
		"503 and Retry-After":             {line{status: 503, header: map[string]string{"Retry-After": "1"}}, kiosk.Unreachable},
		"429 without words":               {say(429, ""), kiosk.Unreachable},
		"404 from a gateway":              {say(404, `{"error":"Not Found","status":404}`), kiosk.Unreachable},
		"400 without words":               {say(400, ""), kiosk.Unreachable},
		"401 without words":               {say(401, ""), kiosk.Misconfigured},
		"a page of a mebibyte":            {say(500, strings.Repeat("x", 1<<20)), kiosk.Unreachable},
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

func TestTheRequestGoesOutOnAConnectionOfItsOwn(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	for range 2 {
		ask(t, k)
		k.Poll(t.Context(), requestID)
	}
	own := map[string]int{}
	for _, r := range p.seen {
		own[r.from]++
	}
	for _, r := range p.got("/bc") {
		if n := own[r.from]; n != 1 {
			t.Errorf("%d requests on the connection of a backchannel request", n)
		}
	}
	if polls := p.got("/token"); polls[0].from != polls[1].from {
		t.Error("polls right after one another do not share a connection")
	}
}

func TestAskGivesUpInTime(t *testing.T) {
	for name, c := range map[string]struct {
		callers time.Duration // 0: none
		want    time.Duration
	}{
		"by itself after 30 s":        {0, 30 * time.Second},
		"earlier if the caller wants": {3 * time.Second, 3 * time.Second},
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

func TestABindingMessageTheServerDislikes(t *testing.T) {
	for name, c := range map[string]struct {
		pattern string
		lines   []line
		sent    []string
		want    kiosk.Reason
	}{
		"a plainer one is sent once": {"{site}: {code}", []line{oops(400, "invalid_binding_message"), say(200, goodAck)},
			[]string{"Shop 7: K7-4F9Q", "K7-4F9Q"}, kiosk.NoReason},
		"and no third one": {"{site}: {code}", []line{oops(400, "invalid_binding_message")},
			[]string{"Shop 7: K7-4F9Q", "K7-4F9Q"}, kiosk.Misconfigured},
		"nothing plainer is left": {"{code}", []line{oops(400, "invalid_binding_message")},
			[]string{"K7-4F9Q"}, kiosk.Misconfigured},
		"another error the second time": {"{site}: {code}", []line{oops(400, "invalid_binding_message"), oops(400, "unknown_user_id")},
			[]string{"Shop 7: K7-4F9Q", "K7-4F9Q"}, kiosk.Refused},
		"other errors never": {"{site}: {code}", []line{oops(400, "invalid_request"), say(200, goodAck)},
			[]string{"Shop 7: K7-4F9Q"}, kiosk.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP(t)
			p.play("/bc", c.lines...)
			k := p.kiosk(func(cfg *Config) { cfg.Profile, cfg.BindingMessage = "auth0", c.pattern })
			ack, err := k.Ask(t.Context(), alice)
			wantReason(t, err, c.want)
			var sent []string
			for _, r := range p.got("/bc") {
				sent = append(sent, r.form.Get("binding_message"))
			}
			if !slices.Equal(sent, c.sent) {
				t.Errorf("sent %q, want %q", sent, c.sent)
			}
			if err == nil && ack.Binding != sent[len(sent)-1] {
				t.Errorf("acknowledged %q", ack.Binding)
			}
		})
	}
}

func TestNoPhoneRingsForAnAnswerThatCouldNotBeChecked(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		l    line
		want kiosk.Reason
	}{
		"no metadata":         {discoveryPath, say(500, ""), kiosk.Unreachable},
		"no keys":             {"/jwks", say(500, ""), kiosk.Unreachable},
		"keys nobody can use": {"/jwks", say(200, `{"keys":[]}`), kiosk.Untrusted},
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

func TestServersThatDoNotOfferIt(t *testing.T) {
	for name, c := range map[string]struct {
		changes obj
		says    string // empty: well
	}{
		"no backchannel endpoint": {obj{"backchannel_authentication_endpoint": nil}, "does not offer CIBA"},
		"ping only":               {obj{"backchannel_token_delivery_modes_supported": []string{"ping"}}, "not in poll mode"},
		"push only":               {obj{"backchannel_token_delivery_modes_supported": []string{"push"}}, "not in poll mode"},
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
			t.Errorf("%s: asked all the same", name)
		}
	}
}
