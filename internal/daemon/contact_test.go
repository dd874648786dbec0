package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// remote is an authorization server in memory whose connection can be cut.
type remote struct {
	mu     sync.Mutex
	cut    bool
	dials  int // connections attempted
	status int // of the backchannel endpoint
}

func (r *remote) set(cut bool, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut, r.status = cut, status
}

// countDials returns the number of connections attempted since the last call.
func (r *remote) countDials() int {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.dials
	r.dials = 0
	return n
}

const remoteIssuer = "http://localhost:8765"

func (r *remote) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	status := r.status
	r.mu.Unlock()
	w.Header().Set("Connection", "close") // so that each request needs a connection
	w.Header().Set("Content-Type", "application/json")
	switch q.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer":%q,"backchannel_authentication_endpoint":%[2]q,"token_endpoint":%[3]q,"jwks_uri":%[4]q,"backchannel_token_delivery_modes_supported":["poll"]}`,
			remoteIssuer, remoteIssuer+"/bc", remoteIssuer+"/token", remoteIssuer+"/jwks")
	case "/jwks":
		_, _ = io.WriteString(w, `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","use":"sig"}]}`)
	default:
		w.WriteHeader(status)
		if status == http.StatusBadRequest {
			_, _ = io.WriteString(w, `{"error":"unknown_user_id"}`)
		}
	}
}

// TestContactFollowsVisits: health reports the error of a visit until an attempt succeeds. An idle kiosk asks the server
// only after a visit that got no answer, until there is one.
func TestContactFollowsVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins in 2000, before this program was built.
		time.Sleep(time.Until(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
		r := &remote{status: 400}
		network := testkit.NewNetwork()
		server := &http.Server{Handler: r}
		go server.Serve(network)
		dial := func(ctx context.Context, kind, address string) (net.Conn, error) {
			r.mu.Lock()
			r.dials++
			cut := r.cut
			r.mu.Unlock()
			if cut {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("the line is cut")}
			}
			return network.Dial(ctx, kind, address)
		}
		auth, err := oidc.NewClientAuth(oidc.AuthOptions{ClientID: "kiosk", Secret: kiosk.Secret("a secret of the test's"), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		transport := oidc.NewTransport(oidc.TransportOptions{Dial: dial})
		contact := new(Contact)
		client, err := ciba.New(ciba.Config{Issuer: remoteIssuer, ClientID: "kiosk", Auth: auth, Transport: transport, Now: time.Now, Scope: "openid", Contact: contact.Set})
		if err != nil {
			t.Fatal(err)
		}
		d := newDaemon(t, func(o *Options) {
			o.Contact = contact
			o.Probe = func(ctx context.Context) error {
				_, err := client.Probe(ctx)
				return err
			}
		})
		opened := 0
		d.send = func(e kiosk.Event) {
			if c, ok := e.(kiosk.ClosureChanged); ok && !c.On {
				opened++
			}
		}
		enter := func(p kiosk.Phase) { d.observer.observe(0, kiosk.State{Phase: p}) }
		visit := func() {
			enter(kiosk.Asking)
			_, _ = client.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret("alice"), Code: "K7-4F9Q"})
		}
		check := func(when string, ok bool) {
			t.Helper()
			synctest.Wait()
			if err := contact.err(); (err == nil) != ok {
				t.Errorf("%s: %v", when, err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		r.set(true, 400)
		enter(kiosk.Closed)
		go func() { defer close(ended); d.connect(ctx) }()
		time.Sleep(10 * time.Minute)
		check("no answer at the start", false)
		r.set(false, 400)
		time.Sleep(time.Minute)
		check("the server answers", true)
		if opened != 1 {
			t.Fatalf("opened %d times", opened)
		}
		r.countDials()

		enter(kiosk.Ready)
		time.Sleep(12 * time.Hour)
		if n := r.countDials(); n > 0 {
			t.Errorf("an idle kiosk sent %d requests", n)
		}

		// The line is cut during a visit: only the visit asks the server.
		r.set(true, 400)
		visit()
		check("a visit got no answer", false)
		r.countDials()
		time.Sleep(5 * time.Minute)
		if n := r.countDials(); n > 0 {
			t.Errorf("%d requests beside a visit", n)
		}
		enter(kiosk.Ready)
		time.Sleep(3 * time.Second)
		if n := r.countDials(); n == 0 {
			t.Error("no request after a visit that got no answer")
		}
		time.Sleep(time.Hour)
		if n := r.countDials(); n < 30 || n > 70 {
			t.Errorf("%d requests in an hour of outage", n)
		}
		check("the line is still cut", false)
		r.set(false, 400)
		time.Sleep(MaxPause + time.Second)
		check("the line works again, without a visit", true)
		r.countDials()
		time.Sleep(12 * time.Hour)
		if n := r.countDials(); n > 0 {
			t.Errorf("an idle kiosk sent %d requests after an outage", n)
		}

		// A wrong answer: only the next visit shows whether the server still gives it.
		r.set(false, 503)
		visit()
		enter(kiosk.Ready)
		r.countDials()
		time.Sleep(time.Hour)
		check("a visit got a wrong answer", false)
		if n := r.countDials(); n > 0 {
			t.Errorf("%d pointless requests", n)
		}
		r.set(false, 400)
		visit()
		check("a visit got a right answer", true)

		stop()
		<-ended
		transport.CloseIdleConnections()
		server.Close()
	})
}
