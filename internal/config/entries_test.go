package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kelseyhightower/envconfig"
)

// wantSettings are the names, defaults and credentials that people and scripts depend on.
var wantSettings = []Setting{
	{Name: "KIOSK_ISSUER"},
	{Name: "KIOSK_CLIENT_ID"},
	{Name: "KIOSK_CLIENT_AUTH", Derived: "private_key_jwt if there is a key, else client_secret_basic"},
	{Name: "KIOSK_CLIENT_SECRET_FILE", Credential: "client-secret"},
	{Name: "KIOSK_CLIENT_KEY_FILE", Credential: "client-key"},
	{Name: "KIOSK_CLIENT_KEY_ID", Derived: "kid of the JWK, else the key's thumbprint (RFC 7638)"},
	{Name: "KIOSK_CLIENT_CERT_KEY_FILE", Derived: "KIOSK_CLIENT_KEY_FILE", Credential: "client-cert-key"},
	{Name: "KIOSK_CLIENT_CERT_FILE", Credential: "client-cert"},
	{Name: "KIOSK_CA_FILE", Derived: "system roots"},
	{Name: "KIOSK_PROFILE", Derived: "by discovery, else generic"},
	{Name: "KIOSK_SCOPE", Default: "openid profile"},
	{Name: "KIOSK_AUDIENCE"},
	{Name: "KIOSK_RESOURCE"},
	{Name: "KIOSK_ACR_VALUES"},
	{Name: "KIOSK_AUTHORIZATION_DETAILS"},
	{Name: "KIOSK_IDENTIFIER", Default: "text"},
	{Name: "KIOSK_IDENTIFY", Default: "any"},
	{Name: "KIOSK_LOGIN_HINT", Default: "{identifier}"},
	{Name: "KIOSK_LOOKUP_URL"},
	{Name: "KIOSK_SUBJECT_CLAIM", Derived: "sub for iss_sub or a lookup; email or phone_number for those identifiers; else preferred_username or sub, whichever equals the hint"},
	{Name: "KIOSK_BINDING_MESSAGE", Default: "{code}"},
	{Name: "KIOSK_REQUESTED_EXPIRY", Default: "120"},
	{Name: "KIOSK_DELIVERY", Default: "poll"},
	{Name: "KIOSK_PING_LISTEN"},
	{Name: "KIOSK_PING_CERT_FILE"},
	{Name: "KIOSK_PING_KEY_FILE"},
	{Name: "KIOSK_SIGNED_REQUEST", Default: "false"},
	{Name: "KIOSK_DPOP", Default: "false"},
	{Name: "KIOSK_ID_TOKEN_ALGS", Default: "PS256 ES256 EdDSA RS256"},
	{Name: "KIOSK_DEVICE_CLIENT_ID"},
	{Name: "KIOSK_BOOTSTRAP_CLIENT_ID"},
	{Name: "KIOSK_BOOTSTRAP_SCOPE", Default: "openid"},
	{Name: "KIOSK_TECHNICIAN_CLAIM"},
	{Name: "KIOSK_TECHNICIAN_SCOPE", Derived: "the scopes in KIOSK_SCOPE that request claims: openid, profile, email, phone, address"},
	{Name: "KIOSK_API_URL"},
	{Name: "KIOSK_RESULT_LAYOUT", Derived: "built in"},
	{Name: "KIOSK_SITE", Derived: "host name"},
	{Name: "KIOSK_OPEN", Derived: "always"},
	{Name: "KIOSK_LANGUAGES", Default: "en"},
	{Name: "KIOSK_THEME", Default: "dark"},
	{Name: "KIOSK_LOGO"},
	{Name: "KIOSK_WELCOME"},
	{Name: "KIOSK_ACCENT", Derived: "the theme's"},
	{Name: "KIOSK_KEYPAD", Default: "auto"},
	{Name: "KIOSK_TOUCH", Default: "auto"},
	{Name: "KIOSK_FONT", Derived: "a complete font if the present one is not"},
	{Name: "KIOSK_BLANK_AFTER"},
	{Name: "KIOSK_SOUND", Default: "false"},
	{Name: "KIOSK_MIRROR"},
	{Name: "KIOSK_READY_LINK"},
	{Name: "KIOSK_IDLE_TIMEOUT", Default: "60s"},
	{Name: "KIOSK_RESULT_TIMEOUT", Default: "30s"},
	{Name: "KIOSK_STATE_DIR", Derived: "/var/lib/kiosk for root and where the package is installed, else ./state"},
	{Name: "KIOSK_SOCKET", Derived: "$RUNTIME_DIRECTORY/kiosk.sock, else /run/kiosk/kiosk.sock with /var/lib/kiosk, else in the state directory"},
	{Name: "KIOSK_RETENTION", Default: "720h"},
	{Name: "KIOSK_STORE_KEY_FILE", Derived: "store.key in the state directory, made on first start", Credential: "store-key"},
	{Name: "KIOSK_GUARD_PERSON", Default: "3/10m"},
	{Name: "KIOSK_GUARD_DEVICE", Default: "30/10m"},
	{Name: "KIOSK_METRICS_LISTEN"},
	{Name: "KIOSK_LOG_LEVEL", Default: "info"},
}

func TestDocumentedSettings(t *testing.T) {
	got := Doc()
	for i := range got {
		if got[i].Doc == "" || got[i].Group == "" {
			t.Errorf("%s has no documentation or no group", got[i].Name)
		}
		got[i].Doc, got[i].Group, got[i].Allowed = "", "", ""
	}
	if d := cmp.Diff(wantSettings, got); d != "" {
		t.Error(d)
	}
}

func TestEnvconfigReadsDocumentedNames(t *testing.T) {
	var s sections
	for _, f := range s.fields() {
		if f.tag.Get("envconfig") != "" {
			t.Errorf("%s: with an envconfig tag, the name without KIOSK_ would be read", f.Name)
		}
		if _, ok := f.field.(envconfig.Decoder); !ok {
			t.Errorf("%s: envconfig would set the parts of the field", f.Name)
		}
		t.Run(f.Name, func(t *testing.T) {
			emptyEnv(t)
			t.Setenv(f.Name, "canary")
			var fresh sections
			for _, section := range fresh.each() {
				if err := envconfig.Process("kiosk", section.fields); err != nil {
					t.Errorf("a field returned its problem: %v", err)
				}
			}
			for _, g := range fresh.fields() {
				if got := g.field.base().text == "canary"; got != (g.Name == f.Name) {
					t.Errorf("%s set, %s contains %q", f.Name, g.Name, g.field.base().text)
				}
			}
		})
	}
}

// TestEverySettingHasAllowedValues: the documents and the manual page say what each setting may be.
func TestEverySettingHasAllowedValues(t *testing.T) {
	for _, s := range Doc() {
		if s.Allowed == "" {
			t.Errorf("%s: no allowed values", s.Name)
		}
	}
}

// TestErrorsNameAllowedValues: a value that no setting accepts is rejected with what would be valid.
func TestErrorsNameAllowedValues(t *testing.T) {
	for _, value := range []string{"\x01", "?? ??\"", "://"} {
		emptyEnv(t)
		for _, s := range Doc() {
			t.Setenv(s.Name, value)
		}
		_, err := Load()
		for _, p := range problemsIn(t, err) {
			if p.Allowed == "" {
				t.Errorf("%v", p)
			}
		}
	}
}

func TestTagsAreValid(t *testing.T) {
	var s sections
	for _, f := range s.fields() {
		switch f.field.(type) {
		case *seconds:
			if tagNumber(f.tag.Get("min")) <= 0 || tagNumber(f.tag.Get("max")) <= tagNumber(f.tag.Get("min")) {
				t.Errorf("%s: invalid range", f.Name)
			}
		case *timespan:
			if tagDuration(f.tag.Get("min")) <= 0 || tagDuration(f.tag.Get("max")) <= tagDuration(f.tag.Get("min")) {
				t.Errorf("%s: invalid range", f.Name)
			}
		case *choice:
			if len(strings.Fields(f.tag.Get("oneof"))) < 2 {
				t.Errorf("%s: fewer than two words", f.Name)
			}
		}
		if f.Default != "" && f.Derived != "" {
			t.Errorf("%s has two defaults", f.Name)
		}
	}
}

func TestRowsCoverEverySetting(t *testing.T) {
	setRegistration(t)
	s, _ := Load()
	rows := s.Rows()
	if len(rows) != len(wantSettings) {
		t.Fatalf("%d rows for %d settings", len(rows), len(wantSettings))
	}
	for i, r := range rows {
		if r.Name != wantSettings[i].Name || r.Doc == "" {
			t.Errorf("row %d: %+v", i, r)
		}
		if (r.Value == "") != (r.Origin == "") {
			t.Errorf("%s: value %q from %q", r.Name, r.Value, r.Origin)
		}
	}
}

func TestPushModeIsRefused(t *testing.T) {
	setRegistration(t)
	t.Setenv("KIOSK_DELIVERY", "push")
	_, err := Load()
	if p := problemOf(problemsIn(t, err), "KIOSK_DELIVERY"); p == nil || p.Cause != pushRefused || p.Allowed != "poll, ping" || p.Suggestion != "" {
		t.Errorf("%+v, %v", p, err)
	}
}
