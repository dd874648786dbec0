package config

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// emptyEnv removes the settings and systemd's directories from the environment, until the test ends.
func emptyEnv(t *testing.T) {
	t.Helper()
	testkit.SetEnv(t)
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasSuffix(name, "_DIRECTORY") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	was := [2]string{credstore, encryptedCredstore}
	credstore, encryptedCredstore = t.TempDir(), t.TempDir()
	t.Cleanup(func() { credstore, encryptedCredstore = was[0], was[1] })
}

// secretFile writes a file of this mode and returns its path.
func secretFile(t *testing.T, name, contents string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// setRegistration sets the environment to a minimal registration.
func setRegistration(t *testing.T) {
	t.Helper()
	emptyEnv(t)
	t.Setenv("KIOSK_ISSUER", "https://id.example")
	t.Setenv("KIOSK_CLIENT_ID", "till-7")
	t.Setenv("KIOSK_CLIENT_KEY_FILE", secretFile(t, "key.pem", "the key\n", 0o600))
}

func problemsIn(t *testing.T, err error) Problems {
	t.Helper()
	var p Problems
	if err != nil && !errors.As(err, &p) {
		t.Fatalf("not a list of problems: %v", err)
	}
	return p
}

// problemOf returns the problem of a setting, or nil.
func problemOf(p Problems, setting string) *Problem {
	for i := range p {
		if p[i].Setting == setting {
			return &p[i]
		}
	}
	return nil
}

func rowOf(t *testing.T, s *Settings, name string) Row {
	t.Helper()
	for _, r := range s.Rows() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no row %s", name)
	return Row{}
}

func TestDefaults(t *testing.T) {
	was, rooted := packagedStateDir, isRoot
	t.Cleanup(func() { packagedStateDir, isRoot = was, rooted })
	packagedStateDir, isRoot = "/nowhere/kiosk", func() bool { return false }
	setRegistration(t)
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	key := os.Getenv("KIOSK_CLIENT_KEY_FILE")
	want := &Settings{
		Issuer: "https://id.example", ClientID: "till-7", ClientAuth: PrivateKeyJWT,
		ClientKey: File{Path: key, Data: kiosk.Secret("the key\n"), Origin: "environment"},
		Scope:     []string{"openid", "profile"}, BootstrapScope: []string{"openid"}, TechnicianScope: []string{"openid", "profile"}, Identifier: TextIdentifier, LoginHint: "{identifier}",
		IDTokenAlgs: []string{"PS256", "ES256", "EdDSA", "RS256"}, BindingMessage: "{code}", RequestedExpiry: 120 * time.Second, Delivery: "poll",
		Site: defaultSite(), Languages: []string{"en"}, Theme: "dark", Keypad: "auto", Touch: "auto",
		IdleTimeout: time.Minute, ResultTimeout: 30 * time.Second,
		StateDir: "./state", Socket: "state/kiosk.sock", Retention: 720 * time.Hour,
		StoreKey:    File{Path: "state/store.key", Origin: "derived"},
		GuardPerson: "3/10m", GuardDevice: "30/10m", LogLevel: slog.LevelInfo,
	}
	s.rows, s.named = nil, nil
	if d := cmp.Diff(want, s, cmp.AllowUnexported(Settings{})); d != "" {
		t.Error(d)
	}
	if got := s.SubjectClaims(); !cmp.Equal(got, []string{"preferred_username", "sub"}) {
		t.Errorf("subject claims %v", got)
	}
	if s.HasAPI() {
		t.Error("HasAPI without KIOSK_API_URL")
	}
}

func TestSettingsAcceptAndReject(t *testing.T) {
	long := strings.Repeat("x", 600)
	for _, c := range []struct {
		setting string
		good    []string
		bad     []string
	}{
		{"KIOSK_ISSUER", []string{"https://id.example/realms/shop", "http://127.0.0.1:8765", "http://localhost:1", "http://[::1]:8765/", " https://id.example "},
			[]string{"id.example", "http://id.example", "https://", "https://id.example?x=1", "https://id.example?", "https://id.example#", "https://u:p@id.example", "ftp://id.example", "https://id.example\x1b[2J", "https://id.example:", "https:id.example", "http://127.0.0.1.example"}},
		{"KIOSK_CLIENT_ID", []string{"till-7", "https://kiosk.example/till"}, []string{"till 7", "tïll", long}},
		{"KIOSK_CLIENT_AUTH", []string{"private_key_jwt"}, []string{"private_key", "none", "client_secret_basic", "client_secret_post"}},
		{"KIOSK_PROFILE", []string{"auth0", "node-oidc-provider"}, []string{"Auth0", "a b", "../x"}},
		{"KIOSK_SCOPE", []string{"openid", "profile openid email"}, []string{"profile", "openid \"x\"", "openid ä", `openid a\b`}},
		{"KIOSK_AUDIENCE", []string{"https://api.example"}, []string{long, "a\tb"}},
		{"KIOSK_RESOURCE", []string{"https://api.example/x", "urn:shop:api"}, []string{"api", "https://api.example/#x", "https://u@api.example"}},
		{"KIOSK_ACR_VALUES", []string{"urn:mfa loa2"}, []string{"ä"}},
		{"KIOSK_AUTHORIZATION_DETAILS", []string{`[{"type":"x"}]`, `[{"type":"x","long":"` + long + `"}]`}, []string{"{}", "[]", "x", `[{"type":"x"}`}},
		{"KIOSK_IDENTIFIER", []string{"text", "email", "phone", "number"}, []string{"Email", "mail"}},
		{"KIOSK_LOGIN_HINT", []string{"{identifier}", "iss_sub", "iss_sub:auth0|{identifier}", `{"iss":"{issuer}","sub":"{identifier}"}`},
			[]string{"alice", "{Identifier}", "{identifer}", "iss_sub:auth0|", "{issuer}", "{code}{identifier}", "{identifier"}},
		{"KIOSK_LOOKUP_URL", []string{"https://x.example/find?v=1"}, []string{"http://x.example", "x", "https://x.example/#a"}},
		{"KIOSK_SUBJECT_CLAIM", []string{"email", "none"}, []string{"e mail"}},
		{"KIOSK_BINDING_MESSAGE", []string{"{code}", "{site} {code}"}, []string{"hello", "{Code}", "{code} {shop}"}},
		{"KIOSK_REQUESTED_EXPIRY", []string{"1", "3600"}, []string{"0", "3601", "-1", "120s", "1.5", "99999999999999999999"}},
		{"KIOSK_DELIVERY", []string{"poll"}, []string{"push", "pull"}},
		{"KIOSK_PING_LISTEN", []string{"127.0.0.1:1", ":8443", "[::1]:0"}, []string{"127.0.0.1", "x:y:z", ":70000", "host:name"}},
		{"KIOSK_PING_CERT_FILE", nil, []string{"/x"}},
		{"KIOSK_PING_KEY_FILE", nil, []string{"/x"}},
		{"KIOSK_SIGNED_REQUEST", []string{"false", "0", "true", "1", "T"}, []string{"yes"}},
		{"KIOSK_DPOP", []string{"false", "true"}, []string{"on"}},
		{"KIOSK_DEVICE_CLIENT_ID", []string{"kiosk-device"}, []string{"kiosk device", long}},
		{"KIOSK_API_URL", []string{"https://api.example/me?fields=a", "http://127.0.0.1:1/x"}, []string{"http://api.example/me", "https://u:p@api.example"}},
		{"KIOSK_SITE", []string{"Shop 7, Köln"}, []string{"a\u202eb", "a\x00b", "\xff", long}},
		{"KIOSK_LANGUAGES", []string{"en", "de,en,fr-CA", "de, en"}, []string{"english", "en,,de", "EN", "en,en", "aa,ab,ac,ad,ae,af,ag,ah,ai,aj,ak,al,am,an,ao,ap,aq"}},
		{"KIOSK_THEME", []string{"light", "mono"}, []string{"Dark mode"}},
		{"KIOSK_READY_LINK", []string{"http://192.0.2.1:8765/phone", "https://shop.example"}, []string{"shop.example", "javascript:alert(1)", "https://u@shop.example", "https://shop.example/" + strings.Repeat("x", 300)}},
		{"KIOSK_IDLE_TIMEOUT", []string{"1s", "1h"}, []string{"60", "0s", "2h", "-5s"}},
		{"KIOSK_RESULT_TIMEOUT", []string{"1s", "5m"}, []string{"abc", "61m"}},
		{"KIOSK_STATE_DIR", []string{"/var/lib/x"}, []string{"a\x07"}},
		{"KIOSK_SOCKET", []string{"/run/x.sock"}, []string{"/run/" + strings.Repeat("x", 110)}},
		{"KIOSK_RETENTION", []string{"1h", "8760h"}, []string{"30d", "1m", "90000h"}},
		{"KIOSK_GUARD_PERSON", []string{"1/1s", "1000/24h"}, []string{"3", "0/10m", "3/10", "1001/1m", "3/25h", "-3/10m", "3/-10m", "3/10m/2"}},
		{"KIOSK_GUARD_DEVICE", []string{"30/10m"}, []string{"x/10m", "/"}},
		{"KIOSK_METRICS_LISTEN", []string{"127.0.0.1:9100", "[::1]:9100"}, []string{"0.0.0.0:9100", ":9100", "localhost:9100", "127.0.0.1", "192.0.2.1:9100"}},
		{"KIOSK_LOG_LEVEL", []string{"debug", "error"}, []string{"INFO", "trace", "info+1"}},
	} {
		t.Run(c.setting, func(t *testing.T) {
			for _, value := range c.good {
				setRegistration(t)
				t.Setenv(c.setting, value)
				s, err := Load()
				if err != nil {
					t.Errorf("%q refused: %v", value, err)
				}
				if r := rowOf(t, s, c.setting); r.Origin != "environment" {
					t.Errorf("%q: origin %q", value, r.Origin)
				}
			}
			for _, value := range c.bad {
				if strings.Contains(value, "\x00") {
					continue // cannot be in an environment
				}
				setRegistration(t)
				t.Setenv(c.setting, value)
				_, err := Load()
				p := problemOf(problemsIn(t, err), c.setting)
				if p == nil {
					// A method without its secret is reported as a problem of the secret.
					if strings.HasPrefix(value, "client_secret") && problemOf(problemsIn(t, err), "KIOSK_CLIENT_SECRET_FILE") != nil {
						continue
					}
					t.Errorf("%q accepted: %v", value, err)
					continue
				}
				if p.Cause == "" || p.Allowed == "" {
					t.Errorf("%q: the message does not help: %v", value, p)
				}
				if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' || r == '\u202e' }) {
					t.Errorf("%q: control character in the error", value)
				}
			}
		})
	}
}

func TestAllProblemsAreReported(t *testing.T) {
	setRegistration(t)
	t.Setenv("KIOSK_ISSUER", "http://shop.example")
	t.Setenv("KIOSK_CLIENT_ID", "a b")
	t.Setenv("KIOSK_IDLE_TIMEOUT", "60")
	t.Setenv("KIOSK_RESULT_TIMEOUT", "x")
	t.Setenv("KIOSK_THEMA", "dark")
	t.Setenv("KIOSK_DELIVERY", "pol")
	_, err := Load()
	var names []string
	for _, p := range problemsIn(t, err) {
		names = append(names, p.Setting)
	}
	want := []string{"KIOSK_ISSUER", "KIOSK_CLIENT_ID", "KIOSK_DELIVERY", "KIOSK_IDLE_TIMEOUT", "KIOSK_RESULT_TIMEOUT", "KIOSK_THEMA"}
	if d := cmp.Diff(want, names); d != "" {
		t.Fatal(d)
	}
	const text = `KIOSK_DELIVERY is "pol" (environment): unknown value; allowed: poll, ping; did you mean poll?`
	if !strings.Contains(err.Error(), text) {
		t.Errorf("no %q in\n%v", text, err)
	}
	if kiosk.ReasonOf(err) != kiosk.Misconfigured {
		t.Errorf("reason %v", kiosk.ReasonOf(err))
	}
	if errors.Is(err, ErrNotProvisioned) {
		t.Error("reported as not provisioned")
	}
}

func TestUnregisteredDeviceIsNotProvisioned(t *testing.T) {
	emptyEnv(t)
	s, err := Load()
	if s == nil || s.Theme != "dark" {
		t.Fatal("no settings with the error")
	}
	if !errors.Is(err, ErrNotProvisioned) || kiosk.ReasonOf(err) != kiosk.NotProvisioned {
		t.Fatalf("not reported as not provisioned: %v", err)
	}
	for _, p := range problemsIn(t, err) {
		if !p.Missing {
			t.Errorf("a problem besides the registration: %v", p)
		}
	}
	// An issuer alone is no client.
	t.Setenv("KIOSK_ISSUER", "https://id.example")
	if _, err := Load(); !errors.Is(err, ErrNotProvisioned) {
		t.Errorf("with an issuer: %v", err)
	}
	for _, c := range []struct{ setting, value string }{
		{"KIOSK_CLIENT_ID", "x"},
		{"KIOSK_CLIENT_SECRET_FILE", "/nowhere/at/all"},
	} {
		t.Run("only "+c.setting, func(t *testing.T) {
			emptyEnv(t)
			t.Setenv(c.setting, c.value)
			_, err := Load()
			if err == nil || errors.Is(err, ErrNotProvisioned) || kiosk.ReasonOf(err) != kiosk.Misconfigured {
				t.Errorf("a partial registration must be misconfigured, got %v", err)
			}
		})
	}
}

// An issuer alone is no registration: no client is on this device yet.
func TestIssuerAloneIsNotProvisioned(t *testing.T) {
	emptyEnv(t)
	t.Setenv("KIOSK_ISSUER", "https://id.example")
	if _, err := Load(); !errors.Is(err, ErrNotProvisioned) || kiosk.ReasonOf(err) != kiosk.NotProvisioned {
		t.Errorf("%v", err)
	}
}

// TestDefaultPaths: root, and a device with the package, use the package's paths, never the current directory's.
func TestDefaultPaths(t *testing.T) {
	was, dir, rooted := packagedStateDir, t.TempDir(), isRoot
	t.Cleanup(func() { packagedStateDir, isRoot = was, rooted })
	t.Chdir(dir)
	emptyEnv(t)
	if err := os.Mkdir("state", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("state/"+ProvisionedFile, []byte("KIOSK_SITE=foreign\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name            string
		packaged        string
		root            bool
		state, sock, at string
	}{
		{"developer", "/nowhere/kiosk", false, "./state", "state/kiosk.sock", "foreign"},
		{"root", "/nowhere/kiosk", true, "/nowhere/kiosk", "/run/kiosk/kiosk.sock", defaultSite()},
		{"device", dir, false, dir, "/run/kiosk/kiosk.sock", defaultSite()},
	} {
		packagedStateDir, isRoot = c.packaged, func() bool { return c.root }
		s, _ := Load()
		if s.StateDir != c.state || s.Socket != c.sock || s.Site != c.at {
			t.Errorf("%s: %s, %s, %s", c.name, s.StateDir, s.Socket, s.Site)
		}
		_ = os.Unsetenv("KIOSK_SITE")
	}
}

// A device that knows only its issuer and the technicians' client can register itself. With any other part of a
// registration, the missing parts are problems.
func TestIssuerAndBootstrapClientAreNoRegistration(t *testing.T) {
	emptyEnv(t)
	t.Setenv("KIOSK_ISSUER", "https://id.example")
	t.Setenv("KIOSK_BOOTSTRAP_CLIENT_ID", "technicians")
	if s, err := Load(); !errors.Is(err, ErrNotProvisioned) || s.BootstrapClientID != "technicians" {
		t.Errorf("%q, %v", s.BootstrapClientID, err)
	}
	t.Setenv("KIOSK_CLIENT_ID", "x")
	if _, err := Load(); errors.Is(err, ErrNotProvisioned) || kiosk.ReasonOf(err) != kiosk.Misconfigured {
		t.Errorf("a partial registration must be misconfigured, got %v", err)
	}
}

func TestEmptyVariableHasDefault(t *testing.T) {
	setRegistration(t)
	for _, d := range Doc() {
		if os.Getenv(d.Name) == "" {
			t.Setenv(d.Name, " ")
		}
	}
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if s.Theme != "dark" || s.IdleTimeout != time.Minute || len(s.Scope) != 2 {
		t.Errorf("defaults lost: %+v", s)
	}
	if r := rowOf(t, s, "KIOSK_THEME"); r.Origin != "default" || r.Value != "dark" {
		t.Errorf("row %+v", r)
	}
}

func TestUnprefixedNamesAreNotRead(t *testing.T) {
	setRegistration(t)
	for _, d := range Doc() {
		t.Setenv(strings.TrimPrefix(d.Name, prefix), "canary")
	}
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Rows() {
		if strings.Contains(r.Value, "canary") {
			t.Errorf("%s came from the unprefixed name", r.Name)
		}
	}
}

func TestUnknownSettingsGetSuggestions(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"KIOSK_ISUER", "KIOSK_ISSUER"},
		{"KIOSK_API_URI", "KIOSK_API_URL"},
		{"KIOSK_LANGUAGE", "KIOSK_LANGUAGES"},
		{"KIOSK_CLIENT_SECRET", "KIOSK_CLIENT_SECRET_FILE"},
		{"KIOSK_THEME_", "KIOSK_THEME"},
		{"KIOSK_HTEME", "KIOSK_THEME"},
		{"KIOSK_CLIENTID", "KIOSK_CLIENT_ID"},
	} {
		setRegistration(t)
		t.Setenv(c.given, "canary")
		_, err := Load()
		p := problemOf(problemsIn(t, err), c.given)
		if p == nil || p.Suggestion != c.want {
			t.Errorf("%s: %v", c.given, err)
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error contains the value", c.given)
		}
		os.Unsetenv(c.given)
	}
}

// Technicians are identified by the same claims as customers, and no scope of the API is requested for them.
func TestTechnicianScopes(t *testing.T) {
	for _, c := range []struct{ scope, own, want string }{
		{"", "", "openid profile"},
		{"parcels openid email offline_access phone", "", "openid email phone"},
		{"openid parcels", "openid roles", "openid roles"},
	} {
		setRegistration(t)
		t.Setenv("KIOSK_SCOPE", c.scope)
		t.Setenv("KIOSK_TECHNICIAN_SCOPE", c.own)
		s, err := Load()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.TechnicianScope, " "); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestSubjectClaims(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Settings
		want []string
	}{
		{"switched off", Settings{SubjectClaim: "none"}, nil},
		{"set", Settings{SubjectClaim: "upn", Identifier: EmailIdentifier}, []string{"upn"}},
		{"Auth0's JSON form", Settings{LoginHint: "iss_sub", Identifier: EmailIdentifier}, []string{"sub"}},
		{"lookup", Settings{LookupURL: mustURL(t, "https://x"), Identifier: PhoneIdentifier}, []string{"sub"}},
		{"email", Settings{Identifier: EmailIdentifier}, []string{"email"}},
		{"phone", Settings{Identifier: PhoneIdentifier}, []string{"phone_number"}},
		{"card number", Settings{Identifier: NumberIdentifier}, []string{"preferred_username", "sub"}},
	} {
		if d := cmp.Diff(c.want, c.s.SubjectClaims()); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	s := Settings{LoginHint: "iss_sub:auth0|{identifier}"}
	if sub, ok := s.IssSub(); !ok || sub != "auth0|{identifier}" {
		t.Errorf("pattern %q %v", sub, ok)
	}
}

func TestUnknownValue(t *testing.T) {
	setRegistration(t)
	t.Setenv("KIOSK_THEME", "drak")
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	got := s.UnknownValue("KIOSK_THEME", "drak", []string{"dark", "light"}).Error()
	const want = `KIOSK_THEME is "drak" (environment): unknown value; allowed: dark, light; did you mean dark?`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPingModeRequiresAddressAndCertificate(t *testing.T) {
	setRegistration(t)
	t.Setenv("KIOSK_DELIVERY", "ping")
	_, err := Load()
	for _, need := range []string{"KIOSK_PING_LISTEN", "KIOSK_PING_CERT_FILE", "KIOSK_PING_KEY_FILE"} {
		if p := problemOf(problemsIn(t, err), need); p == nil || !strings.Contains(p.Cause, "KIOSK_DELIVERY") {
			t.Errorf("%s: %v", need, p)
		}
	}
	file := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KIOSK_PING_LISTEN", ":8443")
	t.Setenv("KIOSK_PING_CERT_FILE", file)
	t.Setenv("KIOSK_PING_KEY_FILE", file)
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if s.Delivery != "ping" || s.PingListen != ":8443" || !s.PingCert.IsSet() || !s.PingKey.IsSet() {
		t.Errorf("%+v", s)
	}
}
