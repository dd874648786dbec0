package oidc

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func post(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("login_hint=alice"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Basic c2VjcmV0")
	return r
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		var elsewhere atomic.Int32
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, code)
		}))
		via := NewTransport(TransportOptions{})
		for name, send := range map[string]func(*http.Request, int64) (*Reply, error){"Send": via.Send, "SendOnce": via.SendOnce} {
			reply, err := send(post(t, s.URL), MaxAnswer)
			if err != nil || reply.Status != code {
				t.Errorf("%s, %d: %+v, %v", name, code, reply, err)
			}
		}
		if resp, err := via.Client().Do(post(t, s.URL)); err != nil || resp.StatusCode != code {
			t.Errorf("Client, %d: %v, %v", code, resp, err)
		} else {
			resp.Body.Close()
		}
		if n := elsewhere.Load(); n != 0 {
			t.Errorf("%d: the request went elsewhere %d times", code, n)
		}
		via.CloseIdle()
		s.Close()
		other.Close()
	}
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	var dialled atomic.Int32
	via := NewTransport(TransportOptions{Dial: func(context.Context, string, string) (net.Conn, error) {
		dialled.Add(1)
		return nil, errors.New("no line")
	}})
	for url, allowed := range map[string]bool{
		"http://op.example/":   false,
		"http://192.168.0.1/":  false,
		"https://op.example/":  true,
		"http://127.0.0.1:1/":  true,
		"http://localhost:1/":  true,
		"http://a@localhost/":  false,
		"ftp://localhost/":     false,
		"http://0.0.0.0:8765/": false,
	} {
		dialled.Store(0)
		if _, err := via.Send(post(t, url), MaxAnswer); err == nil {
			t.Errorf("%s: no error", url)
		}
		if got := dialled.Load() > 0; got != allowed {
			t.Errorf("%s: dialled %v, want %v", url, got, allowed)
		}
	}
}

func TestLocalhostMustBeThisMachine(t *testing.T) {
	// A resolver that sends localhost elsewhere must not get a secret in plain text.
	mine, theirs := net.Pipe()
	defer theirs.Close()
	via := NewTransport(TransportOptions{Dial: func(context.Context, string, string) (net.Conn, error) {
		return faraway{mine}, nil
	}})
	if _, err := via.Send(post(t, "http://localhost:8765/"), MaxAnswer); err == nil || !strings.Contains(err.Error(), "not this machine") {
		t.Errorf("got %v", err)
	}
}

type faraway struct{ net.Conn }

func (faraway) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 5), Port: 80} }

func TestNoProxyFromTheEnvironment(t *testing.T) {
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"} {
		t.Setenv(v, "http://proxy.example:3128")
	}
	var address string
	via := NewTransport(TransportOptions{Dial: func(_ context.Context, _, a string) (net.Conn, error) {
		address = a
		return nil, errors.New("no line")
	}})
	if _, err := via.SendOnce(post(t, "https://op.example/bc"), MaxAnswer); err == nil {
		t.Fatal("no error")
	}
	if address != "op.example:443" {
		t.Errorf("dialled %q", address)
	}
}

func tlsServer(t *testing.T, c *tls.Config) (*httptest.Server, *x509.CertPool) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"certificates":%d}`, len(r.TLS.PeerCertificates))
	}))
	s.TLS = c
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, pool
}

func TestOldTLSIsRefused(t *testing.T) {
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		s, pool := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version})
		_, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, s.URL), MaxAnswer)
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestOwnRootsReplaceTheSystems(t *testing.T) {
	s, pool := tlsServer(t, nil)
	if _, err := NewTransport(TransportOptions{}).SendOnce(post(t, s.URL), MaxAnswer); err == nil {
		t.Error("a certificate nobody knows was accepted")
	}
	if _, err := NewTransport(TransportOptions{Roots: x509.NewCertPool()}).SendOnce(post(t, s.URL), MaxAnswer); err == nil {
		t.Error("with no roots at all a certificate was accepted")
	}
	if _, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, s.URL), MaxAnswer); err != nil {
		t.Errorf("own roots: %v", err)
	}
	// The name must fit, too.
	wrong := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	if _, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, wrong), MaxAnswer); err == nil {
		t.Error("a certificate for another name was accepted")
	}
}

func TestAWrongClockIsBlamedForCertificatesOfTomorrow(t *testing.T) {
	s, pool := tlsServer(t, nil)
	for name, c := range map[string]struct {
		now     time.Time
		suspect bool
	}{
		"1970":     {time.Unix(0, 0).Add(-365 * 24 * time.Hour), true},
		"too late": {s.Certificate().NotAfter.Add(time.Hour), false},
	} {
		_, err := NewTransport(TransportOptions{Roots: pool, Now: func() time.Time { return c.now }}).SendOnce(post(t, s.URL), MaxAnswer)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if got := ClockSuspect(err, c.now); got != c.suspect {
			t.Errorf("%s: suspect %v (%v)", name, got, err)
		}
	}
}

func TestClientCertificateIsShown(t *testing.T) {
	s, pool := tlsServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert})
	if _, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, s.URL), MaxAnswer); err == nil {
		t.Error("no certificate, and no error")
	}
	via := NewTransport(TransportOptions{Roots: pool, Certificates: s.TLS.Certificates})
	for name, send := range map[string]func(*http.Request, int64) (*Reply, error){"Send": via.Send, "SendOnce": via.SendOnce} {
		reply, err := send(post(t, s.URL), MaxAnswer)
		if err != nil || string(reply.Body) != `{"certificates":1}` {
			t.Errorf("%s: %+v, %v", name, reply, err)
		}
	}
	via.CloseIdle()
}

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
			via.SendOnce(post(t, s.url), MaxAnswer)
			if c, r := s.conns.Load(), s.requests.Load(); c != 1 || r > 1 {
				t.Errorf("%d connections, %d requests", c, r)
			}
		})
	}
}

func TestABackchannelRequestHasAConnectionOfItsOwn(t *testing.T) {
	s := newRaw(t, func(_ int, c net.Conn, next func() bool) {
		for next() {
			io.WriteString(c, okAnswer)
		}
	})
	via := NewTransport(TransportOptions{})
	defer via.CloseIdle()
	for i := range 3 { // a poll leaves a connection behind, which must not be taken
		if _, err := via.Send(post(t, s.url), MaxAnswer); err != nil {
			t.Fatal(err)
		}
		if _, err := via.SendOnce(post(t, s.url), MaxAnswer); err != nil {
			t.Fatal(err)
		}
		if c := int(s.conns.Load()); c != 1+i+1 {
			t.Fatalf("%d connections after %d of each", c, i+1)
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
	if _, err := via.Send(post(t, s.url), MaxAnswer); err != nil {
		t.Fatal(err)
	}
	reply, err := via.Send(post(t, s.url), MaxAnswer)
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
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
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
				net := newPipes()
				s := &http.Server{IdleTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })}
				go s.Serve(net)
				via := NewTransport(TransportOptions{Dial: net.dial})
				for i := range 20 {
					if _, err := via.Send(post(t, "http://localhost/token"), MaxAnswer); err != nil {
						t.Fatalf("poll %d: %v", i+1, err)
					}
					time.Sleep(c.interval) // virtual
				}
				if n := net.made.Load(); n != c.conns {
					t.Errorf("%d connections for 20 polls, want %d", n, c.conns)
				}
				via.CloseIdle()
				s.Close()
			})
		})
	}
}

func TestAnswersAreLimited(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(c net.Conn)
		whole bool // an answer that is all there
		begun bool // or at least the beginning of one
		is    error
	}{
		"just short enough":  {func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n%100s", "") }, true, true, nil},
		"a byte too long":    {func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n%101s", "") }, false, true, ErrTooLong},
		"without an end":     {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); io.CopyN(c, zeros{}, 1<<20) }, false, true, ErrTooLong},
		"cut off":            {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{") }, false, true, io.ErrUnexpectedEOF},
		"header without end": {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "); io.CopyN(c, zeros{}, 1<<20) }, false, false, nil},
		"a thousand headers": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X: "+strings.Repeat("y", 100)+"\r\n", 1000)+"\r\n")
		}, false, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRaw(t, func(_ int, conn net.Conn, next func() bool) { next(); c.serve(conn) })
			reply, err := NewTransport(TransportOptions{}).SendOnce(post(t, s.url), 100)
			if (err == nil) != c.whole || (reply != nil) != c.begun || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("reply %v, error %v", reply != nil, err)
			}
			if err != nil && len(err.Error()) > 250 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

func TestErrorsOfTheLineRepeatNothingOfTheServer(t *testing.T) {
	const canary = "canary-\x1b[31m-alice@example.com"
	for _, answer := range []string{
		canary + "\r\n\r\n",
		"HTTP/1.1 " + canary + "\r\n\r\n",
		"HTTP/9 200 OK " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n",
	} {
		s := newRaw(t, func(_ int, c net.Conn, next func() bool) { next(); io.WriteString(c, answer) })
		_, err := NewTransport(TransportOptions{}).SendOnce(post(t, s.url), 100)
		if err == nil {
			t.Errorf("%q: accepted", answer)
		} else if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), s.url) {
			t.Errorf("%q: says %q", answer, err)
		}
	}
}

func TestWhatTheLineSays(t *testing.T) {
	long := context.DeadlineExceeded
	for want, err := range map[string]error{
		"no answer in time":   fmt.Errorf("x: %w", long),
		"given up on request": context.Canceled,
	} {
		if got := (&LinkError{cause: err}).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !(&LinkError{cause: long}).Timeout() || (&LinkError{cause: io.EOF}).Timeout() {
		t.Error("time-outs are not told apart")
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"\x1b[31mred\x1b[0m": "[31mred[0m",
		"a\r\nb\tc\x00\x7f":  "abc",
		"grüße\u202e":        "gre",
		"more than that":     "more than ",
	} {
		if got := Printable(in, 10); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
