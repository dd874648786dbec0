package ciba

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// bell counts the polls that pings have triggered.
type pollCounter struct{ n atomic.Int32 }

func (b *pollCounter) ring()    { b.n.Add(1) }
func (b *pollCounter) got() int { return int(b.n.Load()) }

// pinging returns a client in ping mode that has sent a request, and the bearer token of that request.
func pinging(t *testing.T, log *notebook) (k *Client, pings *Pings, token string, b *pollCounter, ack kiosk.Ack) {
	t.Helper()
	p := newOP(t)
	p.publishing(obj{"backchannel_token_delivery_modes_supported": []string{"poll", "ping"}})
	var now atomic.Int64
	pings = NewPings(func() time.Duration { return time.Duration(now.Load()) }, log.logger())
	k = p.kiosk(func(c *Config) { c.Pings, c.Log = pings, log.logger() })
	b = &pollCounter{}
	r := alice
	r.Ping = b.ring
	ack, err := k.Ask(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return k, pings, p.got("/bc")[0].form.Get("client_notification_token"), b, ack
}

func notify(p *Pings, authorization, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "https://kiosk.example/ping", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

const aPing = `{"auth_req_id":"the-request-id"}`

// The endpoint accepts POST only, with the request's bearer token and JSON of bounded size. It answers 204 or 401 and
// never redirects (CIBA Core 9, 10.2).
func TestPings(t *testing.T) {
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	for name, c := range map[string]struct {
		bearer, body string
		change       func(*http.Request)
		status, ring int
	}{
		"ping":                            {"Bearer {}", aPing, nil, 204, 1},
		"other spelling of header values": {"bearer {}", aPing, header("Content-Type", "application/json; charset=utf-8"), 204, 1},
		"additional members":              {"Bearer {}", `{"auth_req_id":"the-request-id","urn:x":1,"access_token":"x","error":"access_denied"}`, nil, 204, 1},
		"unknown bearer token":            {"Bearer x", aPing, nil, 401, 0},
		"no bearer token":                 {"", aPing, nil, 401, 0},
		"empty bearer token":              {"Bearer ", aPing, nil, 401, 0},
		"another scheme":                  {"Basic {}", aPing, nil, 401, 0},
		"two bearer tokens":               {"", aPing, header("Authorization", "Bearer {}", "Bearer x"), 401, 0},
		"longer bearer token":             {"Bearer {}x", aPing, nil, 401, 0},
		"auth_req_id of another request":  {"Bearer {}", `{"auth_req_id":"the-request-ix"}`, nil, 401, 0},
		"no auth_req_id":                  {"Bearer {}", `{}`, nil, 400, 0},
		"auth_req_id is a number":         {"Bearer {}", `{"auth_req_id":7}`, nil, 400, 0},
		"two auth_req_ids":                {"Bearer {}", `{"auth_req_id":"x","auth_req_id":"the-request-id"}`, nil, 400, 0},
		"not JSON":                        {"Bearer {}", "auth_req_id=the-request-id", nil, 400, 0},
		"form":                            {"Bearer {}", aPing, header("Content-Type", "application/x-www-form-urlencoded"), 415, 0},
		"no content type":                 {"Bearer {}", aPing, header("Content-Type"), 415, 0},
		"too long":                        {"Bearer {}", `{"auth_req_id":"` + strings.Repeat("x", maxPingBody) + `"}`, nil, 413, 0},
		"too deep":                        {"Bearer {}", strings.Repeat(`{"x":`, 2000), nil, 400, 0},
		"GET":                             {"Bearer {}", aPing, func(r *http.Request) { r.Method = "GET" }, 405, 0},
		"PUT":                             {"Bearer {}", aPing, func(r *http.Request) { r.Method = "PUT" }, 405, 0},
		"push notification":               {"Bearer {}", `{"auth_req_id":"the-request-id","access_token":"a","id_token":"b","token_type":"Bearer"}`, nil, 204, 1},
		"bearer token in the address":     {"", aPing, func(r *http.Request) { r.URL.RawQuery = "access_token={}" }, 401, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log notebook
			_, pings, token, b, _ := pinging(t, &log)
			fill := func(s string) string { return strings.ReplaceAll(s, "{}", token) }
			w := notify(pings, fill(c.bearer), c.body, func(r *http.Request) {
				if c.change != nil {
					c.change(r)
				}
				for i, v := range r.Header["Authorization"] {
					r.Header["Authorization"][i] = fill(v)
				}
				r.URL.RawQuery = fill(r.URL.RawQuery)
			})
			if w.Code != c.status || b.got() != c.ring || w.Body.Len() > 0 || w.Header().Get("Location") != "" {
				t.Errorf("status %d, want %d; triggered %d polls, want %d; body %q", w.Code, c.status, b.got(), c.ring, w.Body.String())
			}
			if w.Code == 401 && w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Error("401 without a challenge")
			}
			if strings.Contains(log.String(), token) || strings.Contains(log.String(), "the-request-id") {
				t.Errorf("the log contains a secret: %s", log.String())
			}
		})
	}
}

// Each request has a token of its own with at least 160 bits (C12). Polls continue slowly (C62).
func TestNotificationTokens(t *testing.T) {
	p := newOP(t)
	p.publishing(obj{"backchannel_token_delivery_modes_supported": []string{"ping"}})
	k := p.kiosk(func(c *Config) { c.Pings = NewPings(func() time.Duration { return 0 }, nil) })
	r := alice
	r.Ping = func() {}
	for range 50 {
		ack, err := k.Ask(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if ack.Interval < 15*time.Second {
			t.Errorf("interval %v in ping mode", ack.Interval)
		}
	}
	seen := map[string]bool{}
	for _, r := range p.got("/bc") {
		token := r.form.Get("client_notification_token")
		if len(token)*6 < 160 || len(token) > 1024 || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" || seen[token] {
			t.Errorf("token %q", token)
		}
		seen[token] = true
	}
	// A server without ping mode is detected before a phone rings.
	p.publishing(nil)
	k = p.kiosk(func(c *Config) { c.Pings = NewPings(func() time.Duration { return 0 }, nil) })
	before := len(p.got("/bc"))
	_, err := k.Ask(t.Context(), r)
	wantReason(t, err, kiosk.Misconfigured)
	if len(p.got("/bc")) != before {
		t.Error("a request was sent in a mode that the server does not offer")
	}
}

// A ping takes effect once. A ping for a finished request is answered as valid and does nothing (C61).
func TestRepeatedPing(t *testing.T) {
	var log notebook
	_, pings, token, b, _ := pinging(t, &log)
	for range 5 {
		if w := notify(pings, "Bearer "+token, aPing); w.Code != 204 {
			t.Errorf("status %d", w.Code)
		}
	}
	if b.got() != 1 {
		t.Errorf("triggered %d polls", b.got())
	}
}

// A ping can be faster than the acknowledgement (C63): it is kept. A kept ping for another request is dropped.
func TestEarlyPing(t *testing.T) {
	for name, c := range map[string]struct {
		ids  []string
		want int
	}{
		"own":                         {[]string{"the-request-id"}, 1},
		"twice":                       {[]string{"the-request-id", "the-request-id"}, 1},
		"of another request":          {[]string{"another"}, 0},
		"of other requests, then own": {[]string{"a", "b", "the-request-id"}, 1},
		"too many":                    {strings.Split(strings.Repeat("x,", 1000)+"the-request-id", ","), 0},
	} {
		p := newOP(t)
		p.publishing(obj{"backchannel_token_delivery_modes_supported": []string{"ping"}})
		pings := NewPings(func() time.Duration { return 0 }, nil)
		b := &pollCounter{}
		p.play("/bc", line{do: func(w http.ResponseWriter, r *http.Request) {
			seen := p.got("/bc")
			token := seen[len(seen)-1].form.Get("client_notification_token")
			for _, id := range c.ids {
				if w := notify(pings, "Bearer "+token, fmt.Sprintf(`{"auth_req_id":%q}`, id)); w.Code != 204 {
					t.Errorf("%s: status %d", name, w.Code)
				}
			}
			if b.got() != 0 {
				t.Errorf("%s: a poll was triggered before the acknowledgement", name)
			}
			fmt.Fprint(w, goodAck)
		}})
		r := alice
		r.Ping = b.ring
		if _, err := p.kiosk(func(k *Config) { k.Pings = pings }).Ask(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if b.got() != c.want {
			t.Errorf("%s: triggered %d polls, want %d", name, b.got(), c.want)
		}
	}
}

// Refused and expired requests accept no ping.
func TestUnexpectedPings(t *testing.T) {
	p := newOP(t)
	p.publishing(obj{"backchannel_token_delivery_modes_supported": []string{"ping"}})
	var now atomic.Int64
	pings := NewPings(func() time.Duration { return time.Duration(now.Load()) }, nil)
	k := p.kiosk(func(c *Config) { c.Pings = pings })
	b := &pollCounter{}
	r := alice
	r.Ping = b.ring
	p.play("/bc", oops(400, "unknown_user_id"), say(200, goodAck))
	k.Ask(t.Context(), r)
	k.Ask(t.Context(), r)
	tokens := p.got("/bc")
	now.Store(int64(119 * time.Second))
	if w := notify(pings, "Bearer "+tokens[0].form.Get("client_notification_token"), aPing); w.Code != 401 {
		t.Errorf("refused request: status %d", w.Code)
	}
	now.Store(int64(200 * time.Second))
	if w := notify(pings, "Bearer "+tokens[1].form.Get("client_notification_token"), aPing); w.Code != 401 || b.got() != 0 {
		t.Errorf("expired request: status %d, triggered %d polls", w.Code, b.got())
	}
	// Beyond the limit the oldest requests are forgotten.
	for range 3 * maxExpectedPings {
		k.Ask(t.Context(), r)
	}
	if n := len(pings.expected); n > maxExpectedPings {
		t.Errorf("%d requests are kept", n)
	}
}

// Unauthenticated requests are limited, and the server's ping still arrives.
func TestFloodDoesNotBlockPings(t *testing.T) {
	var log notebook
	_, pings, token, b, _ := pinging(t, &log)
	statuses := map[int]int{}
	for range 500 {
		statuses[notify(pings, "Bearer x", aPing).Code]++
	}
	if statuses[401] != maxUnauthenticated || statuses[429] != 500-maxUnauthenticated {
		t.Errorf("statuses %v", statuses)
	}
	if w := notify(pings, "Bearer "+token, aPing); w.Code != 204 || b.got() != 1 {
		t.Errorf("status %d, triggered %d polls", w.Code, b.got())
	}
}

// The address speaks TLS 1.2 or later only (C56) and limits the number of connections.
func TestPingAddressIsHTTPS(t *testing.T) {
	var log notebook
	_, pings, token, b, _ := pinging(t, &log)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	cert, roots := pingCertificate(t)
	go func() { served <- pings.Serve(ctx, l, cert) }()
	client := func(most uint16) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: most}, DisableKeepAlives: true}}
	}
	post := func(c *http.Client, scheme string) (int, error) {
		r, _ := http.NewRequest("POST", scheme+"://"+l.Addr().String()+"/any/path", strings.NewReader(aPing))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		resp, err := c.Do(r)
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	if status, err := post(client(0), "http"); status == 204 || b.got() != 0 {
		t.Errorf("accepted without TLS: %d %v", status, err)
	}
	if _, err := post(client(tls.VersionTLS11), "https"); err == nil {
		t.Error("accepted over TLS 1.1")
	}
	var idle []net.Conn
	for range 300 { // connections that send nothing
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	begun := time.Now()
	if status, err := post(client(0), "https"); status != 204 || b.got() != 1 || time.Since(begun) > pingHeaderTimeout {
		t.Errorf("status %d (%v), triggered %d polls", status, err, b.got())
	}
	for _, c := range idle {
		c.Close()
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// pingCertificate returns a certificate for 127.0.0.1 and the roots to verify it.
func pingCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, certPEM := testkit.Certificate(t, time.Hour)
	cert, err := tls.X509KeyPair(certPEM, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	return cert, roots
}

// Any request gets one of the few defined answers, and only the right ping triggers a poll.
func FuzzPing(f *testing.F) {
	f.Add([]byte(aPing), "Bearer the-token", "application/json")
	f.Add([]byte(`{"auth_req_id":"x","auth_req_id":"the-request-id"}`), "bearer the-token", "application/json;q=1")
	f.Add([]byte(`{"auth_req_id":"\u0000"}`), "Bearer", "text/json")
	f.Fuzz(func(t *testing.T, body []byte, authorization, typ string) {
		pings := NewPings(func() time.Duration { return 0 }, nil)
		b := &pollCounter{}
		token, e := pings.expect(b.ring)
		pings.accepted(e, []byte("the-request-id"), time.Minute)
		authorization = strings.Replace(authorization, "the-token", token, 1)
		w := notify(pings, authorization, string(body), func(r *http.Request) { r.Header.Set("Content-Type", typ) })
		switch w.Code {
		case 204:
			if !bytes.Contains(body, []byte("the-request-id")) && pingedRequest(body) != "the-request-id" || b.got() != 1 {
				t.Errorf("204, and %d polls triggered: %q", b.got(), body)
			}
		case 400, 401, 413, 415:
			if b.got() != 0 {
				t.Errorf("status %d, but a poll was triggered", w.Code)
			}
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}
