package ciba

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// wrong is a device whose wall clock is behind, with a server whose clock may be ahead.
type skewedDevice struct {
	up     atomic.Int64  // connections ask for it, too
	behind time.Duration // the wall clock
	ahead  time.Duration // the server
}

func (w *skewedDevice) uptime() time.Duration { return time.Duration(w.up.Load()) }
func (w *skewedDevice) pass(d time.Duration)  { w.up.Add(int64(d)) }
func (w *skewedDevice) wall() time.Time       { return noon.Add(w.uptime() - w.behind) }
func (w *skewedDevice) server() time.Time     { return noon.Add(w.uptime() + w.ahead) }

// newHTTPSServer returns an https server that sends Date, and a client on a device whose clock is behind.
func newHTTPSServer(t *testing.T, behind time.Duration) (*op, *skewedDevice, *Client) {
	p := &op{t: t, key: opKey, script: map[string][]line{}}
	w := &skewedDevice{behind: behind}
	s := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", w.server().Format(http.TimeFormat))
		p.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	p.issuer = s.URL
	p.standard()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	clock := oidc.NewClock(oidc.ClockOptions{Issuer: p.issuer, Wall: w.wall, Uptime: w.uptime})
	p.client = oidc.NewTransport(oidc.TransportOptions{Roots: roots, Clock: clock})
	t.Cleanup(p.client.CloseIdleConnections)
	auth, err := oidc.NewClientAuth(oidc.AuthOptions{ClientID: clientID, Key: testKey(t), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return p, w, p.kiosk(func(c *Config) { c.Auth, c.Now, c.Clock = auth, clock.Now, clock })
}

// assertionTime returns the iat of the client assertion in a request.
func assertionTime(t *testing.T, s seen) time.Time {
	t.Helper()
	var claims struct {
		Iat int64 `json:"iat"`
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(s.form.Get("client_assertion")+"..", ".")[1])
	if err == nil {
		err = json.Unmarshal(body, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(claims.Iat, 0)
}

func wantTime(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if d := got.Sub(want); d < -2*time.Second || d > 2*time.Second {
		t.Errorf("%s is off by %v", what, d)
	}
}

// Hours behind, every assertion and every check use the server's time, even if the wall clock is set during the visit.
func TestVisitWithoutClock(t *testing.T) {
	for _, behind := range []time.Duration{3 * time.Hour, -3 * time.Hour, 40 * 24 * time.Hour} {
		t.Run(fmt.Sprint(behind), func(t *testing.T) {
			p, w, k := newHTTPSServer(t, behind)
			sent := w.uptime()
			ack := ask(t, k) // the metadata had told the time before the phone rang
			wantTime(t, "the first assertion", assertionTime(t, p.got("/bc")[0]), noon)
			w.pass(5 * time.Second)
			w.behind = 90 * time.Minute // somebody sets the clock
			k.Poll(t.Context(), ack.RequestID)
			wantTime(t, "the second assertion", assertionTime(t, p.got("/token")[0]), w.server())
			w.pass(5 * time.Second)
			w.behind = -90 * time.Minute
			now := w.server()
			for claims, want := range map[string]kiosk.Reason{
				"":    kiosk.NoReason,
				"iat": kiosk.Untrusted, // from before the request
				"exp": kiosk.Untrusted,
			} {
				changes := obj{}
				if claims != "" {
					changes[claims] = now.Add(-2 * time.Minute).Unix()
				}
				asked := askedFor(ack.ExpectedSubject)
				asked.RequestedAt = w.wall().Add(sent - w.uptime()) // as kiosk.Runner reckons it
				_, err := k.Verify(t.Context(), kiosk.Tokens{Access: kiosk.Secret("the-access-token"), ID: kiosk.Secret(p.idToken(now, changes))}, asked)
				wantReason(t, err, want)
			}
		})
	}
}

// A refused proof is made again only if the clock has just been corrected.
func TestProofAfterClockCorrection(t *testing.T) {
	for _, code := range []string{"invalid_client", "invalid_dpop_proof"} {
		p, w, k := newHTTPSServer(t, 0)
		ack := ask(t, k)
		p.play("/token", oops(401, code))
		if a := k.Poll(t.Context(), ack.RequestID); a.Verdict != kiosk.Fatal || a.Reason != kiosk.Misconfigured {
			t.Errorf("%s with a correct clock: %+v", code, a)
		}
		w.ahead = time.Hour // the machine was suspended and counted none of it
		if a := k.Poll(t.Context(), ack.RequestID); a.Verdict != kiosk.Retryable || !a.ServerReached || a.Tokens.Access != nil {
			t.Errorf("%s after the answer corrected the clock: %+v", code, a)
		}
		wantTime(t, "the assertion", assertionTime(t, p.got("/token")[1]), noon)
		if a := k.Poll(t.Context(), ack.RequestID); a.Verdict != kiosk.Fatal || a.Reason != kiosk.Misconfigured {
			t.Errorf("%s, a second time: %+v", code, a)
		}
		wantTime(t, "the assertion made anew", assertionTime(t, p.got("/token")[2]), w.server())
	}
}
