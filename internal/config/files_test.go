package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSecretFileMustBePrivate(t *testing.T) {
	for mode, fine := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true, 0o640: false, 0o604: false, 0o620: false, 0o602: false, 0o666: false,
	} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			registered(t)
			t.Setenv("KIOSK_CLIENT_KEY_FILE", secretFile(t, "key", "canary", mode))
			_, err := Load()
			if fine != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if !fine && !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("no advice in %v", err)
			}
		})
	}
}

func TestPublicFileMayBeReadByAll(t *testing.T) {
	registered(t)
	t.Setenv("KIOSK_CA_FILE", secretFile(t, "ca.pem", "roots", 0o644))
	s, err := Load()
	if err != nil || string(s.CA.Data) != "roots" {
		t.Fatalf("%q, %v", s.CA.Data, err)
	}
}

// The bundle of a whole system is a few hundred kilobytes; nothing else is.
func TestHowLongAFileMayBe(t *testing.T) {
	for _, c := range []struct {
		setting string
		size    int
		fine    bool
	}{
		{"KIOSK_CA_FILE", 219 << 10, true},
		{"KIOSK_CA_FILE", 1 << 20, true},
		{"KIOSK_CA_FILE", 1<<20 + 1, false},
		{"KIOSK_RESULT_LAYOUT", 64 << 10, true},
		{"KIOSK_RESULT_LAYOUT", 64<<10 + 1, false},
		{"KIOSK_CLIENT_KEY_FILE", 64 << 10, true},
		{"KIOSK_CLIENT_KEY_FILE", 64<<10 + 1, false},
	} {
		t.Run(fmt.Sprintf("%s of %d bytes", c.setting, c.size), func(t *testing.T) {
			registered(t)
			t.Setenv(c.setting, secretFile(t, "long", strings.Repeat("x", c.size), 0o600))
			_, err := Load()
			if c.fine && err != nil {
				t.Error(err)
			}
			if p := about(problems(t, err), c.setting); !c.fine && (p == nil || p.Allowed != fmt.Sprintf("at most %d bytes", c.size-1)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestClientSecretLosesItsNewline(t *testing.T) {
	registered(t)
	os.Unsetenv("KIOSK_CLIENT_KEY_FILE")
	t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "secret", "canary\r\n", 0o600))
	s, err := Load()
	if err != nil || string(s.ClientSecret) != "canary" || s.ClientAuth != ClientSecretBasic {
		t.Fatalf("%q %s %v", []byte(s.ClientSecret), s.ClientAuth, err)
	}
	if r := row(t, s, "KIOSK_CLIENT_AUTH"); r.Origin != "derived" || r.Value != "client_secret_basic" {
		t.Errorf("row %+v", r)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder":      dir,
		"a named pipe":  pipe,
		"nothing":       filepath.Join(dir, "none"),
		"empty":         secretFile(t, "empty", "\n", 0o600),
		"too long":      secretFile(t, "long", strings.Repeat("x", maxFile+1), 0o600),
		"a PEM, not it": secretFile(t, "pem", "-----BEGIN\nx\n", 0o600),
	} {
		t.Run(name, func(t *testing.T) {
			registered(t)
			t.Setenv("KIOSK_CLIENT_SECRET_FILE", path)
			s, err := Load()
			if about(problems(t, err), "KIOSK_CLIENT_SECRET_FILE") == nil {
				t.Fatalf("accepted: %v", err)
			}
			if s.ClientSecret != nil {
				t.Error("a secret all the same")
			}
		})
	}
}

func TestCredentialTakesTheFilesPlace(t *testing.T) {
	registered(t)
	os.Unsetenv("KIOSK_CLIENT_KEY_FILE")
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	// Group bits are as systemd may set them there, and no mistake.
	for _, name := range []string{"client-key", "client-secret", "store-key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("canary-"+name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o440); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if string(s.ClientKey.Data) != "canary-client-key" || string(s.ClientSecret) != "canary-client-secret" || string(s.StoreKey.Data) != "canary-store-key" {
		t.Error("credentials not read")
	}
	if s.ClientAuth != PrivateKeyJWT {
		t.Errorf("client auth %s", s.ClientAuth)
	}
	if r := row(t, s, "KIOSK_CLIENT_KEY_FILE"); r.Origin != "credential client-key" || r.Value != filepath.Join(dir, "client-key") {
		t.Errorf("row %+v", r)
	}

	t.Run("a file that is set wins", func(t *testing.T) {
		t.Setenv("KIOSK_CLIENT_KEY_FILE", secretFile(t, "key", "mine", 0o600))
		s, err := Load()
		if err != nil || string(s.ClientKey.Data) != "mine" || s.ClientKey.Origin != "environment" {
			t.Errorf("%q %s %v", []byte(s.ClientKey.Data), s.ClientKey.Origin, err)
		}
	})
	t.Run("a certificate too", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(dir, "client-cert"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("KIOSK_CLIENT_AUTH", "tls_client_auth")
		s, err := Load()
		if err != nil || s.ClientCert.Origin != "credential client-cert" || string(s.ClientCert.Data) != "x" || s.ClientAuth != TLSClientAuth {
			t.Errorf("got %+v %v", s.ClientCert, err)
		}
	})
}

func TestWhatTheWaysInNeed(t *testing.T) {
	for name, c := range map[string]struct {
		set     map[string]string // beside issuer, client id and a client secret
		missing string            // the setting that is complained of; empty: none
	}{
		"signed requests without a key":    {map[string]string{"KIOSK_SIGNED_REQUEST": "true"}, "KIOSK_CLIENT_KEY_FILE"},
		"signed requests with one":         {map[string]string{"KIOSK_SIGNED_REQUEST": "true", "KIOSK_CLIENT_KEY_FILE": "a file"}, ""},
		"a certificate without a key":      {map[string]string{"KIOSK_CLIENT_CERT_FILE": "a file"}, "KIOSK_CLIENT_KEY_FILE"},
		"a certificate with one":           {map[string]string{"KIOSK_CLIENT_CERT_FILE": "a file", "KIOSK_CLIENT_KEY_FILE": "a file"}, ""},
		"mutual TLS without a key":         {map[string]string{"KIOSK_CLIENT_AUTH": "tls_client_auth", "KIOSK_CLIENT_CERT_FILE": "a file"}, "KIOSK_CLIENT_KEY_FILE"},
		"mutual TLS without certificate":   {map[string]string{"KIOSK_CLIENT_AUTH": "self_signed_tls_client_auth", "KIOSK_CLIENT_KEY_FILE": "a file"}, "KIOSK_CLIENT_CERT_FILE"},
		"mutual TLS with both":             {map[string]string{"KIOSK_CLIENT_AUTH": "self_signed_tls_client_auth", "KIOSK_CLIENT_KEY_FILE": "a file", "KIOSK_CLIENT_CERT_FILE": "a file"}, ""},
		"a proof of possession needs none": {map[string]string{"KIOSK_DPOP": "true"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			registered(t)
			os.Unsetenv("KIOSK_CLIENT_KEY_FILE")
			t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "secret", "hush", 0o600))
			for setting, value := range c.set {
				if value == "a file" {
					value = secretFile(t, setting, "pem", 0o600)
				}
				t.Setenv(setting, value)
			}
			s, err := Load()
			if c.missing == "" {
				if err != nil || s.SignedRequest != (c.set["KIOSK_SIGNED_REQUEST"] != "") || s.DPoP != (c.set["KIOSK_DPOP"] != "") {
					t.Errorf("%v %+v", err, s)
				}
			} else if p := about(problems(t, err), c.missing); p == nil || !p.Missing {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFoldersOfSystemd(t *testing.T) {
	registered(t)
	t.Setenv("STATE_DIRECTORY", "/var/lib/ciba-kiosk:/var/lib/other")
	t.Setenv("KIOSK_STATE_DIR", "/elsewhere")
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if s.StateDir != "/var/lib/ciba-kiosk" || s.Socket != "/var/lib/ciba-kiosk/kiosk.sock" || s.StoreKey.Path != "/var/lib/ciba-kiosk/store.key" {
		t.Errorf("%q %q %q", s.StateDir, s.Socket, s.StoreKey.Path)
	}
	if r := row(t, s, "KIOSK_STATE_DIR"); r.Origin != "environment STATE_DIRECTORY" || r.Value != s.StateDir {
		t.Errorf("row %+v", r)
	}
	t.Setenv("RUNTIME_DIRECTORY", "/run/ciba-kiosk")
	if s, _ := Load(); s.Socket != "/run/ciba-kiosk/kiosk.sock" {
		t.Errorf("socket %q", s.Socket)
	}
}

// A secret must not come out, wherever somebody put it.
func TestCanaryInNoErrorAndNoRow(t *testing.T) {
	const canary = "canary-5f1c"
	for name, set := range map[string]func(t *testing.T){
		"in its file":                    func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "s", canary, 0o600)) },
		"in a file that others can read": func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "s", canary, 0o644)) },
		"in a file with rubbish":         func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "s", canary+"\n\n\x00", 0o600)) },
		"where its file belongs":         func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", canary) },
		"the same, with slashes":         func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", "/"+canary+"/x+y==") },
		"the same, one slash":            func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", "/"+canary) },
		"in a variable of its own":       func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET", canary) },
		"in the issuer":                  func(t *testing.T) { t.Setenv("KIOSK_ISSUER", "https://me:"+canary+"@id.example") },
		"in the issuer, with an @":       func(t *testing.T) { t.Setenv("KIOSK_ISSUER", "https://me:x@"+canary+"@id.example") },
		"in an address that is none":     func(t *testing.T) { t.Setenv("KIOSK_API_URL", "https://me:"+canary+"@%zz") },
		"in a query":                     func(t *testing.T) { t.Setenv("KIOSK_API_URL", "https://api.example/?key="+canary) },
		"in the lookup":                  func(t *testing.T) { t.Setenv("KIOSK_LOOKUP_URL", "http://api.example/?key="+canary) },
	} {
		t.Run(name, func(t *testing.T) {
			registered(t)
			set(t)
			s, err := Load()
			all := fmt.Sprintf("%v %+v %#v", err, s.Rows(), problems(t, err))
			asJSON, jsonErr := json.Marshal([]any{s.Rows(), problems(t, err), s.ClientKey, s.ClientSecret})
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			all += string(asJSON) + fmt.Sprintf("%v %+v %v %+v", s.ClientSecret, s.ClientSecret, s.ClientKey, s.StoreKey)
			if strings.Contains(all, canary) {
				t.Errorf("it is in\n%s", all)
			}
		})
	}
}

// TestAShellSeesWhatTheServiceIsGiven is a technician's: the kiosk's secrets stand where
// its units name them, and the doctor is called from a shell.
func TestAShellSeesWhatTheServiceIsGiven(t *testing.T) {
	put := func(t *testing.T, dir string, mode os.FileMode) {
		t.Helper()
		name := filepath.Join(dir, "kiosk.client-key")
		if err := os.WriteFile(name, []byte("canary-key"), mode); err != nil {
			t.Fatal(err)
		}
	}
	start := func(t *testing.T) {
		registered(t)
		os.Unsetenv("KIOSK_CLIENT_KEY_FILE")
		os.Unsetenv("KIOSK_CLIENT_SECRET_FILE")
		os.Unsetenv("CREDENTIALS_DIRECTORY")
	}
	complains := func(t *testing.T, want string) {
		t.Helper()
		_, err := Load()
		p := about(problems(t, err), "KIOSK_CLIENT_KEY_FILE")
		if p == nil || !strings.Contains(p.Cause, want) {
			t.Errorf("%v", err)
		}
	}

	t.Run("in clear, for root", func(t *testing.T) {
		start(t)
		put(t, credstore, 0o600)
		s, err := Load()
		if err != nil || string(s.ClientKey.Data) != "canary-key" || s.ClientAuth != PrivateKeyJWT {
			t.Errorf("%q %v", []byte(s.ClientKey.Data), err)
		}
		if r := row(t, s, "KIOSK_CLIENT_KEY_FILE"); r.Origin != "credential client-key" || r.Value != filepath.Join(credstore, "kiosk.client-key") {
			t.Errorf("row %+v", r)
		}
	})
	t.Run("for others to read, too", func(t *testing.T) {
		start(t)
		put(t, credstore, 0o644)
		complains(t, "others can read")
	})
	t.Run("the service is given nothing else", func(t *testing.T) {
		start(t)
		put(t, credstore, 0o600)
		t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
		complains(t, "is missing, and so is KIOSK_CLIENT_SECRET_FILE")
	})
	t.Run("encrypted", func(t *testing.T) {
		start(t)
		put(t, encryptedCredstore, 0o600)
		_, err := Load()
		all := problems(t, err)
		if p := about(all, "KIOSK_CLIENT_KEY_FILE"); len(all) != 1 || p == nil || !p.Sealed || !errors.Is(p, fs.ErrPermission) || p.Missing ||
			!strings.Contains(p.Error(), "encrypted for the service only") {
			t.Errorf("%+v", all)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		start(t)
		complains(t, "is missing, and so is KIOSK_CLIENT_SECRET_FILE")
	})
}
