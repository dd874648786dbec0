package provider_test

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

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

func TestRestartKeepsState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	opt := provider.Options{Issuer: "http://op.example", StateFile: file}
	g := providertest.Start(t, opt)
	open, answered := g.Ask("kiosk-jwt", "alice"), g.Ask("kiosk-jwt", "bob")
	g.Approve("bob", "")
	done := g.Ask("kiosk-jwt", "carol", "scope", "openid offline_access")
	g.Approve("carol", "")
	tokens := g.Poll("kiosk-jwt", done)
	g.Poll("kiosk-jwt", open).Want(t, 400, "authorization_pending")
	g.Poll("kiosk-jwt", open).Want(t, 400, "slow_down")
	form := g.Pending("alice")[0]
	key := g.MustClient("kiosk-jwt")
	replay := url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "client_assertion_type": {providertest.AssertionType},
		"client_assertion": {g.Assertion(key, nil)}}
	if r := g.PostForm("/bc-authorize", replay, "", ""); r.Status != 200 {
		t.Fatalf("%s", r.Body)
	}

	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file: %v %v", info.Mode(), err)
	}
	data, _ := os.ReadFile(file)
	for _, secret := range []string{open, answered, tokens.Text("access_token"), tokens.Text("refresh_token")} {
		if strings.Contains(string(data), secret) {
			t.Error("the state file contains an issued secret")
		}
	}

	opt.Now = g.Clock.Now
	h := providertest.Start(t, opt) // as after kill -9: the first server was not closed
	h.Clock = g.Clock
	g = nil
	if h.MustClient("kiosk-jwt").KeyID != key.KeyID {
		t.Error("the client's key changed")
	}
	h.PostForm("/bc-authorize", replay, "", "").Want(t, 401, "invalid_client")
	h.Poll("kiosk-jwt", done).Want(t, 400, "invalid_grant")
	if r := h.Poll("kiosk-jwt", answered); h.Claims(r.Text("id_token"))["sub"] != "u-bob" {
		t.Errorf("%s", r.Body)
	}
	if r := h.Get("/api/customer", tokens.Text("access_token")); r.Status != 200 {
		t.Errorf("customer API: %s", r.Body)
	}
	if err := h.AnswerForm("alice", form.Number, "", form.FormToken, true); err != nil {
		t.Errorf("a form opened before the restart: %v", err)
	}
	if r := h.Poll("kiosk-jwt", open); h.Claims(r.Text("id_token"))["sub"] != "u-alice" {
		t.Errorf("%s", r.Body)
	}
	if n := h.Interval(0); n != 10 {
		t.Errorf("interval %d, want 10", n)
	}
}

func TestDamagedStateFileIsKept(t *testing.T) {
	for name, content := range map[string]string{"not JSON": "hello", "of something else": `{"a":1}`} {
		file := filepath.Join(t.TempDir(), "state.json")
		os.WriteFile(file, []byte(content), 0o600)
		if _, err := provider.New(provider.Options{StateFile: file}); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if data, _ := os.ReadFile(file); string(data) != content {
			t.Errorf("%s: overwritten", name)
		}
	}
	if _, err := provider.New(provider.Options{StateFile: filepath.Join(t.TempDir(), "no", "such", "folder.json")}); err == nil {
		t.Error("a state file that cannot be written was accepted")
	}
}

func TestServerCertificate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	first, err := provider.New(provider.Options{StateFile: file})
	if err != nil {
		t.Fatal(err)
	}
	_, ca, err := first.TLS()
	if err != nil {
		t.Fatal(err)
	}
	again, err := provider.New(provider.Options{StateFile: file}) // keeps the CA
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

// With LAN=1 the demo listens on all addresses: a phone may open its page, but nobody else may answer for a person.
func TestControlAddressesAnswerThisMachineOnly(t *testing.T) {
	s, err := provider.New(provider.Options{Issuer: "http://127.0.0.1:8765"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		from, path string
		want       bool
	}{
		{"127.0.0.1:4711", "/dev/requests", true}, {"[::1]:4711", "/dev/requests", true}, {"192.0.2.7:4711", "/dev/requests", false},
		{"[::ffff:192.0.2.7]:4711", "/dev/requests", false}, {"192.0.2.7:4711", "/phone", true},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8765"+tc.path, nil)
		r.RemoteAddr = tc.from
		w := httptest.NewRecorder()
		s.LocalOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})).ServeHTTP(w, r)
		if allowed := w.Code == http.StatusOK; allowed != tc.want {
			t.Errorf("%s from %s: status %d", tc.path, tc.from, w.Code)
		}
	}
}
