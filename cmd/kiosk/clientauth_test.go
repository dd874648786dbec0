package main

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
)

// newSecureRig is newRig with TLS, for one of the server's ready-made clients and the client authentication of that
// client.
func newSecureRig(t *testing.T, o provider.Options, client string, settings ...string) *rig {
	t.Helper()
	o.Interval, o.Expires, o.PollTolerance = 1, requestLifetime, pollTolerance
	dev, err := provider.New(o)
	if err != nil {
		t.Fatal(err)
	}
	conf, ca, err := dev.TLS()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dev: dev, tap: &recorder{next: dev.Handler()}, dir: t.TempDir()}
	server := httptest.NewUnstartedServer(r.tap)
	server.TLS = conf
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(func() {
		dev.Close()
		server.CloseClientConnections()
		server.Close()
	})
	r.url = server.URL
	if err := dev.SetIssuer(r.url); err != nil {
		t.Fatal(err)
	}
	plain := newRig(t) // for what every device has
	r.env = plain.env
	r.state = filepath.Join(r.dir, "state")
	r.write("kiosk.env", "# nothing\n")
	for name, value := range map[string]string{
		"HOME": r.dir, "KIOSK_ISSUER": r.url, "KIOSK_API_URL": r.url + "/api/customer", "KIOSK_STATE_DIR": r.state,
		"KIOSK_CA_FILE": r.write("ca.pem", string(ca)), "KIOSK_CLIENT_ID": client,
	} {
		r.env[name] = value
	}
	delete(r.env, "KIOSK_CLIENT_SECRET_FILE")
	c, err := dev.Client(client)
	if err != nil {
		t.Fatal(err)
	}
	r.env["KIOSK_CLIENT_AUTH"] = c.Auth
	if c.Secret != "" {
		r.tap.addSecret(c.Secret)
		r.env["KIOSK_CLIENT_SECRET_FILE"] = r.write("client-secret", c.Secret)
	}
	if c.Key != nil {
		r.env["KIOSK_CLIENT_KEY_FILE"] = r.writeKey("client.pem", c.Key)
	}
	if c.Cert != nil {
		r.env["KIOSK_CLIENT_CERT_FILE"] = r.write("client.crt", string(c.Cert))
	}
	for _, s := range settings {
		r.set(s)
	}
	return r
}

// writeKey writes a private key to a file whose content must appear nowhere else.
func (r *rig) writeKey(name string, key crypto.Signer) string {
	r.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	r.tap.addSecret(strings.Split(text, "\n")[2]) // the second line: the first is alike in all keys
	return r.write(name, text)
}

const (
	signed  = "KIOSK_SIGNED_REQUEST=true"
	proving = "KIOSK_DPOP=true"
	details = `KIOSK_AUTHORIZATION_DETAILS=[{"type":"customer","actions":["read"]}]`
)

// TestEveryClientAuthentication plays a visit for each client authentication over TLS, with DPoP, signed requests and
// authorization details.
func TestEveryClientAuthentication(t *testing.T) {
	t.Parallel()
	nonces := provider.Options{DPoPNonce: true}
	for name, c := range map[string]struct {
		client   string
		o        provider.Options
		settings []string
		mtls     bool
		nonces   int // how many requests are turned away for one
		want     ending
	}{
		"a secret":                       {"kiosk-basic", provider.Options{}, nil, false, 0, shown},
		"a secret in the body":           {"kiosk-post", provider.Options{}, nil, false, 0, shown},
		"a key":                          {"kiosk-jwt", provider.Options{}, nil, false, 0, shown},
		"an RSA key":                     {"kiosk-jwt-rs", provider.Options{}, nil, false, 0, shown},
		"a certificate":                  {"kiosk-tls", provider.Options{}, nil, true, 0, shown},
		"a self-signed certificate":      {"kiosk-self-signed", provider.Options{}, nil, true, 0, shown},
		"signed requests":                {"kiosk-signed", provider.Options{}, []string{signed, details}, false, 0, shown},
		"signed with RSA":                {"kiosk-jwt-rs", provider.Options{}, []string{signed}, false, 0, shown},
		"signed, with a certificate":     {"kiosk-self-signed", provider.Options{}, []string{signed}, true, 0, shown},
		"unsigned where it must be":      {"kiosk-signed", provider.Options{}, nil, false, 0, refused},
		"proofs of possession":           {"kiosk-jwt", provider.Options{}, []string{proving}, false, 0, shown},
		"with nonces":                    {"kiosk-jwt", nonces, []string{proving, "KIOSK_SCOPE=openid profile offline_access"}, false, 1, shown},
		"with nonces and a certificate":  {"kiosk-tls", nonces, []string{proving, signed, details}, true, 1, shown},
		"with nonces and a secret":       {"kiosk-post", nonces, []string{proving}, false, 1, shown},
		"authorization details":          {"kiosk-basic", provider.Options{}, []string{details}, false, 0, shown},
		"a key that is not the client's": {"kiosk-jwt", provider.Options{}, []string{"KIOSK_CLIENT_ID=kiosk-jwt-rs"}, false, 0, ending{code: 3, reason: "misconfigured", pushes: 1}},
		"a certificate of somebody else": {"kiosk-tls", provider.Options{}, []string{"KIOSK_CLIENT_ID=kiosk-self-signed", "KIOSK_CLIENT_AUTH=self_signed_tls_client_auth"}, true, 0, ending{code: 3, reason: "misconfigured", pushes: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSecureRig(t, c.o, c.client, c.settings...)
			var aliased, plain int
			inner := r.tap.next
			r.tap.next = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if q.Method == http.MethodPost {
					if strings.HasPrefix(q.URL.Path, "/mtls/") && len(q.TLS.PeerCertificates) > 0 {
						aliased++
					} else {
						plain++
					}
				}
				inner.ServeHTTP(w, q)
			})
			r.auto("approve", 0, "")
			r.checkOutcome(t, r.start("login", "--json", "alice"), c.want)
			if n := r.count("nonce"); n != c.nonces {
				t.Errorf("%d requests were turned away for a nonce, want %d", n, c.nonces)
			}
			if c.mtls && (plain > 0 || aliased == 0) || !c.mtls && aliased > 0 {
				t.Errorf("%d requests at the addresses for certificates, %d at others", aliased, plain)
			}
		})
	}
}

// TestCertificateWithAKeyOfItsOwn plays a visit of a client that signs with one key and binds its tokens to a certificate
// with another. (RFC 8705, section 3)
func TestCertificateWithAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newSecureRig(t, provider.Options{}, "kiosk-jwt", signed)
	holder, err := r.dev.Client("kiosk-self-signed")
	if err != nil {
		t.Fatal(err)
	}
	r.env["KIOSK_CLIENT_CERT_FILE"] = r.write("client.crt", string(holder.Cert))
	r.auto("approve", 0, "")
	if code, out := r.runVerb("login", "--json", "alice"); code != 3 || !strings.Contains(out, "KIOSK_CLIENT_CERT_FILE") {
		t.Errorf("without the certificate's key: exit code %d, %s", code, out)
	}
	r.env["KIOSK_CLIENT_CERT_KEY_FILE"] = r.writeKey("client-cert.pem", holder.Key)
	var presented bool
	inner := r.tap.next
	r.tap.next = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		presented = presented || len(q.TLS.PeerCertificates) > 0
		inner.ServeHTTP(w, q)
	})
	r.checkOutcome(t, r.start("login", "--json", "alice"), shown)
	if !presented {
		t.Error("the certificate was not presented")
	}
}

// TestFaultsWithDPoPAndOtherFeatures: faults in what the kiosk requests besides the visit itself.
func TestFaultsWithDPoPAndOtherFeatures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client   string
		settings []string
		fault    faults.Fault
		want     ending
	}{
		"no signed requests":       {"kiosk-jwt", []string{signed}, faults.Fault{At: "discovery", Kind: "no_signed_requests"}, notSetUp},
		"signed in another way":    {"kiosk-jwt", []string{signed}, faults.Fault{At: "discovery", Kind: "other_signed_requests"}, notSetUp},
		"no proofs like ours":      {"kiosk-jwt", []string{proving}, faults.Fault{At: "discovery", Kind: "other_dpop"}, notSetUp},
		"Bearer for a proof":       {"kiosk-jwt", []string{proving}, faults.Fault{At: "token", Kind: "no_binding"}, untrusted},
		"a nonce more":             {"kiosk-jwt", []string{proving}, faults.Fault{At: "token", Kind: "dpop_nonce", Times: 1}, shown},
		"a nonce more at the API":  {"kiosk-jwt", []string{proving}, faults.Fault{At: "api", Kind: "dpop_nonce", Times: 1}, shown},
		"nonces for ever":          {"kiosk-jwt", []string{proving}, faults.Fault{At: "token", Kind: "dpop_nonce"}, ending{code: 3, reason: "misconfigured", pushes: 1}},
		"for ever at the API":      {"kiosk-jwt", []string{proving}, faults.Fault{At: "api", Kind: "dpop_nonce"}, noAccess},
		"more than was asked for":  {"kiosk-jwt", []string{details}, faults.Fault{At: "token", Kind: "more_details"}, untrusted},
		"one action more":          {"kiosk-jwt", []string{details}, faults.Fault{At: "token", Kind: "more_details", Value: json.RawMessage(`{"type":"customer","actions":["read","delete"]}`)}, untrusted},
		"the same once more":       {"kiosk-jwt", []string{details}, faults.Fault{At: "token", Kind: "more_details", Value: json.RawMessage(`{"type":"customer"}`)}, shown},
		"fewer than was asked for": {"kiosk-jwt", []string{details}, faults.Fault{At: "token", Kind: "fewer_details"}, shown},
		"no aliases":               {"kiosk-tls", nil, faults.Fault{At: "discovery", Kind: "no_mtls_aliases"}, shown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSecureRig(t, provider.Options{}, c.client, c.settings...)
			r.auto("approve", 0, "")
			r.faults(c.fault)
			r.checkOutcome(t, r.start("login", "--json", "alice"), c.want)
			if n := r.count("nonce"); n > 2 {
				t.Errorf("%d requests were turned away for a nonce", n)
			}
		})
	}
}

// TestBoundTokensAreUselessElsewhere sends the tokens of a kiosk to the API without the key or the certificate.
func TestBoundTokensAreUselessElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ client, setting string }{{"kiosk-tls", "KIOSK_DPOP=false"}, {"kiosk-jwt", proving}} {
		r := newSecureRig(t, provider.Options{}, c.client, c.setting)
		var tokens []string
		inner := r.tap.next
		r.tap.next = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/api/customer" { // before the kiosk itself gets its answer
				for _, scheme := range []string{"Bearer ", "DPoP "} {
					_, token, _ := strings.Cut(q.Header.Get("Authorization"), " ")
					stolen := httptest.NewRequest("GET", r.url+"/api/customer", nil)
					stolen.Header.Set("Authorization", scheme+token)
					answer := httptest.NewRecorder()
					inner.ServeHTTP(answer, stolen)
					tokens = append(tokens, scheme)
					if answer.Code != http.StatusUnauthorized {
						t.Errorf("%s: the stolen token opens the API as %s", c.client, scheme)
					}
				}
			}
			inner.ServeHTTP(w, q)
		})
		r.auto("approve", 0, "")
		if code := r.start("login", "--json", "alice").wait(); code != 0 || len(tokens) != 2 {
			t.Errorf("%s: exit code %d, %d tries", c.client, code, len(tokens))
		}
	}
}

func TestCertificateWithAnotherKey(t *testing.T) {
	t.Parallel()
	r := newSecureRig(t, provider.Options{}, "kiosk-tls")
	other, err := r.dev.Client("kiosk-self-signed")
	if err != nil {
		t.Fatal(err)
	}
	r.set("KIOSK_CLIENT_CERT_FILE=" + r.write("other.crt", string(other.Cert)))
	for _, verb := range [][]string{{"config", "check"}, {"login", "alice"}} {
		c := r.start(verb...)
		if code := c.wait(); code != 3 || !strings.Contains(c.err.text(), "does not match KIOSK_CLIENT_KEY_FILE") {
			t.Errorf("%v: exit code %d: %s%s", verb, code, c.out.text(), c.err.text())
		}
	}
	r.set("KIOSK_ISSUER=http://127.0.0.1:1")
	r.set("KIOSK_CLIENT_CERT_FILE=" + filepath.Join(r.dir, "client.crt"))
	if c := r.start("config", "check"); c.wait() != 3 || !strings.Contains(c.err.text(), "mutual TLS requires") {
		t.Errorf("without https: %s", c.err.text())
	}
}
