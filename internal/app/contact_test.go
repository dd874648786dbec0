package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// far is an authorization server in memory at the end of a line that can be cut.
type far struct {
	mu    sync.Mutex
	cut   bool
	asked int // connections that were tried
	ring  int // the status of the backchannel endpoint
}

func (f *far) is(cut bool, ring int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut, f.ring = cut, ring
}

// tried gives how often it was tried since it was asked last.
func (f *far) tried() int {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked
	f.asked = 0
	return n
}

const farAway = "http://localhost:8765"

func (f *far) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	ring := f.ring
	f.mu.Unlock()
	w.Header().Set("Connection", "close") // so that each request is a connection
	w.Header().Set("Content-Type", "application/json")
	switch q.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer":%q,"backchannel_authentication_endpoint":%[2]q,"token_endpoint":%[3]q,"jwks_uri":%[4]q,"backchannel_token_delivery_modes_supported":["poll"]}`,
			farAway, farAway+"/bc", farAway+"/token", farAway+"/jwks")
	case "/jwks":
		_, _ = io.WriteString(w, `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","use":"sig"}]}`)
	default:
		w.WriteHeader(ring)
		if ring == http.StatusBadRequest {
			_, _ = io.WriteString(w, `{"error":"unknown_user_id"}`)
		}
	}
}

// TestTheServersHealthMovesWithVisits: what a visit meets is told, and that it is over; and
// an idle kiosk asks the server nothing but after a visit that got no answer, until there is one.
func TestTheServersHealthMovesWithVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins in 2000, which no clock of a device may say.
		time.Sleep(time.Until(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
		f := &far{ring: 400}
		conns, done := make(chan net.Conn), make(chan struct{})
		server := &http.Server{Handler: f}
		go server.Serve(pipes{conns, done})
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			f.mu.Lock()
			f.asked++
			cut := f.cut
			f.mu.Unlock()
			if cut {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("the line is cut")}
			}
			mine, theirs := net.Pipe()
			conns <- theirs
			return mine, nil
		}
		auth, err := oidc.NewClientAuth(oidc.AuthOptions{ClientID: "kiosk", Secret: kiosk.Secret("a secret of the test's"), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		transport := oidc.NewTransport(oidc.TransportOptions{Dial: dial})
		a := &App{clock: host.NewClock(), log: slog.New(slog.DiscardHandler)}
		if a.client, err = ciba.New(ciba.Config{Issuer: farAway, ClientID: "kiosk", Auth: auth, Transport: transport, Now: time.Now, Scope: "openid", Contact: a.contact.met}); err != nil {
			t.Fatal(err)
		}
		opened := 0
		r := &resident{app: a, seat: newSeat(unseen{}), tell: func(e kiosk.Event) {
			if c, ok := e.(kiosk.ClosureChanged); ok && !c.On {
				opened++
			}
		}}
		stands := func(p kiosk.Phase) { r.seat.note(0, kiosk.State{Phase: p}) }
		comes := func() {
			stands(kiosk.Asking)
			_, _ = a.client.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret("alice"), Code: "K7-4F9Q"})
		}
		well := func(when string, want bool) {
			t.Helper()
			synctest.Wait()
			if err := a.contact.get(); (err == nil) != want {
				t.Errorf("%s: %v", when, err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		f.is(true, 400)
		stands(kiosk.Closed)
		go func() { defer close(ended); r.connect(ctx) }()
		time.Sleep(10 * time.Minute)
		well("nobody answers at the start", false)
		f.is(false, 400)
		time.Sleep(time.Minute)
		well("it answers", true)
		if opened != 1 {
			t.Fatalf("opened %d times", opened)
		}
		f.tried()

		stands(kiosk.Ready)
		time.Sleep(12 * time.Hour)
		if n := f.tried(); n > 0 {
			t.Errorf("%d requests of an idle kiosk", n)
		}

		// The line is cut while somebody stands there: the visit asks, and nobody else.
		f.is(true, 400)
		comes()
		well("a visit got no answer", false)
		f.tried()
		time.Sleep(5 * time.Minute)
		if n := f.tried(); n > 0 {
			t.Errorf("%d requests under a visit", n)
		}
		stands(kiosk.Ready)
		time.Sleep(3 * time.Second)
		if n := f.tried(); n == 0 {
			t.Error("nobody asks whether it is back")
		}
		time.Sleep(time.Hour)
		if n := f.tried(); n < 30 || n > 70 {
			t.Errorf("%d requests in an hour of outage", n)
		}
		well("it is still away", false)
		f.is(false, 400)
		time.Sleep(longest + time.Second)
		well("it is back, and nobody has come since", true)
		f.tried()
		time.Sleep(12 * time.Hour)
		if n := f.tried(); n > 0 {
			t.Errorf("%d requests of an idle kiosk after an outage", n)
		}

		// It answers, and wrongly: only the next visit can tell.
		f.is(false, 503)
		comes()
		stands(kiosk.Ready)
		f.tried()
		time.Sleep(time.Hour)
		well("a visit got a wrong answer", false)
		if n := f.tried(); n > 0 {
			t.Errorf("%d requests that tell nothing", n)
		}
		f.is(false, 400)
		comes()
		well("a visit got an answer", true)

		stop()
		<-ended
		transport.CloseIdleConnections()
		close(done)
		server.Close()
	})
}
