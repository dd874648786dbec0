package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/keeper"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// ward is a device that is well, with a server of its own, before something is broken.
type ward struct {
	t      *testing.T
	dev    *devserver.Server
	dir    string
	host   string // where the server listens
	tls    bool
	now    time.Time // of the server, when it is made; zero: now
	set    map[string]string
	o      DoctorOptions
	issuer func(url string) string // what is set, of where the server is
	after  func()                  // when all is made
	ca     string
}

func (w *ward) write(name, text string) string {
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// fault has the server misbehave for good.
func (w *ward) fault(at, kind, value string) {
	f := devserver.Fault{At: at, Kind: kind}
	if value != "" {
		f.Value = json.RawMessage(value)
	}
	if err := w.dev.SetFaults([]devserver.Fault{f}); err != nil {
		w.t.Fatal(err)
	}
}

// says has the server's metadata say something else.
func (w *ward) says(member, value string) {
	w.fault("discovery", "set", `{"`+member+`":`+value+`}`)
}

// stub is a server that has one answer.
func (w *ward) stub(status int) string {
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(status) }))
	w.t.Cleanup(s.Close)
	return s.URL
}

// silent is an address where nobody listens.
func (w *ward) silent() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// withKey makes a key, and a certificate that ends after some time.
func (w *ward) withKey(left time.Duration) (key, cert string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().Add(left), DNSNames: []string{"kiosk.example"}}
	public, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
	if err != nil {
		w.t.Fatal(err)
	}
	key = w.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
	return key, w.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})))
}

// admit makes the device of this case and gives what the doctor gets.
func admit(t *testing.T, shape, breaks func(*ward)) *ward {
	t.Helper()
	w := &ward{t: t, dir: t.TempDir(), host: "127.0.0.1", issuer: func(url string) string { return url }, after: func() {}}
	w.set = map[string]string{
		"KIOSK_CLIENT_ID": "kiosk-basic", "KIOSK_CLIENT_SECRET_FILE": w.write("secret", "development-only-basic-secret"),
		"KIOSK_SITE": "Shop", "KIOSK_API_URL": "", "STATE_DIRECTORY": filepath.Join(w.dir, "state"),
	}
	w.o = DoctorOptions{
		EnvFile: w.write("kiosk.env", "# nothing\n"), Terminal: "/dev/tty1", PanelHeight: 300, root: filepath.Join(w.dir, "root"),
		terminal: func(string) (screen, error) { return screen{columns: 80, rows: 24}, nil },
	}
	if shape != nil {
		shape(w)
	}
	w.serve()
	if breaks != nil {
		breaks(w)
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "KIOSK_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	for name, value := range w.set {
		t.Setenv(name, value)
	}
	w.o.Settings, w.o.Trouble = config.Load()
	w.after()
	return w
}

func (w *ward) serve() {
	t := w.t
	o := devserver.Options{Interval: 1}
	if !w.now.IsZero() {
		o.Now = func() time.Time { return w.now }
	}
	dev, err := devserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", w.host+":0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	if w.tls {
		conf, ca, err := dev.TLS()
		if err != nil {
			t.Fatal(err)
		}
		l = tls.NewListener(l, conf)
		url = "https" + strings.TrimPrefix(url, "http")
		w.ca = w.write("ca.pem", string(ca))
		w.set["KIOSK_CA_FILE"] = w.ca
	}
	if err := dev.SetIssuer(url); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: dev.Handler(), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(l)
	t.Cleanup(func() { dev.Close(); server.Close() })
	w.dev = dev
	w.set["KIOSK_ISSUER"] = w.issuer(url)
	w.set["KIOSK_API_URL"] = url + "/api/customer"
}

// TestDoctorNamesTheRoot breaks a device in one way after the other: the first line
// that is not well must be the root of it, and nothing else may be called a failure.
func TestDoctorNamesTheRoot(t *testing.T) {
	secure := func(w *ward) { w.tls = true }
	set := func(name, value string) func(*ward) { return func(w *ward) { w.set[name] = value } }
	cases := []struct {
		name   string
		shape  func(*ward) // before the server is made
		breaks func(*ward)
		check  string // the first line that is not well; empty: none
		warns  bool   // it is a warning
		words  string // in what it says
		cure   string // in its cure
		code   int
	}{
		{name: "nothing"},
		{name: "nothing, with TLS", shape: secure},
		{name: "not provisioned", breaks: func(w *ward) {
			w.set = map[string]string{"STATE_DIRECTORY": w.dir}
		}, check: "settings", words: "no client registration", cure: "kiosk provision", code: 4},
		{name: "an unknown setting", breaks: set("KIOSK_ISUER", "x"), check: "settings", words: "no such setting", cure: "KIOSK_ISSUER", code: 3},
		{name: "a bad value", breaks: set("KIOSK_IDLE_TIMEOUT", "60"), check: "settings", words: "KIOSK_IDLE_TIMEOUT", cure: "config check", code: 3},
		{name: "an unknown theme", breaks: set("KIOSK_THEME", "drak"), check: "settings", words: "KIOSK_THEME", cure: "dark", code: 3},
		{name: "a key file that others can read", breaks: func(w *ward) { os.Chmod(w.set["KIOSK_CLIENT_SECRET_FILE"], 0o644) },
			check: "settings", words: "others can read", cure: "chmod 600", code: 3},
		{name: "a key file that is none", breaks: func(w *ward) {
			w.set["KIOSK_CLIENT_ID"], w.set["KIOSK_CLIENT_KEY_FILE"] = "kiosk-jwt", w.write("key", "nonsense")
		}, check: "settings", words: "KIOSK_CLIENT_KEY_FILE", code: 3},
		{name: "a time before the program", breaks: func(w *ward) { w.o.wall = func() time.Time { return time.Unix(0, 0) } },
			check: "clock", words: "before this program", cure: "set the clock", code: 5},
		{name: "a time before the certificate", shape: secure, breaks: func(w *ward) {
			at := time.Now().AddDate(0, 0, -20)
			w.o.wall = func() time.Time { return at }
		}, check: "clock", words: "not valid yet", cure: "set the clock", code: 5},
		{name: "a time an hour ahead", breaks: func(w *ward) { w.o.wall = func() time.Time { return time.Now().Add(time.Hour) } },
			check: "clock", words: "off by", cure: "set the clock", code: 5},
		{name: "a time that the server mends", shape: secure, breaks: func(w *ward) { w.o.wall = func() time.Time { return time.Now().Add(time.Hour) } },
			check: "clock", warns: true, words: "off by"},
		{name: "a host that nobody knows", breaks: set("KIOSK_ISSUER", "https://no-such-host.invalid"), check: "dns", words: "no-such-host.invalid", code: 13},
		{name: "nobody listens", breaks: func(w *ward) { w.set["KIOSK_ISSUER"] = w.silent() }, check: "route", words: "refused", cure: "firewall", code: 13},
		{name: "another authority", shape: secure, breaks: func(w *ward) {
			_, w.set["KIOSK_CA_FILE"] = w.withKey(time.Hour)
		}, check: "tls", words: "unknown authority", cure: "KIOSK_CA_FILE", code: 13},
		{name: "a certificate that has expired", shape: func(w *ward) { w.tls, w.now = true, time.Now().AddDate(0, 0, -70) },
			check: "tls", words: "has expired", cure: "renewed", code: 13},
		{name: "a certificate that ends soon", shape: func(w *ward) { w.tls, w.now = true, time.Now().AddDate(0, 0, -50) },
			check: "tls", warns: true, words: "9 days", cure: "renewed"},
		{name: "a certificate for another name", shape: func(w *ward) { w.tls, w.host = true, "127.0.0.2" },
			check: "tls", words: "not for 127.0.0.2", cure: "KIOSK_ISSUER", code: 13},
		{name: "no TLS there", shape: func(w *ward) { w.issuer = func(url string) string { return "https" + strings.TrimPrefix(url, "http") } },
			check: "tls", words: "TLS", cure: "port", code: 13},
		{name: "another issuer", breaks: func(w *ward) { w.fault("discovery", "wrong_issuer", "") }, check: "discovery", words: "not the one in KIOSK_ISSUER", code: 3},
		{name: "a slash at the issuer's end", shape: func(w *ward) { w.issuer = func(url string) string { return url + "/" } },
			check: "discovery", words: "slash", cure: "slash", code: 3},
		{name: "no such issuer there", breaks: func(w *ward) { w.set["KIOSK_ISSUER"] += "/realms/other" }, check: "discovery", words: "404", code: 3},
		{name: "a server in trouble", breaks: func(w *ward) { w.fault("discovery", "server_error", "") }, check: "discovery", words: "500", code: 13},
		{name: "a page instead of a document", breaks: func(w *ward) { w.fault("discovery", "not_json", "") }, check: "discovery", code: 13},
		{name: "no CIBA", breaks: func(w *ward) { w.says("backchannel_authentication_endpoint", "null") }, check: "offers", words: "does not offer CIBA", cure: "switch CIBA on", code: 3},
		{name: "no poll mode", breaks: func(w *ward) { w.says("backchannel_token_delivery_modes_supported", `["ping"]`) },
			check: "offers", words: "not in poll mode", cure: "ping", code: 3},
		{name: "no ping mode", breaks: func(w *ward) {
			key, cert := w.withKey(time.Hour)
			w.set["KIOSK_DELIVERY"], w.set["KIOSK_PING_LISTEN"], w.set["KIOSK_PING_CERT_FILE"], w.set["KIOSK_PING_KEY_FILE"] = "ping", "127.0.0.1:0", cert, key
			w.says("backchannel_token_delivery_modes_supported", `["poll"]`)
		}, check: "offers", words: "not in ping mode", cure: "poll", code: 3},
		{name: "no grant", breaks: func(w *ward) { w.says("grant_types_supported", `["authorization_code"]`) }, check: "offers", words: "grant types", code: 3},
		{name: "another client authentication", breaks: func(w *ward) { w.says("token_endpoint_auth_methods_supported", `["private_key_jwt"]`) },
			check: "offers", words: "client_secret_basic", cure: "private_key_jwt", code: 3},
		{name: "no signed requests", breaks: func(w *ward) {
			w.set["KIOSK_CLIENT_KEY_FILE"], _ = w.withKey(time.Hour)
			w.set["KIOSK_CLIENT_AUTH"], w.set["KIOSK_SIGNED_REQUEST"] = "client_secret_basic", "true"
			w.says("backchannel_authentication_request_signing_alg_values_supported", "null")
		}, check: "offers", words: "no signed requests", cure: "KIOSK_SIGNED_REQUEST", code: 3},
		{name: "DPoP by another algorithm", breaks: func(w *ward) {
			w.set["KIOSK_DPOP"] = "true"
			w.says("dpop_signing_alg_values_supported", `["RS256"]`)
		}, check: "offers", words: "proofs of possession", cure: "KIOSK_DPOP", code: 3},
		{name: "no DPoP", breaks: func(w *ward) {
			w.set["KIOSK_DPOP"] = "true"
			w.says("dpop_signing_alg_values_supported", "null")
		}, check: "offers", warns: true, words: "DPoP", cure: "KIOSK_DPOP"},
		{name: "a client certificate that has expired", shape: secure, breaks: func(w *ward) {
			w.set["KIOSK_CLIENT_KEY_FILE"], w.set["KIOSK_CLIENT_CERT_FILE"] = w.withKey(-time.Hour)
			w.set["KIOSK_CLIENT_AUTH"] = "self_signed_tls_client_auth"
		}, check: "certificate", words: "expired on", cure: "KIOSK_CLIENT_CERT_FILE", code: 3},
		{name: "another client", breaks: set("KIOSK_CLIENT_ID", "kiosk-nobody"), check: "client", words: "invalid_client", cure: "KIOSK_CLIENT_ID", code: 3},
		{name: "another secret", breaks: func(w *ward) { w.write("secret", "canary-secret-of-mine") }, check: "client", words: "invalid_client", code: 3},
		{name: "another key", breaks: func(w *ward) {
			if _, err := w.dev.Client("kiosk-jwt"); err != nil {
				w.t.Fatal(err)
			}
			w.set["KIOSK_CLIENT_KEY_FILE"], _ = w.withKey(time.Hour)
			w.set["KIOSK_CLIENT_ID"] = "kiosk-jwt"
			delete(w.set, "KIOSK_CLIENT_SECRET_FILE")
		}, check: "client", words: "invalid_client", cure: "key", code: 3},
		{name: "a client that may not", breaks: func(w *ward) { w.fault("token", "error", `"unauthorized_client"`) }, check: "client", words: "not allowed", cure: "grant", code: 3},
		{name: "keys that are none", breaks: func(w *ward) { w.fault("jwks", "not_json", "") }, check: "keys", cure: "jwks_uri", code: 15},
		{name: "no keys", breaks: func(w *ward) { w.fault("jwks", "server_error", "") }, check: "keys", words: "500", code: 13},
		{name: "a scope that is not known", breaks: set("KIOSK_SCOPE", "openid profile parcels"), check: "scopes", words: "parcels", cure: "KIOSK_SCOPE", code: 3},
		{name: "a technician's scope that is not known", breaks: func(w *ward) {
			w.set["KIOSK_TECHNICIAN_CLAIM"], w.set["KIOSK_TECHNICIAN_SCOPE"] = "roles=tech", "openid staff"
		}, check: "scopes", warns: true, words: "staff", cure: "KIOSK_TECHNICIAN_SCOPE"},
		{name: "a binding message that is too long", breaks: set("KIOSK_BINDING_MESSAGE", "Welcome to our branch in the High Street: {code}"), check: "binding", warns: true, cure: "shorten"},
		{name: "no subject check", breaks: set("KIOSK_SUBJECT_CLAIM", "none"), check: "subject", warns: true, words: "whoever approves"},
		{name: "a lookup that is down", breaks: func(w *ward) { w.set["KIOSK_LOOKUP_URL"] = w.silent() }, check: "lookup", words: "refused", cure: "KIOSK_LOOKUP_URL", code: 13},
		{name: "a lookup in trouble", breaks: func(w *ward) { w.set["KIOSK_LOOKUP_URL"] = w.stub(503) }, check: "lookup", words: "503", code: 13},
		{name: "an API that is down", breaks: func(w *ward) { w.set["KIOSK_API_URL"] = w.silent() }, check: "api", words: "refused", cure: "KIOSK_API_URL", code: 18},
		{name: "an API in trouble", breaks: func(w *ward) { w.fault("api", "server_error", "") }, check: "api", words: "500", code: 18},
		{name: "an API elsewhere", breaks: func(w *ward) { w.set["KIOSK_API_URL"] = w.stub(404) }, check: "api", words: "404", cure: "KIOSK_API_URL", code: 18},
		{name: "an API for everybody", breaks: func(w *ward) { w.set["KIOSK_API_URL"] = w.stub(200) }, check: "api", warns: true, words: "without a token"},
		{name: "a full disk", breaks: func(w *ward) {
			w.o.disk = func(string) error { return errors.New("/x: 3 MiB are free, less than 16") }
		}, check: "disk", words: "3 MiB", cure: "make room", code: 1},
		{name: "a read-only state folder", breaks: func(w *ward) { w.o.readOnly = func(string) error { return syscall.EROFS } },
			check: "disk", words: "read-only", cure: "fstab", code: 1},
		{name: "a damaged store", breaks: func(w *ward) {
			w.after = func() {
				st, err := store.Open(store.Options{Dir: w.o.Settings.StateDir, Who: "test"})
				if err == nil {
					err = st.Close()
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(w.o.Settings.StateDir, "kiosk.db"), make([]byte, 64<<10), 0o600)
				}
				if err != nil {
					w.t.Fatal(err)
				}
			}
		}, check: "store", words: "damaged", cure: "start the kiosk", code: 1},
		{name: "a record that waits in memory", breaks: func(w *ward) {
			w.o.Status = func(context.Context) (status.Status, error) {
				return status.Status{State: status.Serving, Record: keeper.Condition{Why: "full", Held: 7}}, nil
			}
		}, check: "store", words: "full; 7 records", code: 1},
		{name: "settings that everybody can write", breaks: func(w *ward) { os.Chmod(w.o.EnvFile, 0o666) }, check: "credentials", warns: true, words: "open to others", cure: "chmod o-w"},
		{name: "a tiny terminal", breaks: func(w *ward) {
			w.o.terminal = func(string) (screen, error) { return screen{columns: 30, rows: 10}, nil }
		}, check: "terminal", words: "30x10", cure: "font", code: 3},
		{name: "a font without letters", breaks: func(w *ward) {
			w.o.terminal = func(string) (screen, error) {
				has := map[rune]bool{}
				for _, r := range font.Wanted {
					has[r] = r != 'ß' && r != '▀'
				}
				return screen{columns: 80, rows: 24, has: has}, nil
			}
		}, check: "glyphs", warns: true, words: "ß", cure: "KIOSK_FONT"},
		{name: "a QR code that does not fit", breaks: func(w *ward) {
			w.set["KIOSK_READY_LINK"] = "https://shop.example/" + strings.Repeat("x", 200)
		}, check: "qr", warns: true, words: "does not fit", cure: "shorten"},
		{name: "a QR code for ants", breaks: func(w *ward) {
			w.set["KIOSK_READY_LINK"], w.o.PanelHeight, w.o.Distance = "https://shop.example/", 40, 50
		}, check: "qr", warns: true, words: "mm wide"},
		{name: "letters for eagles", breaks: func(w *ward) { w.o.PanelHeight = 200 }, check: "letters", warns: true, words: "0.50 degrees at 600 mm", cure: "at most 17 rows"},
		{name: "a unit that is not enabled", breaks: func(w *ward) { w.unit("[Service]\nWatchdogSec=30\n", false) }, check: "units", warns: true, cure: "enable"},
		{name: "a unit without a watchdog", breaks: func(w *ward) { w.unit("[Service]\nWatchdogSec=0\n", true) }, check: "watchdog", warns: true, words: "hangs"},
		{name: "a weak power supply", breaks: func(w *ward) { w.file("sys/devices/platform/soc/fw/get_throttled", "1\n") }, check: "board", warns: true, words: "under-voltage"},
		{name: "a kiosk that sees more", breaks: func(w *ward) {
			w.o.Status = func(context.Context) (status.Status, error) {
				return status.Status{State: status.Serving, Record: keeper.Condition{Well: true}, Health: []health.Item{{Name: "guard", Cause: "somebody plays"}}}, nil
			}
		}, check: "resident", warns: true, words: "somebody plays"},
	}
	broken := 0
	for _, c := range cases {
		if c.check != "" {
			broken++
		}
		w := admit(t, c.shape, c.breaks)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := Doctor(t.Context(), w.o, nil)
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var first doctor.Line
			failures := 0
			for _, l := range r {
				if l.Result == doctor.Failed {
					failures++
				}
				bad := l.Result == doctor.Failed || l.Result == doctor.Warned
				if bad && first.Check == "" {
					first = l
				}
				if bad && (l.What == "" || l.Cure == "" || strings.Contains(l.What+l.Cure, "\n")) {
					t.Errorf("a line without a sentence or a cure: %+v", l)
				}
			}
			if first.Check != c.check || c.check != "" && c.warns != (first.Result == doctor.Warned) {
				t.Errorf("%q is called the root, want %q:\n%s", first.Check, c.check, text)
			}
			if want := map[bool]int{true: 1}[c.code != 0]; failures != want {
				t.Errorf("%d failures, want %d:\n%s", failures, want, text)
			}
			if !strings.Contains(first.What, c.words) || !strings.Contains(first.Cure, c.cure) {
				t.Errorf("%q, cure %q; want %q and %q", first.What, first.Cure, c.words, c.cure)
			}
			if code := r.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, secret := range []string{"development-only-basic-secret", "canary-secret-of-mine", "client_assertion", "BEGIN"} {
				if strings.Contains(string(text), secret) {
					t.Errorf("a secret is told: %s", text)
				}
			}
			for _, a := range w.dev.Requests() {
				if a.Kind == "bc" {
					t.Error("a phone rang")
				}
			}
		})
	}
	if broken < 30 {
		t.Errorf("only %d set-ups are broken", broken)
	}
}

func (w *ward) file(name, text string) {
	path := filepath.Join(w.o.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// unit installs a unit on a device with systemd.
func (w *ward) unit(text string, enabled bool) {
	w.file("run/systemd/system/x", "")
	w.file("usr/lib/systemd/system/kiosk.service", text)
	if enabled {
		w.file("etc/systemd/system/multi-user.target.wants/kiosk.service", text)
	}
}
