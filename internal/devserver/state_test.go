package devserver

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestARestartGoesOnWithTheSameRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	opt := Options{Issuer: "http://op.example", StateFile: file}
	g := start(t, opt)
	open, answered := g.ask("kiosk-jwt", "alice"), g.ask("kiosk-jwt", "bob")
	g.Approve("bob", "")
	done := g.ask("kiosk-jwt", "carol", "scope", "openid offline_access")
	g.Approve("carol", "")
	tokens := g.poll("kiosk-jwt", done)
	g.poll("kiosk-jwt", open).want(t, 400, "authorization_pending")
	g.poll("kiosk-jwt", open).want(t, 400, "slow_down")
	page := fields(g.get("/phone/alice", "").body)
	key := g.client("kiosk-jwt")
	replay := url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "client_assertion_type": {assertionType},
		"client_assertion": {g.assertion(key, nil)}}
	if r := g.raw("/bc-authorize", replay, "", ""); r.status != 200 {
		t.Fatalf("%s", r.body)
	}

	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file: %v %v", info.Mode(), err)
	}
	data, _ := os.ReadFile(file)
	for _, secret := range []string{open, answered, tokens.text("access_token"), tokens.text("refresh_token")} {
		if strings.Contains(string(data), secret) {
			t.Error("the state file holds a secret that was given out")
		}
	}

	h := start(t, opt) // as after kill -9: the first was not closed
	h.clock = g.clock
	h.opt.Now = g.clock.now
	g = nil
	if h.client("kiosk-jwt").KeyID != key.KeyID {
		t.Error("the client's key is another one")
	}
	h.raw("/bc-authorize", replay, "", "").want(t, 401, "invalid_client")
	h.poll("kiosk-jwt", done).want(t, 400, "invalid_grant")
	if r := h.poll("kiosk-jwt", answered); h.claims(r.text("id_token"))["sub"] != "u-bob" {
		t.Errorf("%s", r.body)
	}
	if r := h.get("/api/customer", tokens.text("access_token")); r.status != 200 {
		t.Errorf("customer API: %s", r.body)
	}
	page.Set("decision", "approve")
	if r := h.post("/phone/alice/answer", "", page); r.header.Get("Location") != "/phone/alice?done=approved" {
		t.Errorf("a page opened before the restart: %d %s", r.status, r.body)
	}
	if r := h.poll("kiosk-jwt", open); h.claims(r.text("id_token"))["sub"] != "u-alice" {
		t.Errorf("%s", r.body)
	}
	if n := h.book.Requests[0].Interval; n != 10 {
		t.Errorf("the interval went back to %d", n)
	}
}

func TestADamagedStateFileIsNotOverwritten(t *testing.T) {
	for name, content := range map[string]string{"not JSON": "hello", "of something else": `{"a":1}`} {
		file := filepath.Join(t.TempDir(), "state.json")
		os.WriteFile(file, []byte(content), 0o600)
		if _, err := New(Options{StateFile: file}); err == nil {
			t.Errorf("%s: taken", name)
		}
		if data, _ := os.ReadFile(file); string(data) != content {
			t.Errorf("%s: overwritten", name)
		}
	}
	if _, err := New(Options{StateFile: filepath.Join(t.TempDir(), "no", "such", "folder.json")}); err == nil {
		t.Error("a state file that cannot be written: taken")
	}
}

func TestTLSOfItsOwnMaking(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	first, err := New(Options{StateFile: file})
	if err != nil {
		t.Fatal(err)
	}
	_, ca, err := first.TLS()
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(Options{StateFile: file}) // the CA given out before must still do
	if err != nil {
		t.Fatal(err)
	}
	conf, _, err := again.TLS("192.0.2.7", "kiosk-op.local")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(again.Handler())
	web.TLS = conf
	web.StartTLS()
	defer web.Close()
	again.SetIssuer(web.URL)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the CA is not PEM")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: 10 * time.Second}
	resp, err := client.Get(web.URL + "/jwks")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	leaf, err := x509.ParseCertificate(web.TLS.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "192.0.2.7", "kiosk-op.local"} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}
