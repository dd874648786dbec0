package api

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const canary = "canary-token-5f1c"

var (
	bearer = kiosk.Tokens{Access: kiosk.Secret(canary), ID: kiosk.Secret("canary-id-token"), Type: "Bearer"}
	alice  = kiosk.Person{Subject: "248289", Claims: []byte(`{"iss":"https://id.example","sub":"248289","name":"Alice","email":"alice@shop.example"}`)}
)

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// calls returns a server for h and a counter of its requests.
func calls(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	n := new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s, n
}

func resource(t *testing.T, o Options) *Resource {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// transportTo trusts the server's certificate and connects to it whatever the host.
func transportTo(s *httptest.Server) *oidc.Transport {
	o := oidc.TransportOptions{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}}
	if s.Certificate() != nil {
		o.Roots = x509.NewCertPool()
		o.Roots.AddCert(s.Certificate())
	}
	return oidc.NewTransport(o)
}

// fails checks an error's reason, and that its text contains nothing private.
func fails(t *testing.T, err error, want kiosk.Reason) {
	t.Helper()
	var e *kiosk.Error
	if !errors.As(err, &e) || e.Reason != want {
		t.Fatalf("want %v, got %v", want, err)
	}
	for _, private := range []string{"canary", "alice", "http://", "\x1b"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("%q in the error %q", private, err)
		}
	}
}

func TestFetchSendsTheTokenInTheHeaderOnly(t *testing.T) {
	s, n := calls(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || r.Header.Get("Authorization") != "Bearer "+canary || r.Header.Get("Accept") != "application/json" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		if strings.Contains(r.RequestURI, canary) || r.RequestURI != "/api/customer?fields=all" || len(r.Cookies()) > 0 {
			t.Errorf("address %s, cookies %v", r.RequestURI, r.Cookies())
		}
		if !r.Close {
			t.Error("the connection would be kept")
		}
		http.SetCookie(w, &http.Cookie{Name: "last", Value: "customer"})
		fmt.Fprint(w, `{"title":"Welcome back","points":120.50,"since":"2019-04-01","gold":true}`)
	})
	r := resource(t, Options{URL: parse(t, s.URL+"/api/customer?fields=all"), Transport: transportTo(s)})
	want := kiosk.Result{Title: "Welcome back", Fields: []kiosk.Field{{Label: "points", Value: "120.50"}, {Label: "since", Value: "2019-04-01"}, {Label: "gold", Value: "true"}}}
	for i := range 2 {
		got, err := r.Fetch(t.Context(), bearer, alice)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if got := n.Load(); got != int32(i+1) {
			t.Errorf("%d calls after %d fetches", got, i+1)
		}
	}
}

func TestFetchRejectsResponses(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   kiosk.Reason
	}{
		"token rejected":         {401, `{"title":"canary"}`, kiosk.NoAccess},
		"scope too small":        {403, `{}`, kiosk.NoAccess},
		"not found":              {404, `{}`, kiosk.ServiceDown},
		"too many":               {429, `{}`, kiosk.ServiceDown},
		"server error":           {500, `canary`, kiosk.ServiceDown},
		"unavailable":            {503, ``, kiosk.ServiceDown},
		"no content":             {204, ``, kiosk.ServiceDown},
		"a web page":             {200, `<html>canary</html>`, kiosk.ServiceDown},
		"a list":                 {200, `["canary"]`, kiosk.ServiceDown},
		"a word":                 {200, `"canary"`, kiosk.ServiceDown},
		"null":                   {200, `null`, kiosk.ServiceDown},
		"two objects":            {200, `{} {}`, kiosk.ServiceDown},
		"cut off":                {200, `{"a":"canary`, kiosk.ServiceDown},
		"duplicate name":         {200, `{"canary":1,"canary":2}`, kiosk.ServiceDown},
		"duplicate name, nested": {200, `{"a":[{"b":1,"\u0062":2}]}`, kiosk.ServiceDown},
		"too deep":               {200, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), kiosk.ServiceDown},
		"too many values":        {200, `{"a":[` + strings.Repeat("1,", 30_000) + `1]}`, kiosk.ServiceDown},
		"too long":               {200, `{"a":"` + strings.Repeat("x", DefaultMaxBody) + `"}`, kiosk.ServiceDown},
	} {
		t.Run(name, func(t *testing.T) {
			s, n := calls(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			got, err := resource(t, Options{URL: parse(t, s.URL)}).Fetch(t.Context(), bearer, alice)
			fails(t, err, c.want)
			if got.Title != "" || got.Fields != nil {
				t.Errorf("a result beside the error: %v", got)
			}
			if n.Load() != 1 {
				t.Errorf("%d calls", n.Load())
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere, reached := calls(t, func(http.ResponseWriter, *http.Request) {})
	for _, status := range []int{301, 302, 303, 307, 308} {
		s, n := calls(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/?t="+url.QueryEscape(r.Header.Get("Authorization")), status)
		})
		_, err := resource(t, Options{URL: parse(t, s.URL)}).Fetch(t.Context(), bearer, alice)
		fails(t, err, kiosk.ServiceDown)
		if n.Load() != 1 || reached.Load() != 0 {
			t.Errorf("%d: %d calls here, %d elsewhere", status, n.Load(), reached.Load())
		}
	}
}

// raw serves one response per connection, byte for byte, and counts requests.
func raw(t *testing.T, answer func(c net.Conn, authorization string)) (address string, requests *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	requests = new(atomic.Int32)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				req, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				requests.Add(1)
				answer(c, req.Header.Get("Authorization"))
			}()
		}
	}()
	return "http://" + l.Addr().String(), requests
}

func TestBrokenConnectionIsNotRetried(t *testing.T) {
	for name, answer := range map[string]func(net.Conn, string){
		"before the response":            func(net.Conn, string) {},
		"in the body":                    func(c net.Conn, _ string) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{") },
		"with the token as the response": func(c net.Conn, a string) { io.WriteString(c, a+"\x1b[2J\r\n\r\n") },
		"with the token as a header":     func(c net.Conn, a string) { io.WriteString(c, "HTTP/1.1 200 OK\r\n"+a+"\r\n\r\n") },
		"with the token as chunk size": func(c net.Conn, a string) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+a+"\r\n")
		},
		"with a header without end": func(c net.Conn, a string) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat(a, 10_000)) },
	} {
		t.Run(name, func(t *testing.T) {
			address, n := raw(t, answer)
			_, err := resource(t, Options{URL: parse(t, address)}).Fetch(t.Context(), bearer, alice)
			fails(t, err, kiosk.ServiceDown)
			if n.Load() != 1 {
				t.Errorf("%d requests", n.Load())
			}
		})
	}
}

// TestFetchOpensANewConnection has a server that keeps a connection after one response and closes it at the second request:
// http.Client would send that request again.
func TestFetchOpensANewConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var n atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for first := true; ; first = false {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					if n.Add(1); !first {
						return
					}
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			}()
		}
	}()
	address := "http://" + l.Addr().String()
	shared := oidc.NewTransport(oidc.TransportOptions{})
	defer shared.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shared.Send(req, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := resource(t, Options{URL: parse(t, address), Transport: shared}).Fetch(t.Context(), bearer, alice); err != nil {
		t.Fatal(err)
	}
	if n.Load() != 2 { // one each
		t.Errorf("%d requests", n.Load())
	}
}

func TestOverTLS(t *testing.T) {
	n := new(atomic.Int32)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		if r.ProtoMajor != 1 {
			t.Errorf("spoken: %s", r.Proto)
		}
		fmt.Fprint(w, `{"points":1}`)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the point here
	s.StartTLS()
	defer s.Close()
	got, err := resource(t, Options{URL: parse(t, s.URL), Transport: transportTo(s)}).Fetch(t.Context(), bearer, alice)
	if err != nil || len(got.Fields) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	for name, address := range map[string]string{"unknown authority": s.URL, "another host": "https://other.test"} {
		transport := transportTo(s)
		if name == "unknown authority" {
			transport = nil
		}
		_, err := resource(t, Options{URL: parse(t, address), Transport: transport}).Fetch(t.Context(), bearer, alice)
		fails(t, err, kiosk.ServiceDown)
		if !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n.Load() != 1 {
		t.Errorf("%d requests", n.Load())
	}
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, err = resource(t, Options{URL: parse(t, "http://"+address)}).Fetch(t.Context(), bearer, alice)
	fails(t, err, kiosk.ServiceDown)
}

func TestUnsuitableTokensAreNotSent(t *testing.T) {
	s, n := calls(t, func(http.ResponseWriter, *http.Request) {})
	r := resource(t, Options{URL: parse(t, s.URL)})
	for name, c := range map[string]struct {
		tokens kiosk.Tokens
		want   kiosk.Reason
	}{
		"sender-constrained": {kiosk.Tokens{Access: bearer.Access, Type: "DPoP"}, kiosk.Internal},
		"no type":            {kiosk.Tokens{Access: bearer.Access}, kiosk.Internal},
		"no token":           {kiosk.Tokens{Type: "Bearer"}, kiosk.Untrusted},
		"header smuggled in": {kiosk.Tokens{Access: kiosk.Secret(canary + "\r\nX-Evil: 1"), Type: "Bearer"}, kiosk.Untrusted},
		"two words":          {kiosk.Tokens{Access: kiosk.Secret(canary + " b"), Type: "Bearer"}, kiosk.Untrusted},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Fetch(t.Context(), c.tokens, alice)
			fails(t, err, c.want)
		})
	}
	if n.Load() != 0 {
		t.Errorf("%d calls", n.Load())
	}
}

// silent returns a transport to an API that accepts connections and never responds.
func silent(closed chan<- struct{}) *oidc.Transport {
	return oidc.NewTransport(oidc.TransportOptions{Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			_, _ = io.Copy(io.Discard, there) // ends when the client closes
			close(closed)
		}()
		return here, nil
	}})
}

func TestFetchTimesOutAfterTwentySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		r := resource(t, Options{URL: parse(t, "http://127.0.0.1/"), Transport: silent(closed)})
		start := time.Now()
		_, err := r.Fetch(t.Context(), bearer, alice)
		fails(t, err, kiosk.ServiceDown)
		if took := time.Since(start); took != DefaultTimeout {
			t.Errorf("took %v", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("not a time-out: %v", err)
		}
		<-closed
	})
}

func TestFetchCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		r := resource(t, Options{URL: parse(t, "http://127.0.0.1/"), Transport: silent(closed)})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := r.Fetch(ctx, bearer, alice)
		fails(t, err, kiosk.Cancelled)
		<-closed
	})
}

func TestTricklingResponseTimesOut(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	s, _ := calls(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"a":"`)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	_, err := resource(t, Options{URL: parse(t, s.URL), Timeout: 50 * time.Millisecond}).Fetch(t.Context(), bearer, alice)
	fails(t, err, kiosk.ServiceDown)
}

func TestNewRejectsAddresses(t *testing.T) {
	for _, u := range []string{"ftp://api.example", "https://", "https://me:canary@api.example", "/x"} {
		if _, err := New(Options{URL: parse(t, u)}); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", u, err)
		}
	}
}
