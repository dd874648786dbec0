package oidc

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// patient makes a transport with a clock, so that it watches how long connections are
// kept, and a server in memory that keeps them for so long.
func patient(t *testing.T, keeps time.Duration) (*Transport, *pipes, *http.Server) {
	t.Helper()
	began := time.Now() // virtual
	clock := NewClock(ClockOptions{Issuer: "http://localhost", Wall: time.Now, Uptime: func() time.Duration { return time.Since(began) }})
	wire := newPipes()
	s := &http.Server{IdleTimeout: keeps, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })}
	return NewTransport(TransportOptions{Dial: wire.dial, Clock: clock}), wire, s
}

// TestAConnectionIsUsedAgainAsLongAsTheServerKeepsIt: no poll is lost, and a server that
// waits is not given a new handshake for each.
func TestAConnectionIsUsedAgainAsLongAsTheServerKeepsIt(t *testing.T) {
	for name, c := range map[string]struct {
		keeps    time.Duration
		interval time.Duration
		conns    int32
	}{
		"Node, polled every second":          {5 * time.Second, time.Second, 1},
		"Node, every 5 s":                    {5 * time.Second, 5 * time.Second, 20},
		"Node, at the very moment":           {5 * time.Second, 4999 * time.Millisecond, 20},
		"a server that keeps it for 75 s":    {75 * time.Second, 5 * time.Second, 3}, // by the third it is known
		"the same, polled every 10 s":        {75 * time.Second, 10 * time.Second, 2},
		"the same, polled more slowly":       {75 * time.Second, 11 * time.Second, 20},
		"one that keeps it for 8 s":          {8 * time.Second, 5 * time.Second, 2},
		"one that keeps it for 2 s":          {2 * time.Second, 1500 * time.Millisecond, 1},
		"the same, polled too late":          {2 * time.Second, 2500 * time.Millisecond, 20},
		"one that keeps it for no time":      {time.Millisecond, time.Second, 20},
		"one that closes while it is polled": {7 * time.Second, 6999 * time.Millisecond, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				via, wire, s := patient(t, c.keeps)
				go s.Serve(wire)
				for i := range 20 {
					if _, err := via.Send(post(t, "http://localhost/token"), MaxResponse); err != nil {
						t.Fatalf("poll %d: %v", i+1, err)
					}
					time.Sleep(c.interval)
				}
				if n := wire.made.Load(); n != c.conns {
					t.Errorf("%d connections for 20 polls, want %d", n, c.conns)
				}
				time.Sleep(restLongest)
				s.Close()
			})
		})
	}
}

// TestWhoLosesRequestsIsTrustedNoMore is about several servers of different minds behind
// one address, so that what one grants says nothing of the others: each request on a
// connection that was used before meets the closing one.
func TestWhoLosesRequestsIsTrustedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		via, wire, s := patient(t, 75*time.Second)
		type served struct{}
		s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, served{}, new(atomic.Int32))
		}
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Context().Value(served{}).(*atomic.Int32).Add(1) > 1 {
				panic(http.ErrAbortHandler) // closes it without a word
			}
			io.WriteString(w, "{}")
		})
		go s.Serve(wire)
		lost := 0
		for range 60 {
			if _, err := via.Send(post(t, "http://localhost/token"), MaxResponse); err != nil {
				lost++
			}
			time.Sleep(5 * time.Second)
		}
		if lost != restLosses {
			t.Errorf("%d of 60 polls were lost, want %d", lost, restLosses)
		}
		time.Sleep(restLongest)
		s.Close()
	})
}
