package oidc

import (
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
	"sync/atomic"
	"testing"
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
		transport := NewTransport(TransportOptions{})
		for name, send := range map[string]func(*http.Request, int64) (*Reply, error){"Send": transport.Send, "SendOnce": transport.SendOnce, "SendAlone": transport.SendAlone} {
			reply, err := send(post(t, s.URL), MaxResponse)
			if err != nil || reply.Status != code {
				t.Errorf("%s, %d: %+v, %v", name, code, reply, err)
			}
		}
		if n := elsewhere.Load(); n != 0 {
			t.Errorf("%d: the request went elsewhere %d times", code, n)
		}
		transport.CloseIdleConnections()
		s.Close()
		other.Close()
	}
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	var dialled atomic.Int32
	transport := NewTransport(TransportOptions{Dial: func(context.Context, string, string) (net.Conn, error) {
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
		if _, err := transport.Send(post(t, url), MaxResponse); err == nil {
			t.Errorf("%s: no error", url)
		}
		if got := dialled.Load() > 0; got != allowed {
			t.Errorf("%s: dialled %v, want %v", url, got, allowed)
		}
	}
}

func TestLocalhostMustBeThisMachine(t *testing.T) {
	// A resolver that leads localhost elsewhere must not get a secret in plain text.
	mine, theirs := net.Pipe()
	defer theirs.Close()
	transport := NewTransport(TransportOptions{Dial: func(context.Context, string, string) (net.Conn, error) {
		return remoteConn{mine}, nil
	}})
	if _, err := transport.Send(post(t, "http://localhost:8765/"), MaxResponse); err == nil || !strings.Contains(err.Error(), "not this machine") {
		t.Errorf("got %v", err)
	}
}

type remoteConn struct{ net.Conn }

func (remoteConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 5), Port: 80} }

func TestNoProxyFromTheEnvironment(t *testing.T) {
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"} {
		t.Setenv(v, "http://proxy.example:3128")
	}
	var address string
	transport := NewTransport(TransportOptions{Dial: func(_ context.Context, _, a string) (net.Conn, error) {
		address = a
		return nil, errors.New("no line")
	}})
	if _, err := transport.SendOnce(post(t, "https://op.example/bc"), MaxResponse); err == nil {
		t.Fatal("no error")
	}
	if address != "op.example:443" {
		t.Errorf("dialled %q", address)
	}
	// net/http reads the environment once per process, so the dialled address proves little.
	for _, rt := range []*http.Transport{transport.pool.Load(), transport.newPool(), transport.oneShot} {
		if rt.Proxy != nil {
			t.Error("there is a proxy function")
		}
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

// TestHTTP2IsNotUsed sends to a server that offers it over ALPN, by every method.
func TestHTTP2IsNotUsed(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q", r.Proto, r.TLS.NegotiatedProtocol)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	if resp, err := s.Client().Get(s.URL); err != nil || resp.ProtoMajor != 2 {
		t.Fatalf("the server does not speak HTTP/2: %v", err)
	}
	transport := NewTransport(TransportOptions{Roots: pool})
	defer transport.CloseIdleConnections()
	for name, send := range map[string]func(*http.Request, int64) (*Reply, error){"Send": transport.Send, "SendOnce": transport.SendOnce, "SendAlone": transport.SendAlone} {
		reply, err := send(post(t, s.URL), MaxResponse)
		if err != nil || !strings.HasPrefix(string(reply.Body), "HTTP/1.1 ") || strings.Contains(string(reply.Body), "h2") {
			t.Errorf("%s: %+v, %v", name, reply, err)
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		s, pool := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version})
		_, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, s.URL), MaxResponse)
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestOwnRootsReplaceTheSystems(t *testing.T) {
	s, pool := tlsServer(t, nil)
	if _, err := NewTransport(TransportOptions{}).SendOnce(post(t, s.URL), MaxResponse); err == nil {
		t.Error("a certificate of an unknown authority was accepted")
	}
	if _, err := NewTransport(TransportOptions{Roots: x509.NewCertPool()}).SendOnce(post(t, s.URL), MaxResponse); err == nil {
		t.Error("with no roots at all a certificate was accepted")
	}
	if _, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, s.URL), MaxResponse); err != nil {
		t.Errorf("own roots: %v", err)
	}
	// The host name must match too.
	wrong := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	if _, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, wrong), MaxResponse); err == nil {
		t.Error("a certificate for another name was accepted")
	}
}

func TestSuggestsWrongClock(t *testing.T) {
	s, pool := tlsServer(t, nil)
	for name, c := range map[string]struct {
		now     time.Time
		suspect bool
	}{
		"1970":     {time.Unix(0, 0).Add(-365 * 24 * time.Hour), true},
		"too late": {s.Certificate().NotAfter.Add(time.Hour), false},
	} {
		_, err := NewTransport(TransportOptions{Roots: pool, Now: func() time.Time { return c.now }}).SendOnce(post(t, s.URL), MaxResponse)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if got := SuggestsWrongClock(err, c.now); got != c.suspect {
			t.Errorf("%s: suspect %v (%v)", name, got, err)
		}
	}
}

func TestResponsesAreLimited(t *testing.T) {
	for name, c := range map[string]struct {
		serve func(c net.Conn)
		whole bool // the response is complete
		begun bool // the response has at least a header
		is    error
	}{
		"at the limit":          {func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n%100s", "") }, true, true, nil},
		"a byte over the limit": {func(c net.Conn) { fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n%101s", "") }, false, true, ErrResponseTooLong},
		"endless":               {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); io.CopyN(c, zeros{}, 1<<20) }, false, true, ErrResponseTooLong},
		"cut off":               {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{") }, false, true, io.ErrUnexpectedEOF},
		"endless header":        {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "); io.CopyN(c, zeros{}, 1<<20) }, false, false, nil},
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

func TestGETHasNoBody(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %d %v %q", r.Method, r.ContentLength, r.TransferEncoding, r.Header.Get("Content-Type"))
	}))
	defer s.Close()
	transport := NewTransport(TransportOptions{})
	defer transport.CloseIdleConnections()
	reply, err := transport.Send(must(http.NewRequest(http.MethodGet, s.URL, nil)), MaxResponse)
	if want := `GET 0 [] ""`; err != nil || string(reply.Body) != want {
		t.Errorf("%v, %v, want %s", reply, err, want)
	}
}

func TestNothingIsUnpacked(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "packed")
	}))
	defer s.Close()
	transport := NewTransport(TransportOptions{})
	defer transport.CloseIdleConnections()
	for _, send := range []func(*http.Request, int64) (*Reply, error){transport.Send, transport.SendOnce} {
		if reply, err := send(post(t, s.URL), MaxResponse); err != nil || string(reply.Body) != "packed" {
			t.Errorf("%+v, %v", reply, err)
		}
	}
	if strings.Join(asked, " ") != "identity identity" {
		t.Errorf("asked for %q", asked)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}
