package provider_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

// getRaw gets the metadata over a plain TCP connection and returns up to limit bytes, and
// the error that ended the connection.
func getRaw(g *providertest.Harness, limit int64) (string, error) {
	g.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		g.T.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	all, err := io.ReadAll(io.LimitReader(conn, limit))
	return string(all), err
}

func TestConnectionFaults(t *testing.T) {
	const lot = 1 << 20
	body := func(s string) string { _, b, _ := strings.Cut(s, "\r\n\r\n"); return b }
	for kind, check := range map[string]func(s string, err error) bool{
		`"kind":"endless"`:                 func(s string, err error) bool { return len(s) == lot && strings.Count(s, "x") > lot/2 },
		`"kind":"endless_headers"`:         func(s string, err error) bool { return len(s) == lot && !strings.Contains(s, "\r\n\r\n") },
		`"kind":"drip","value":0.001`:      func(s string, err error) bool { return json.Valid([]byte(body(s))) },
		`"kind":"informational","value":3`: func(s string, err error) bool { return strings.Count(s, " 103 ") == 3 && strings.Contains(s, " 200 ") },
		`"kind":"reset"`:                   func(s string, err error) bool { return s == "" && err != nil },
		`"kind":"reset","value":40`:        func(s string, err error) bool { return len(s) == 40 && err != nil },
		`"kind":"not_http"`:                func(s string, err error) bool { return strings.HasPrefix(s, "\x00\x00\x00\x04") },
		`"kind":"bad_chunks"`: func(s string, _ error) bool {
			_, err := io.Copy(io.Discard, must(http.ReadResponse(bufio.NewReader(strings.NewReader(s)), nil)).Body)
			return err != nil
		},
		`"kind":"gzip"`:       func(s string, err error) bool { return strings.Contains(s, "Content-Encoding: gzip") && len(s) < lot },
		`"kind":"wrong_type"`: func(s string, err error) bool { return strings.Contains(s, "Content-Type: text/html") },
		`"kind":"date","value":-60`: func(s string, err error) bool {
			return strings.Contains(s, "Date: Sun, 22 Nov 2026 11:59:00 GMT") && strings.Count(s, "Date:") == 1
		},
		`"kind":"empty"`:    func(s string, err error) bool { return body(s) == "" && strings.Contains(s, " 200 ") },
		`"kind":"null"`:     func(s string, err error) bool { return body(s) == "null" },
		`"kind":"list"`:     func(s string, err error) bool { return strings.HasPrefix(body(s), "[{") },
		`"kind":"trailing"`: func(s string, err error) bool { return strings.HasSuffix(body(s), `}{"error":"access_denied"}`) },
		`"kind":"bad_utf8"`: func(s string, err error) bool { return bytes.Contains([]byte(body(s)), []byte("\xff\xfe")) },
	} {
		t.Run(kind, func(t *testing.T) {
			g := providertest.Start(t, provider.Options{})
			g.SetFault(`{"at":"discovery","times":1,` + kind + `}`)
			if s, err := getRaw(g, lot); !check(s, err) {
				t.Errorf("%.300q %v", s, err)
			}
			if r := g.Get("/.well-known/openid-configuration", ""); r.Text("issuer") == "" {
				t.Error("the fault affects the next answer")
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A pending poll waits for the person. An approval is not spent on a client that left.
func TestLongPolling(t *testing.T) {
	s := must(provider.New(provider.Options{LongPoll: 20 * time.Second}))
	web := httptest.NewServer(s.Handler())
	t.Cleanup(func() { s.Close(); web.Close() })
	s.SetIssuer(web.URL)
	g := &providertest.Harness{Server: s, T: t, URL: web.URL, HTTP: http.DefaultClient}
	id := g.Ask("kiosk-basic", "alice")

	impatient := &http.Client{Timeout: 200 * time.Millisecond}
	form := url.Values{"grant_type": {providertest.GrantCIBA}, "auth_req_id": {id}}
	known := must(s.Client("kiosk-basic"))
	r := must(http.NewRequest("POST", web.URL+"/token", strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(known.ID, known.Secret)
	if _, err := impatient.Do(r); err == nil {
		t.Fatal("a pending poll was answered")
	}
	answered := make(chan providertest.Reply, 1)
	go func() { answered <- g.Poll("kiosk-basic", id) }()
	for until := time.Now().Add(10 * time.Second); len(s.Requests()) < 3 && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond) // until the second poll has arrived
	}
	if err := s.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	approved := time.Now()
	if r := <-answered; r.Text("access_token") == "" || time.Since(approved) > 5*time.Second {
		t.Errorf("%d %s after %v", r.Status, r.Body, time.Since(approved))
	}
	// Automatic answers end the wait too, and so does the fault's limit.
	s.SetAuto("approve", 300*time.Millisecond, "")
	if r := g.Poll("kiosk-basic", g.Ask("kiosk-basic", "bob")); r.Text("access_token") == "" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	s.SetAuto("none", 0, "")
	id = g.Ask("kiosk-basic", "carol")
	g.SetFault(`{"at":"token","kind":"long_poll","value":0.1}`)
	g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending")
}
