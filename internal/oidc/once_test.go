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
)

// raw is a TCP server that plays by a script: one function for each connection.
// It counts requests by what arrived on the wire.
type raw struct {
	url      string
	requests atomic.Int32
	conns    atomic.Int32
	wait     sync.WaitGroup
}

func newRaw(t *testing.T, serve func(n int, c net.Conn, next func() bool)) *raw {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &raw{url: "http://" + l.Addr().String()}
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

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

func TestARequestThatMustNotArriveTwiceNeverDoes(t *testing.T) {
	for name, serve := range map[string]func(n int, c net.Conn, next func() bool){
		"the server hangs up without a word":      func(_ int, _ net.Conn, next func() bool) { next() },
		"the server resets the connection":        func(_ int, c net.Conn, next func() bool) { next(); c.(*net.TCPConn).SetLinger(0) },
		"the server hangs up before it reads":     func(int, net.Conn, func() bool) {},
		"the answer is cut off in its first line": func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, "HTTP/1.1 2") },
		"the answer is cut off in its header":     func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") },
		"the answer is cut off in its body": func(_ int, c net.Conn, next func() bool) {
			next()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
		},
		"the answer is not HTTP": func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, "hello\r\n\r\n") },
		"the server says the request came too late": func(_ int, c net.Conn, next func() bool) {
			next()
			io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		},
		"the server says it was misdirected": func(_ int, c net.Conn, next func() bool) {
			next()
			io.WriteString(c, "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, serve)
			via := NewTransport(TransportOptions{})
			via.SendOnce(post(t, s.url), MaxResponse)
			if c, r := s.conns.Load(), s.requests.Load(); c != 1 || r > 1 {
				t.Errorf("%d connections, %d requests", c, r)
			}
		})
	}
}

func TestABackchannelRequestHasANewConnection(t *testing.T) {
	s := newRaw(t, func(_ int, c net.Conn, next func() bool) {
		for next() {
			io.WriteString(c, okAnswer)
		}
	})
	via := NewTransport(TransportOptions{})
	defer via.CloseIdleConnections()
	for i, step := range []struct {
		send  func(*http.Request, int64) (*Reply, error)
		conns int32
	}{
		{via.Send, 1},
		{via.SendOnce, 2}, // what the poll left behind must not be taken
		{via.Send, 2},     // and what it leaves itself may be
		{via.Send, 2},
		{via.SendOnce, 3},
		{via.SendOnce, 4},
		{via.Send, 4},
	} {
		if _, err := step.send(post(t, s.url), MaxResponse); err != nil {
			t.Fatal(err)
		}
		if c := s.conns.Load(); c != step.conns {
			t.Fatalf("%d connections after request %d, want %d", c, i+1, step.conns)
		}
	}
}

func TestAPollOnADyingConnectionIsNotResentByStealth(t *testing.T) {
	// The server answers once, then reads a second request on the same connection
	// and dies: it may have acted on it, so net/http must not repeat it.
	s := newRaw(t, func(n int, c net.Conn, next func() bool) {
		if next() {
			io.WriteString(c, okAnswer)
		}
		next()
	})
	via := NewTransport(TransportOptions{})
	if _, err := via.Send(post(t, s.url), MaxResponse); err != nil {
		t.Fatal(err)
	}
	reply, err := via.Send(post(t, s.url), MaxResponse)
	if err == nil || reply != nil {
		t.Fatalf("%+v, %v", reply, err)
	}
	if c, r := s.conns.Load(), s.requests.Load(); c != 1 || r != 2 {
		t.Errorf("%d connections, %d requests", c, r)
	}
}

// pipes is a network in memory, for virtual time.
type pipes struct {
	conns chan net.Conn
	made  atomic.Int32
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		p.made.Add(1)
		return mine, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestPollsMeetNoClosingConnection(t *testing.T) {
	// Node closes a connection that has been idle for 5 s: the very moment at
	// which a poll with the default interval wants to use it.
	for name, c := range map[string]struct {
		interval time.Duration
		conns    int32
	}{
		"every second, one connection":    {time.Second, 1},
		"every 2 s as with WSO2":          {2 * time.Second, 1},
		"every 5 s, a new one each time":  {5 * time.Second, 20},
		"at 4.999 s, a new one each time": {4999 * time.Millisecond, 20},
		"every 10 s, a new one each time": {10 * time.Second, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := newPipes()
				s := &http.Server{IdleTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })}
				go s.Serve(wire)
				via := NewTransport(TransportOptions{Dial: wire.dial})
				for i := range 20 {
					if _, err := via.Send(post(t, "http://localhost/token"), MaxResponse); err != nil {
						t.Fatalf("poll %d: %v", i+1, err)
					}
					<-time.After(c.interval) // virtual
				}
				if n := wire.made.Load(); n != c.conns {
					t.Errorf("%d connections for 20 polls, want %d", n, c.conns)
				}
				via.CloseIdleConnections()
				s.Close()
			})
		})
	}
}
