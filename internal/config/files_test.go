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
	for mode, valid := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true, 0o640: false, 0o604: false, 0o620: false, 0o602: false, 0o666: false,
	} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			setRegistration(t)
			t.Setenv("KIOSK_CLIENT_KEY_FILE", secretFile(t, "key", "canary", mode))
			_, err := Load()
			if valid != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if !valid && !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("no fix in %v", err)
			}
		})
	}
}

func TestPublicFileMayBeReadableByAll(t *testing.T) {
	setRegistration(t)
	t.Setenv("KIOSK_CA_FILE", secretFile(t, "ca.pem", "roots", 0o644))
	s, err := Load()
	if err != nil || string(s.CA.Data) != "roots" {
		t.Fatalf("%q, %v", s.CA.Data, err)
	}
}

// KIOSK_CA_FILE may be the bundle of a whole system, which has a few hundred kilobytes.
func TestFileSizeLimits(t *testing.T) {
	for _, c := range []struct {
		setting string
		size    int
		valid   bool
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
			setRegistration(t)
			t.Setenv(c.setting, secretFile(t, "long", strings.Repeat("x", c.size), 0o600))
			_, err := Load()
			if c.valid && err != nil {
				t.Error(err)
			}
			if p := problemOf(problemsIn(t, err), c.setting); !c.valid && (p == nil || p.Allowed != fmt.Sprintf("at most %d bytes", c.size-1)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestClientSecretHasNoTrailingNewline(t *testing.T) {
	setRegistration(t)
	os.Unsetenv("KIOSK_CLIENT_KEY_FILE")
	t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "secret", "canary\r\n", 0o600))
	s, err := Load()
	if err != nil || string(s.ClientSecret) != "canary" || s.ClientAuth != ClientSecretBasic {
		t.Fatalf("%q %s %v", []byte(s.ClientSecret), s.ClientAuth, err)
	}
	if r := rowOf(t, s, "KIOSK_CLIENT_AUTH"); r.Origin != "derived" || r.Value != "client_secret_basic" {
		t.Errorf("row %+v", r)
	}
}

func TestUnusableFilesAreRejected(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder":     dir,
		"a named pipe": pipe,
		"missing":      filepath.Join(dir, "none"),
		"empty":        secretFile(t, "empty", "\n", 0o600),
		"too long":     secretFile(t, "long", strings.Repeat("x", maxFile+1), 0o600),
		"a PEM file":   secretFile(t, "pem", "-----BEGIN\nx\n", 0o600),
	} {
		t.Run(name, func(t *testing.T) {
			setRegistration(t)
			t.Setenv("KIOSK_CLIENT_SECRET_FILE", path)
			s, err := Load()
			if problemOf(problemsIn(t, err), "KIOSK_CLIENT_SECRET_FILE") == nil {
				t.Fatalf("accepted: %v", err)
			}
			if s.ClientSecret != nil {
				t.Error("a secret was returned")
			}
		})
	}
}

func TestCredentialReplacesFile(t *testing.T) {
	setRegistration(t)
	os.Unsetenv("KIOSK_CLIENT_KEY_FILE")
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	// systemd may set group permissions there.
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
		t.Error("credentials were not read")
	}
	if s.ClientAuth != PrivateKeyJWT {
		t.Errorf("client auth %s", s.ClientAuth)
	}
	if r := rowOf(t, s, "KIOSK_CLIENT_KEY_FILE"); r.Origin != "credential client-key" || r.Value != filepath.Join(dir, "client-key") {
		t.Errorf("row %+v", r)
	}

	t.Run("a configured file wins", func(t *testing.T) {
		t.Setenv("KIOSK_CLIENT_KEY_FILE", secretFile(t, "key", "mine", 0o600))
		s, err := Load()
		if err != nil || string(s.ClientKey.Data) != "mine" || s.ClientKey.Origin != "environment" {
			t.Errorf("%q %s %v", []byte(s.ClientKey.Data), s.ClientKey.Origin, err)
		}
	})
	t.Run("certificate", func(t *testing.T) {
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

func TestRequiredClientFiles(t *testing.T) {
	for name, c := range map[string]struct {
		set     map[string]string // besides issuer, client identifier and client secret
		missing string            // the setting reported as missing; empty for none
	}{
		"signed requests without a key":    {map[string]string{"KIOSK_SIGNED_REQUEST": "true"}, "KIOSK_CLIENT_KEY_FILE"},
		"signed requests with a key":       {map[string]string{"KIOSK_SIGNED_REQUEST": "true", "KIOSK_CLIENT_KEY_FILE": "a file"}, ""},
		"a certificate without a key":      {map[string]string{"KIOSK_CLIENT_CERT_FILE": "a file"}, "KIOSK_CLIENT_KEY_FILE"},
		"a certificate with a key":         {map[string]string{"KIOSK_CLIENT_CERT_FILE": "a file", "KIOSK_CLIENT_KEY_FILE": "a file"}, ""},
		"mutual TLS without a key":         {map[string]string{"KIOSK_CLIENT_AUTH": "tls_client_auth", "KIOSK_CLIENT_CERT_FILE": "a file"}, "KIOSK_CLIENT_KEY_FILE"},
		"mutual TLS without a certificate": {map[string]string{"KIOSK_CLIENT_AUTH": "self_signed_tls_client_auth", "KIOSK_CLIENT_KEY_FILE": "a file"}, "KIOSK_CLIENT_CERT_FILE"},
		"mutual TLS with both":             {map[string]string{"KIOSK_CLIENT_AUTH": "self_signed_tls_client_auth", "KIOSK_CLIENT_KEY_FILE": "a file", "KIOSK_CLIENT_CERT_FILE": "a file"}, ""},
		"DPoP without a key":               {map[string]string{"KIOSK_DPOP": "true"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			setRegistration(t)
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
			} else if p := problemOf(problemsIn(t, err), c.missing); p == nil || !p.Missing {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSystemdDirectories(t *testing.T) {
	setRegistration(t)
	t.Setenv("STATE_DIRECTORY", "/var/lib/ciba-kiosk:/var/lib/other")
	t.Setenv("KIOSK_STATE_DIR", "/elsewhere")
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if s.StateDir != "/var/lib/ciba-kiosk" || s.Socket != "/var/lib/ciba-kiosk/kiosk.sock" || s.StoreKey.Path != "/var/lib/ciba-kiosk/store.key" {
		t.Errorf("%q %q %q", s.StateDir, s.Socket, s.StoreKey.Path)
	}
	if r := rowOf(t, s, "KIOSK_STATE_DIR"); r.Origin != "environment STATE_DIRECTORY" || r.Value != s.StateDir {
		t.Errorf("row %+v", r)
	}
	t.Setenv("RUNTIME_DIRECTORY", "/run/ciba-kiosk")
	if s, _ := Load(); s.Socket != "/run/ciba-kiosk/kiosk.sock" {
		t.Errorf("socket %q", s.Socket)
	}
}

// Wherever an operator puts a secret, no error and no row shows it.
func TestSecretsAreNotInErrorsAndRows(t *testing.T) {
	const canary = "canary-5f1c"
	for name, set := range map[string]func(t *testing.T){
		"in its file":                          func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "s", canary, 0o600)) },
		"in a file that others can read":       func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "s", canary, 0o644)) },
		"in a file with other bytes":           func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", secretFile(t, "s", canary+"\n\n\x00", 0o600)) },
		"in place of its file":                 func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", canary) },
		"in place of its file, with slashes":   func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", "/"+canary+"/x+y==") },
		"in place of its file, with one slash": func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET_FILE", "/"+canary) },
		"in a variable of its own":             func(t *testing.T) { t.Setenv("KIOSK_CLIENT_SECRET", canary) },
		"in the issuer":                        func(t *testing.T) { t.Setenv("KIOSK_ISSUER", "https://me:"+canary+"@id.example") },
		"in the issuer, with an @":             func(t *testing.T) { t.Setenv("KIOSK_ISSUER", "https://me:x@"+canary+"@id.example") },
		"in an invalid address":                func(t *testing.T) { t.Setenv("KIOSK_API_URL", "https://me:"+canary+"@%zz") },
		"in a query":                           func(t *testing.T) { t.Setenv("KIOSK_API_URL", "https://api.example/?key="+canary) },
		"in the lookup":                        func(t *testing.T) { t.Setenv("KIOSK_LOOKUP_URL", "http://api.example/?key="+canary) },
	} {
		t.Run(name, func(t *testing.T) {
			setRegistration(t)
			set(t)
			s, err := Load()
			all := fmt.Sprintf("%v %+v %#v", err, s.Rows(), problemsIn(t, err))
			asJSON, jsonErr := json.Marshal([]any{s.Rows(), problemsIn(t, err), s.ClientKey, s.ClientSecret})
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			all += string(asJSON) + fmt.Sprintf("%v %+v %v %+v", s.ClientSecret, s.ClientSecret, s.ClientKey, s.StoreKey)
			if strings.Contains(all, canary) {
				t.Errorf("the secret is in\n%s", all)
			}
		})
	}
}

// A technician runs the doctor in a shell. It must find the credentials that systemd would give to the service.
func TestShellReadsServiceCredentials(t *testing.T) {
	put := func(t *testing.T, dir string, mode os.FileMode) {
		t.Helper()
		name := filepath.Join(dir, "kiosk.client-key")
		if err := os.WriteFile(name, []byte("canary-key"), mode); err != nil {
			t.Fatal(err)
		}
	}
	start := func(t *testing.T) {
		setRegistration(t)
		os.Unsetenv("KIOSK_CLIENT_KEY_FILE")
		os.Unsetenv("KIOSK_CLIENT_SECRET_FILE")
		os.Unsetenv("CREDENTIALS_DIRECTORY")
	}
	wantProblem := func(t *testing.T, want string) {
		t.Helper()
		_, err := Load()
		p := problemOf(problemsIn(t, err), "KIOSK_CLIENT_KEY_FILE")
		if p == nil || !strings.Contains(p.Cause, want) {
			t.Errorf("%v", err)
		}
	}

	t.Run("plain, for root", func(t *testing.T) {
		start(t)
		put(t, credstore, 0o600)
		s, err := Load()
		if err != nil || string(s.ClientKey.Data) != "canary-key" || s.ClientAuth != PrivateKeyJWT {
			t.Errorf("%q %v", []byte(s.ClientKey.Data), err)
		}
		if r := rowOf(t, s, "KIOSK_CLIENT_KEY_FILE"); r.Origin != "credential client-key" || r.Value != filepath.Join(credstore, "kiosk.client-key") {
			t.Errorf("row %+v", r)
		}
	})
	t.Run("readable by other users", func(t *testing.T) {
		start(t)
		put(t, credstore, 0o644)
		wantProblem(t, "others can read")
	})
	t.Run("not in the service's directory", func(t *testing.T) {
		start(t)
		put(t, credstore, 0o600)
		t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
		wantProblem(t, "is missing, and so is KIOSK_CLIENT_SECRET_FILE")
	})
	t.Run("encrypted", func(t *testing.T) {
		start(t)
		put(t, encryptedCredstore, 0o600)
		_, err := Load()
		all := problemsIn(t, err)
		if p := problemOf(all, "KIOSK_CLIENT_KEY_FILE"); len(all) != 1 || p == nil || !p.Sealed || !errors.Is(p, fs.ErrPermission) || p.Missing ||
			!strings.Contains(p.Error(), "encrypted for the service only") {
			t.Errorf("%+v", all)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		start(t)
		wantProblem(t, "is missing, and so is KIOSK_CLIENT_SECRET_FILE")
	})
}
