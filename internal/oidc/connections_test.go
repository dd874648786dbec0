package oidc

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
)

// rawServer is a scripted TCP server that calls serve for each connection and counts the requests that arrived.
type rawServer struct {
	url      string
	requests atomic.Int32
	conns    atomic.Int32
	wait     sync.WaitGroup
}

func newRaw(t *testing.T, serve func(n int, c net.Conn, next func() bool)) *rawServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{url: "http://" + l.Addr().String()}
	s.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := int(s.conns.Add(1))
			s.wait.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				serve(n, c, func() bool {
					r, err := http.ReadRequest(in)
					if err != nil {
						return false
					}
					io.Copy(io.Discard, r.Body)
					s.requests.Add(1)
					return true
				})
			})
		}
	})
	t.Cleanup(func() { l.Close(); s.wait.Wait() })
	return s
}

// answerOnce answers the first request of a connection and closes the connection at the second.
func answerOnce(_ int, c net.Conn, next func() bool) {
	if next() {
		io.WriteString(c, okAnswer)
	}
	next()
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

func TestSendOnceNeverSendsTwice(t *testing.T) {
	for name, serve := range map[string]func(n int, c net.Conn, next func() bool){
		"the server closes without a response":       func(_ int, _ net.Conn, next func() bool) { next() },
		"the server resets the connection":           func(_ int, c net.Conn, next func() bool) { next(); c.(*net.TCPConn).SetLinger(0) },
		"the server closes before it reads":          func(int, net.Conn, func() bool) {},
		"the response is cut off in the status line": func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, "HTTP/1.1 2") },
		"the response is cut off in the header":      func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") },
		"the response is cut off in the body": func(_ int, c net.Conn, next func() bool) {
			next()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
		},
		"the response is not HTTP": func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, "hello\r\n\r\n") },
		"status 408": func(_ int, c net.Conn, next func() bool) {
			next()
			io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		},
		"status 421": func(_ int, c net.Conn, next func() bool) {
			next()
			io.WriteString(c, "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, serve)
			transport := NewTransport(TransportOptions{})
			transport.SendOnce(post(t, s.url), MaxResponse)
			if c, r := s.conns.Load(), s.requests.Load(); c != 1 || r > 1 {
				t.Errorf("%d connections, %d requests", c, r)
			}
		})
	}
}

func TestSendOnceOpensANewConnection(t *testing.T) {
	s := newRaw(t, func(_ int, c net.Conn, next func() bool) {
		for next() {
			io.WriteString(c, okAnswer)
		}
	})
	transport := NewTransport(TransportOptions{})
	defer transport.CloseIdleConnections()
	for i, step := range []struct {
		send  func(*http.Request, int64) (*Reply, error)
		conns int32
	}{
		{transport.Send, 1},
		{transport.SendOnce, 2}, // must not use the poll's connection
		{transport.Send, 2},     // may use SendOnce's connection
		{transport.Send, 2},
		{transport.SendOnce, 3},
		{transport.SendOnce, 4},
		{transport.Send, 4},
	} {
		if _, err := step.send(post(t, s.url), MaxResponse); err != nil {
			t.Fatal(err)
		}
		if c := s.conns.Load(); c != step.conns {
			t.Fatalf("%d connections after request %d, want %d", c, i+1, step.conns)
		}
	}
}

// sendOrResend sends a poll as package ciba does.
func sendOrResend(t *testing.T, transport *Transport) error {
	t.Helper()
	_, err := transport.Send(post(t, "http://localhost/token"), MaxResponse)
	if IsStaleConnection(err) {
		_, err = transport.SendOnce(post(t, "http://localhost/token"), MaxResponse)
	}
	return err
}

// TestNoPollIsLostToAnIdleTimeout polls servers that close idle connections earlier, later and at the very moment of a poll.
func TestNoPollIsLostToAnIdleTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		idle     time.Duration // after which the server closes
		interval time.Duration
		conns    int32 // 0: it depends on which timer is first
	}{
		"Node, polled every second":          {5 * time.Second, time.Second, 1},
		"Node, every 2 s as with WSO2":       {5 * time.Second, 2 * time.Second, 1},
		"Node, 1 ms before it closes":        {5 * time.Second, 4999 * time.Millisecond, 1},
		"Node, at the very moment":           {5 * time.Second, 5 * time.Second, 0},
		"Node, 1 ms after it closed":         {5 * time.Second, 5001 * time.Millisecond, 20},
		"Node, every 10 s":                   {5 * time.Second, 10 * time.Second, 20},
		"nginx, every 5 s":                   {75 * time.Second, 5 * time.Second, 1},
		"nginx, every 10 s":                  {75 * time.Second, 10 * time.Second, 1},
		"nginx, when we close":               {75 * time.Second, idleTimeout, 0},
		"nginx, after we closed":             {75 * time.Second, idleTimeout + time.Second, 20},
		"a server that waits 2 s":            {2 * time.Second, 1500 * time.Millisecond, 1},
		"a server that waits 2 s, too late":  {2 * time.Second, 2500 * time.Millisecond, 20},
		"a server that closes at once":       {time.Nanosecond, time.Second, 20},
		"a server that closes when polled":   {7 * time.Second, 7 * time.Second, 0},
		"a server that closes 1 ns too soon": {7 * time.Second, 7*time.Second + 1, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := testkit.NewNetwork()
				var served atomic.Int32
				s := &http.Server{IdleTimeout: c.idle, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					served.Add(1)
					io.WriteString(w, "{}")
				})}
				go s.Serve(wire)
				transport := NewTransport(TransportOptions{Dial: wire.Dial})
				for i := range 20 {
					if err := sendOrResend(t, transport); err != nil {
						t.Fatalf("poll %d: %v", i+1, err)
					}
					time.Sleep(c.interval)
				}
				if n := served.Load(); n != 20 {
					t.Errorf("the server answered %d polls, want 20", n)
				}
				if n := wire.Dials.Load(); c.conns != 0 && n != c.conns {
					t.Errorf("%d connections for 20 polls, want %d", n, c.conns)
				}
				transport.CloseIdleConnections()
				s.Close()
			})
		})
	}
}

// TestNoPollIsLostToAServerThatClosesUnderEverySecondRequest is about servers behind one address that do not agree on how
// long a connection is kept: each request on a kept connection meets its end.
func TestNoPollIsLostToAServerThatClosesUnderEverySecondRequest(t *testing.T) {
	for name, end := range map[string]func(w http.ResponseWriter){
		"without a byte": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"after a reset": func(w http.ResponseWriter) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := testkit.NewNetwork()
				type count struct{}
				s := &http.Server{
					ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
						return context.WithValue(ctx, count{}, new(atomic.Int32))
					},
					Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.Context().Value(count{}).(*atomic.Int32).Add(1) > 1 {
							end(w)
							return
						}
						io.WriteString(w, "{}")
					}),
				}
				go s.Serve(wire)
				transport := NewTransport(TransportOptions{Dial: wire.Dial})
				for i := range 60 {
					if err := sendOrResend(t, transport); err != nil {
						t.Errorf("poll %d: %v", i+1, err)
					}
					time.Sleep(5 * time.Second)
				}
				transport.CloseIdleConnections()
				s.Close()
			})
		})
	}
}

// TestNothingIsResentByTheTransport lets a kept connection die under requests that net/http would resend by itself.
func TestNothingIsResentByTheTransport(t *testing.T) {
	for name, request := range map[string]func(url string) *http.Request{
		"a poll": func(url string) *http.Request { return post(t, url) },
		"a GET": func(url string) *http.Request {
			return must(http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, answerOnce)
			transport := NewTransport(TransportOptions{})
			defer transport.CloseIdleConnections()
			if _, err := transport.Send(request(s.url), MaxResponse); err != nil {
				t.Fatal(err)
			}
			reply, err := transport.Send(request(s.url), MaxResponse)
			if reply != nil || !IsStaleConnection(err) {
				t.Fatalf("%+v, %v", reply, err)
			}
			if c, r := s.conns.Load(), s.requests.Load(); c != 1 || r != 2 {
				t.Errorf("%d connections, %d requests", c, r)
			}
		})
	}
}

func TestStaleConnectionIsOneThatEndsWithoutAByteAfterAnotherRequest(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		first bool                    // there is an earlier request
		end   func(n int, c net.Conn) // instead of the response
		ctx   context.Context
		want  bool
	}{
		"a new connection":        {false, func(int, net.Conn) {}, t.Context(), false},
		"a kept one":              {true, func(int, net.Conn) {}, t.Context(), true},
		"a kept one, one byte":    {true, func(_ int, c net.Conn) { io.WriteString(c, "H") }, t.Context(), false},
		"a kept one, half a body": {true, func(_ int, c net.Conn) { io.WriteString(c, okAnswer[:len(okAnswer)-1]) }, t.Context(), false},
		"a kept one, cancelled":   {true, func(int, net.Conn) { cancel() }, cancelled, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, func(n int, conn net.Conn, next func() bool) {
				if c.first && next() {
					io.WriteString(conn, okAnswer)
				}
				if next() {
					c.end(n, conn)
				}
			})
			transport := NewTransport(TransportOptions{})
			if c.first {
				if _, err := transport.Send(post(t, s.url), MaxResponse); err != nil {
					t.Fatal(err)
				}
			}
			_, err := transport.Send(post(t, s.url).WithContext(c.ctx), MaxResponse)
			if err == nil || IsStaleConnection(err) != c.want {
				t.Errorf("%v, stale %v, want %v", err, IsStaleConnection(err), c.want)
			}
		})
	}
}

// TestDocumentsSurviveAStaleConnection fetches a document over a connection that the server closes unasked.
func TestDocumentsSurviveAStaleConnection(t *testing.T) {
	s := newRaw(t, answerOnce)
	transport := NewTransport(TransportOptions{})
	defer transport.CloseIdleConnections()
	for range 4 {
		if body, status, err := getDocument(t.Context(), transport, s.url); err != nil || status != 200 || string(body) != "{}" {
			t.Fatalf("%q, %d, %v", body, status, err)
		}
	}
}
