package ciba

import (
	"context"
	"net/http"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// A visit reports the server's faults and what the server has against this client, and nothing about the person.
func TestContactIsReported(t *testing.T) {
	const nobody = kiosk.Reason(255) // nothing is reported
	for _, c := range []struct {
		name  string
		ask   string // the path that answers otherwise than well, of an Ask; or of a poll: /token
		line  line
		want  kiosk.Reason
		probe bool
	}{
		{"it answers", "/bc", say(200, goodAck), kiosk.NoReason, false},
		{"it knows no such person", "/bc", oops(400, "unknown_user_id"), kiosk.NoReason, false},
		{"it refuses with a code of its own", "/bc", oops(403, "not_today"), kiosk.NoReason, false},
		{"it fails", "/bc", say(503, "down"), kiosk.Unreachable, false},
		{"it answers nonsense", "/bc", say(200, "<html>"), kiosk.Untrusted, false},
		{"it does not want this client", "/bc", oops(401, "invalid_client"), kiosk.Misconfigured, false},
		{"it hangs up", "/bc", line{do: hangUp}, kiosk.Unreachable, true},
		{"its metadata are gone", discoveryPath, say(500, ""), kiosk.Unreachable, true},
		{"its keys are gone", "/jwks", say(500, ""), kiosk.Unreachable, true},
		{"it offers no CIBA", discoveryPath, line{}, kiosk.Misconfigured, true},
		{"the lookup fails", "/lookup", say(500, ""), nobody, false},
		{"pending", "/token", oops(400, "authorization_pending"), kiosk.NoReason, false},
		{"declined", "/token", oops(400, "access_denied"), kiosk.NoReason, false},
		{"the token endpoint fails", "/token", say(502, "down"), kiosk.Unreachable, false},
		{"the token endpoint hangs up", "/token", line{do: hangUp}, kiosk.Unreachable, true},
		{"the token endpoint does not want this client", "/token", oops(401, "invalid_client"), kiosk.Misconfigured, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newOP(t)
			p.play(c.ask, c.line)
			if c.name == "it offers no CIBA" {
				p.play(discoveryPath, say(200, p.document().with(obj{"backchannel_authentication_endpoint": nil})))
			}
			var reported []Contact
			k := p.kiosk(func(o *Config) {
				o.Contact = func(is Contact) { reported = append(reported, is) }
				if c.ask == "/lookup" {
					o.LookupURL = p.issuer + "/lookup"
				}
			})
			if c.ask == "/token" {
				k.Poll(t.Context(), kiosk.Secret("the-request-id"))
			} else {
				_, _ = k.Ask(t.Context(), alice)
			}
			if c.want == nobody {
				if len(reported) > 0 {
					t.Errorf("reported %+v", reported)
				}
				return
			}
			if len(reported) != 1 || kiosk.ReasonOf(reported[0].Err) != c.want || reported[0].Probeable != c.probe {
				t.Errorf("reported %+v, not %v, probe %v", reported, c.want, c.probe)
			}
		})
	}
}

// A request cancelled by the kiosk says nothing about the server.
func TestCancelledRequestReportsNothing(t *testing.T) {
	p := newOP(t)
	ctx, stop := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	k := p.kiosk(func(o *Config) { o.Contact = func(is Contact) { t.Errorf("reported %+v", is) } })
	p.play("/token", line{do: func(http.ResponseWriter, *http.Request) { stop(); <-release }})
	k.Poll(ctx, kiosk.Secret("the-request-id"))
}

func TestDeviceFlowReportsContact(t *testing.T) {
	p := newOP(t)
	p.play(discoveryPath, say(200, p.document().with(obj{"device_authorization_endpoint": p.issuer + "/device"})))
	var reported []Contact
	k := p.kiosk(func(o *Config) {
		o.DeviceClientID = "second"
		o.Contact = func(is Contact) { reported = append(reported, is) }
	})
	second := alice
	second.Flow = kiosk.DeviceFlow
	for _, c := range []struct {
		line  line
		want  kiosk.Reason
		probe bool
	}{
		{line{do: hangUp}, kiosk.Unreachable, true},
		{say(503, ""), kiosk.Unreachable, false},
		{say(200, obj{"device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/d", "expires_in": 60}), kiosk.NoReason, false},
	} {
		reported = nil
		p.play("/device", c.line)
		_, _ = k.Ask(t.Context(), second)
		if len(reported) != 1 || kiosk.ReasonOf(reported[0].Err) != c.want || reported[0].Probeable != c.probe {
			t.Errorf("reported %+v, not %v, probe %v", reported, c.want, c.probe)
		}
	}
}
