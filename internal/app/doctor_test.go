package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/journal"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
)

// patient is a working device with a server of its own, in which a test breaks something.
type patient struct {
	t      *testing.T
	dev    *provider.Server
	dir    string
	host   string // address of the server
	tls    bool
	now    time.Time // when the server was made; zero: now
	set    map[string]string
	o      doctor.Options
	issuer func(url string) string // KIOSK_ISSUER for a server at url
	after  func()                  // called after the settings are loaded
	ca     string
}

func (w *patient) write(name, text string) string {
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// fault makes the server misbehave from now on.
func (w *patient) fault(at, kind, value string) {
	f := faults.Fault{At: at, Kind: kind}
	if value != "" {
		f.Value = json.RawMessage(value)
	}
	if err := w.dev.SetFaults([]faults.Fault{f}); err != nil {
		w.t.Fatal(err)
	}
}

// setMetadata changes a member of the server's metadata.
func (w *patient) setMetadata(member, value string) {
	w.fault("discovery", "set", `{"`+member+`":`+value+`}`)
}

// stub returns the address of a server that always answers with status.
func (w *patient) stub(status int) string {
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(status) }))
	w.t.Cleanup(s.Close)
	return s.URL
}

// closedPort returns an address at which nothing listens.
func (w *patient) closedPort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// newKey writes a key, and a certificate that expires after left.
func (w *patient) newKey(left time.Duration) (key, cert string) {
	keyPEM, certPEM := testkit.Certificate(w.t, left)
	return w.write("key.pem", string(keyPEM)), w.write("cert.pem", string(certPEM))
}

// newPatient returns a device, shaped by shape before its server starts and broken by breaks afterwards.
func newPatient(t *testing.T, shape, breaks func(*patient)) *patient {
	t.Helper()
	w := &patient{t: t, dir: t.TempDir(), host: "127.0.0.1", issuer: func(url string) string { return url }, after: func() {}}
	w.set = map[string]string{
		"KIOSK_CLIENT_ID": "kiosk-basic", "KIOSK_CLIENT_SECRET_FILE": w.write("secret", "development-only-basic-secret"),
		"KIOSK_SITE": "Shop", "KIOSK_API_URL": "", "STATE_DIRECTORY": filepath.Join(w.dir, "state"),
	}
	w.o = doctor.Options{
		EnvFile: w.write("kiosk.env", "# nothing\n"), Terminal: "/dev/tty1", PanelHeight: 300, Machine: doctor.Machine{
			Root:         filepath.Join(w.dir, "root"),
			ReadTerminal: func(string) (font.Terminal, error) { return font.Terminal{Columns: 80, Rows: 24}, nil },
		},
	}
	if shape != nil {
		shape(w)
	}
	w.serve()
	if breaks != nil {
		breaks(w)
	}
	var env []string
	for name, value := range w.set {
		env = append(env, name, value)
	}
	testkit.SetEnv(t, env...)
	w.o.Settings, w.o.LoadErr = config.Load()
	w.after()
	return w
}

// running is the answer of a healthy kiosk.
func running(context.Context) (status.Status, error) {
	return status.Status{State: status.Serving, Record: journal.Condition{Healthy: true}}, nil
}

// stopped installs a unit that systemd describes by s.
func (w *patient) stopped(s host.UnitState) {
	w.unit("[Service]\nWatchdogSec=30\n", true)
	w.o.Machine.UnitState = func(context.Context, string) (host.UnitState, error) { return s, nil }
}

// ownedBy gives the device's files to the user as whom the kiosk runs.
func (w *patient) ownedBy(uid int) {
	w.t.Helper()
	state := w.set["STATE_DIRECTORY"]
	if err := os.MkdirAll(state, 0o700); err != nil {
		w.t.Fatal(err)
	}
	for _, path := range []string{state, w.dir, w.set["KIOSK_CLIENT_SECRET_FILE"]} {
		if err := os.Chown(path, uid, uid); err != nil {
			w.t.Fatal(err)
		}
	}
	for dir := w.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *patient) serve() {
	t := w.t
	o := provider.Options{Interval: 1}
	if !w.now.IsZero() {
		o.Now = func() time.Time { return w.now }
	}
	dev, err := provider.New(o)
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

// TestDoctorFindsRootCause breaks a device in many ways. The first failure or warning must be the root cause, and nothing
// else may be called a failure.
func TestDoctorFindsRootCause(t *testing.T) {
	secure := func(w *patient) { w.tls = true }
	set := func(name, value string) func(*patient) { return func(w *patient) { w.set[name] = value } }
	cases := []struct {
		name   string
		shape  func(*patient) // called before the server starts
		breaks func(*patient)
		root   string // check of the first failure or warning; empty: none
		warns  bool   // it is a warning
		words  string // in its text
		fix    string // in its fix
		code   int
		asRoot bool // needs root
	}{
		{name: "nothing broken"},
		{name: "nothing broken, with TLS", shape: secure},
		{name: "not provisioned", breaks: func(w *patient) {
			w.set = map[string]string{"STATE_DIRECTORY": w.dir}
		}, root: "settings", words: "no client registration", fix: "kiosk provision", code: 4},
		{name: "an unknown setting", breaks: set("KIOSK_ISUER", "x"), root: "settings", words: "no such setting", fix: "KIOSK_ISSUER", code: 3},
		{name: "a bad value", breaks: set("KIOSK_IDLE_TIMEOUT", "60"), root: "settings", words: "KIOSK_IDLE_TIMEOUT", fix: "config check", code: 3},
		{name: "an unknown theme", breaks: set("KIOSK_THEME", "drak"), root: "settings", words: "KIOSK_THEME", fix: "dark", code: 3},
		{name: "a key file readable by others", breaks: func(w *patient) { os.Chmod(w.set["KIOSK_CLIENT_SECRET_FILE"], 0o644) },
			root: "settings", words: "others can read", fix: "chmod 600", code: 3},
		{name: "a key file without a key", breaks: func(w *patient) {
			w.set["KIOSK_CLIENT_ID"], w.set["KIOSK_CLIENT_KEY_FILE"] = "kiosk-jwt", w.write("key", "nonsense")
		}, root: "settings", words: "KIOSK_CLIENT_KEY_FILE", code: 3},
		{name: "clock before the build date", breaks: func(w *patient) { w.o.Machine.Wall = func() time.Time { return time.Unix(0, 0) } },
			root: "clock", words: "before this program", fix: "set the clock", code: 5},
		{name: "clock before the certificate's validity", shape: secure, breaks: func(w *patient) {
			at := time.Now().AddDate(0, 0, -20)
			w.o.Machine.Wall = func() time.Time { return at }
		}, root: "clock", words: "not valid yet", fix: "set the clock", code: 5},
		{name: "clock an hour fast", breaks: func(w *patient) { w.o.Machine.Wall = func() time.Time { return time.Now().Add(time.Hour) } },
			root: "clock", words: "off by", fix: "set the clock", code: 5},
		{name: "clock an hour fast, corrected by the server's date", shape: secure, breaks: func(w *patient) { w.o.Machine.Wall = func() time.Time { return time.Now().Add(time.Hour) } },
			root: "clock", warns: true, words: "off by"},
		{name: "unknown host name", breaks: set("KIOSK_ISSUER", "https://no-such-host.invalid"), root: "dns", words: "no-such-host.invalid", code: 13},
		{name: "nothing listens at the port", breaks: func(w *patient) { w.set["KIOSK_ISSUER"] = w.closedPort() }, root: "route", words: "refused", fix: "firewall", code: 13},
		{name: "certificate from an unknown authority", shape: secure, breaks: func(w *patient) {
			_, w.set["KIOSK_CA_FILE"] = w.newKey(time.Hour)
		}, root: "tls", words: "unknown authority", fix: "KIOSK_CA_FILE", code: 13},
		{name: "expired server certificate", shape: func(w *patient) { w.tls, w.now = true, time.Now().AddDate(0, 0, -70) },
			root: "tls", words: "has expired", fix: "renewed", code: 13},
		{name: "server certificate expires soon", shape: func(w *patient) { w.tls, w.now = true, time.Now().AddDate(0, 0, -50) },
			root: "tls", warns: true, words: "9 days", fix: "renew"},
		{name: "server certificate for another name", shape: func(w *patient) { w.tls, w.host = true, "127.0.0.2" },
			root: "tls", words: "not for 127.0.0.2", fix: "KIOSK_ISSUER", code: 13},
		{name: "no TLS at the port", shape: func(w *patient) {
			w.issuer = func(url string) string { return "https" + strings.TrimPrefix(url, "http") }
		},
			root: "tls", words: "TLS", fix: "port", code: 13},
		{name: "wrong issuer in the metadata", breaks: func(w *patient) { w.fault("discovery", "wrong_issuer", "") }, root: "discovery", words: "not the one in KIOSK_ISSUER", code: 3},
		{name: "extra slash in KIOSK_ISSUER", shape: func(w *patient) { w.issuer = func(url string) string { return url + "/" } },
			root: "discovery", words: "slash", fix: "slash", code: 3},
		{name: "no metadata at the issuer", breaks: func(w *patient) { w.set["KIOSK_ISSUER"] += "/realms/other" }, root: "discovery", words: "404", code: 3},
		{name: "discovery answers 500", breaks: func(w *patient) { w.fault("discovery", "server_error", "") }, root: "discovery", words: "500", code: 13},
		{name: "discovery answers HTML", breaks: func(w *patient) { w.fault("discovery", "not_json", "") }, root: "discovery", code: 13},
		{name: "no CIBA", breaks: func(w *patient) { w.setMetadata("backchannel_authentication_endpoint", "null") }, root: "offers", words: "publishes no backchannel_authentication_endpoint", fix: "enable CIBA", code: 3},
		{name: "no poll mode", breaks: func(w *patient) { w.setMetadata("backchannel_token_delivery_modes_supported", `["ping"]`) },
			root: "offers", words: "does not support poll mode", fix: "ping", code: 3},
		{name: "no ping mode", breaks: func(w *patient) {
			key, cert := w.newKey(time.Hour)
			w.set["KIOSK_DELIVERY"], w.set["KIOSK_PING_LISTEN"], w.set["KIOSK_PING_CERT_FILE"], w.set["KIOSK_PING_KEY_FILE"] = "ping", "127.0.0.1:0", cert, key
			w.setMetadata("backchannel_token_delivery_modes_supported", `["poll"]`)
		}, root: "offers", words: "does not support ping mode", fix: "poll", code: 3},
		{name: "CIBA grant not listed", breaks: func(w *patient) { w.setMetadata("grant_types_supported", `["authorization_code"]`) }, root: "offers", words: "grant types", code: 3},
		{name: "client authentication method not supported", breaks: func(w *patient) { w.setMetadata("token_endpoint_auth_methods_supported", `["private_key_jwt"]`) },
			root: "offers", words: "client_secret_basic", fix: "private_key_jwt", code: 3},
		{name: "no signed requests", breaks: func(w *patient) {
			w.set["KIOSK_CLIENT_KEY_FILE"], _ = w.newKey(time.Hour)
			w.set["KIOSK_CLIENT_AUTH"], w.set["KIOSK_SIGNED_REQUEST"] = "client_secret_basic", "true"
			w.setMetadata("backchannel_authentication_request_signing_alg_values_supported", "null")
		}, root: "offers", words: "no signed requests", fix: "KIOSK_SIGNED_REQUEST", code: 3},
		{name: "DPoP with other algorithms only", breaks: func(w *patient) {
			w.set["KIOSK_DPOP"] = "true"
			w.setMetadata("dpop_signing_alg_values_supported", `["RS256"]`)
		}, root: "offers", words: "DPoP proofs", fix: "KIOSK_DPOP", code: 3},
		{name: "no DPoP", breaks: func(w *patient) {
			w.set["KIOSK_DPOP"] = "true"
			w.setMetadata("dpop_signing_alg_values_supported", "null")
		}, root: "offers", warns: true, words: "DPoP", fix: "KIOSK_DPOP"},
		{name: "expired client certificate", shape: secure, breaks: func(w *patient) {
			w.set["KIOSK_CLIENT_KEY_FILE"], w.set["KIOSK_CLIENT_CERT_FILE"] = w.newKey(-time.Hour)
			w.set["KIOSK_CLIENT_AUTH"] = "self_signed_tls_client_auth"
		}, root: "certificate", words: "expired on", fix: "KIOSK_CLIENT_CERT_FILE", code: 3},
		{name: "unknown client", breaks: set("KIOSK_CLIENT_ID", "kiosk-nobody"), root: "client", words: "invalid_client", fix: "KIOSK_CLIENT_ID", code: 3},
		{name: "wrong client secret", breaks: func(w *patient) { w.write("secret", "canary-secret-of-mine") }, root: "client", words: "invalid_client", code: 3},
		{name: "wrong client key", breaks: func(w *patient) {
			if _, err := w.dev.Client("kiosk-jwt"); err != nil {
				w.t.Fatal(err)
			}
			w.set["KIOSK_CLIENT_KEY_FILE"], _ = w.newKey(time.Hour)
			w.set["KIOSK_CLIENT_ID"] = "kiosk-jwt"
			delete(w.set, "KIOSK_CLIENT_SECRET_FILE")
		}, root: "client", words: "invalid_client", fix: "key", code: 3},
		{name: "client without the CIBA grant", breaks: func(w *patient) { w.fault("token", "error", `"unauthorized_client"`) }, root: "client", words: "may not use CIBA", fix: "grant", code: 3},
		{name: "client whose requests are refused", breaks: func(w *patient) { w.fault("bc", "error", `"unauthorized_client"`) }, root: "grant", words: "unauthorized_client", fix: "allow the grant", code: 3},
		{name: "scope refused to the client", breaks: func(w *patient) { w.fault("bc", "error", `"invalid_scope"`) }, root: "grant", words: "invalid_scope", fix: "KIOSK_SCOPE", code: 3},
		{name: "device client that is none", breaks: set("KIOSK_DEVICE_CLIENT_ID", "kiosk-nobody"), root: "device", words: "invalid_client", fix: "KIOSK_DEVICE_CLIENT_ID", code: 3},
		{name: "keys not JSON", breaks: func(w *patient) { w.fault("jwks", "not_json", "") }, root: "keys", fix: "jwks_uri", code: 15},
		{name: "keys answer 500", breaks: func(w *patient) { w.fault("jwks", "server_error", "") }, root: "keys", words: "500", code: 13},
		{name: "unknown scope", breaks: set("KIOSK_SCOPE", "openid profile parcels"), root: "scopes", words: "parcels", fix: "KIOSK_SCOPE", code: 3},
		{name: "unknown technician scope", breaks: func(w *patient) {
			w.set["KIOSK_TECHNICIAN_CLAIM"], w.set["KIOSK_TECHNICIAN_SCOPE"] = "roles=tech", "openid staff"
		}, root: "scopes", warns: true, words: "staff", fix: "KIOSK_TECHNICIAN_SCOPE"},
		{name: "binding message too long", breaks: set("KIOSK_BINDING_MESSAGE", "Welcome to our branch in the High Street: {code}"), root: "binding", warns: true, fix: "shorten"},
		{name: "no subject check", breaks: set("KIOSK_SUBJECT_CLAIM", "none"), root: "subject", warns: true, words: "does not check who approves"},
		{name: "lookup service down", breaks: func(w *patient) { w.set["KIOSK_LOOKUP_URL"] = w.closedPort() }, root: "lookup", words: "refused", fix: "KIOSK_LOOKUP_URL", code: 13},
		{name: "lookup service answers 503", breaks: func(w *patient) { w.set["KIOSK_LOOKUP_URL"] = w.stub(503) }, root: "lookup", words: "503", code: 13},
		{name: "API down", breaks: func(w *patient) { w.set["KIOSK_API_URL"] = w.closedPort() }, root: "api", words: "refused", fix: "KIOSK_API_URL", code: 18},
		{name: "API answers 500", breaks: func(w *patient) { w.fault("api", "server_error", "") }, root: "api", words: "500", code: 18},
		{name: "API answers 404", breaks: func(w *patient) { w.set["KIOSK_API_URL"] = w.stub(404) }, root: "api", words: "404", fix: "KIOSK_API_URL", code: 18},
		{name: "API requires no token", breaks: func(w *patient) { w.set["KIOSK_API_URL"] = w.stub(200) }, root: "api", warns: true, words: "without a token"},
		{name: "full disk", breaks: func(w *patient) {
			w.o.Machine.Disk = func(string) error { return errors.New("/x: 3 MiB are free, less than 16") }
		}, root: "disk", words: "3 MiB", fix: "make room", code: 1},
		{name: "read-only state folder", breaks: func(w *patient) { w.o.Machine.Writable = func(string) error { return syscall.EROFS } },
			root: "disk", words: "read-only", fix: "fstab", code: 1},
		{name: "damaged store", breaks: func(w *patient) {
			w.after = func() {
				st, err := store.Open(store.Options{Dir: w.o.Settings.StateDir, Process: "test"})
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
		}, root: "store", words: "damaged", fix: "start the kiosk", code: 1},
		{name: "records waiting in memory", breaks: func(w *patient) {
			w.o.Status = func(context.Context) (status.Status, error) {
				return status.Status{State: status.Serving, Record: journal.Condition{Cause: "full", Waiting: 7}}, nil
			}
		}, root: "store", words: "full; 7 records", code: 1},
		{name: "settings writable by others", breaks: func(w *patient) { os.Chmod(w.o.EnvFile, 0o666) }, root: "credentials", warns: true, words: "accessible to other users", fix: "chmod o-w"},
		{name: "terminal too small", breaks: func(w *patient) {
			w.o.Machine.ReadTerminal = func(string) (font.Terminal, error) { return font.Terminal{Columns: 30, Rows: 10}, nil }
		}, root: "terminal", words: "30x10", fix: "font", code: 3},
		{name: "font lacks characters", breaks: func(w *patient) {
			w.o.Machine.ReadTerminal = func(string) (font.Terminal, error) {
				has := map[rune]bool{}
				for _, r := range font.RequiredCharacters {
					has[r] = r != 'ß' && r != '▀'
				}
				return font.Terminal{Columns: 80, Rows: 24, Characters: has}, nil
			}
		}, root: "glyphs", warns: true, words: "ß", fix: "KIOSK_FONT"},
		{name: "QR code does not fit", breaks: func(w *patient) {
			w.set["KIOSK_READY_LINK"] = "https://shop.example/" + strings.Repeat("x", 200)
		}, root: "qr", warns: true, words: "does not fit", fix: "shorten"},
		{name: "QR code too small to scan", breaks: func(w *patient) {
			w.set["KIOSK_READY_LINK"], w.o.PanelHeight, w.o.Distance = "https://shop.example/", 40, 50
		}, root: "qr", warns: true, words: "mm wide"},
		{name: "letters too small to read", breaks: func(w *patient) { w.o.PanelHeight = 200 }, root: "letters", warns: true, words: "0.50 degrees at 600 mm", fix: "at most 17 rows"},
		{name: "unit not enabled", breaks: func(w *patient) { w.unit("[Service]\nWatchdogSec=30\n", false); w.o.Status = running }, root: "units", warns: true, fix: "enable"},
		{name: "unit without watchdog", breaks: func(w *patient) { w.unit("[Service]\nWatchdogSec=0\n", true); w.o.Status = running }, root: "watchdog", warns: true, words: "hangs"},
		{name: "unit failed", breaks: func(w *patient) {
			w.stopped(host.UnitState{Active: "failed", Sub: "failed", Result: "exit-code", Exited: true, Status: 3, Restarts: 2, LastText: "KIOSK_THEME: unknown value"})
		}, root: "resident", words: "kiosk.service ended with exit code 3 (misconfigured), after 2 restarts; it reported: KIOSK_THEME: unknown value", fix: "systemctl restart", code: 3},
		{name: "unit killed", breaks: func(w *patient) {
			w.stopped(host.UnitState{Active: "activating", Sub: "auto-restart", Result: "watchdog", Status: 6})
		}, root: "resident", words: "ended by signal 6 (watchdog)", fix: "journalctl -u kiosk.service", code: 1},
		{name: "unit stopped", breaks: func(w *patient) { w.stopped(host.UnitState{Active: "inactive", Sub: "dead", Result: "success"}) },
			root: "resident", words: "is stopped", fix: "systemctl start", code: 1},
		{name: "secret of root", breaks: func(w *patient) { w.ownedBy(54321); os.Chown(w.set["KIOSK_CLIENT_SECRET_FILE"], 0, 0) },
			root: "settings", words: "user 54321, who cannot read this file: permission denied", fix: "sudo chown 54321: ", code: 3, asRoot: true},
		{name: "all files of the kiosk's user", breaks: func(w *patient) { w.ownedBy(54321) }, asRoot: true},
		{name: "record of root", breaks: func(w *patient) {
			w.ownedBy(54321)
			w.after = func() {
				if err := os.WriteFile(filepath.Join(w.o.Settings.StateDir, "kiosk.db"), nil, 0o600); err != nil {
					w.t.Fatal(err)
				}
			}
		}, root: "store", words: "does not belong to the kiosk's user 54321", fix: "chown 54321:", code: 1, asRoot: true},
		{name: "weak power supply", breaks: func(w *patient) { w.file("sys/devices/platform/soc/fw/get_throttled", "1\n") }, root: "board", warns: true, words: "under-voltage"},
		{name: "running kiosk reports a problem", breaks: func(w *patient) {
			w.o.Status = func(context.Context) (status.Status, error) {
				return status.Status{State: status.Serving, Record: journal.Condition{Healthy: true}, Health: []health.Item{{Name: "guard", Cause: "too many requests"}}}, nil
			}
		}, root: "resident", warns: true, words: "too many requests"},
	}
	broken := 0
	for _, c := range cases {
		if c.root != "" {
			broken++
		}
		if c.asRoot && os.Geteuid() != 0 {
			continue // only root can examine the device as another user
		}
		w := newPatient(t, c.shape, c.breaks)
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
				if l.Result == check.Failed {
					failures++
				}
				bad := l.Result == check.Failed || l.Result == check.Warning
				if bad && first.Check == "" {
					first = l
				}
				if bad && (l.Text == "" || l.Fix == "" || strings.Contains(l.Text+l.Fix, "\n")) {
					t.Errorf("line without text or fix: %+v", l)
				}
			}
			if first.Check != c.root || c.root != "" && c.warns != (first.Result == check.Warning) {
				t.Errorf("root cause %q, want %q:\n%s", first.Check, c.root, text)
			}
			if want := map[bool]int{true: 1}[c.code != 0]; failures != want {
				t.Errorf("%d failures, want %d:\n%s", failures, want, text)
			}
			if !strings.Contains(first.Text, c.words) || !strings.Contains(first.Fix, c.fix) {
				t.Errorf("text %q, fix %q; want %q and %q", first.Text, first.Fix, c.words, c.fix)
			}
			if code := r.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, secret := range []string{"development-only-basic-secret", "canary-secret-of-mine", "client_assertion", "BEGIN"} {
				if strings.Contains(string(text), secret) {
					t.Errorf("secret in the report: %s", text)
				}
			}
			for _, a := range w.dev.Requests() {
				if a.Kind == "bc" {
					t.Error("the doctor rang a phone")
				}
			}
		})
	}
	if broken < 30 {
		t.Errorf("only %d broken devices", broken)
	}
}

func (w *patient) file(name, text string) {
	path := filepath.Join(w.o.Machine.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// unit installs kiosk.service on a device with systemd.
func (w *patient) unit(text string, enabled bool) {
	w.file("run/systemd/system/x", "")
	w.file("usr/lib/systemd/system/kiosk.service", text)
	if enabled {
		w.file("etc/systemd/system/multi-user.target.wants/kiosk.service", text)
	}
}
