package setup

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// load loads settings from the given environment only.
func load(t *testing.T, env ...string) (*config.Settings, error) {
	t.Helper()
	testkit.SetEnv(t, append([]string{"CREDENTIALS_DIRECTORY", "/nowhere", "STATE_DIRECTORY", t.TempDir()}, env...)...)
	return config.Load()
}

func TestIsPossible(t *testing.T) {
	const issuer, client = "KIOSK_ISSUER", "KIOSK_BOOTSTRAP_CLIENT_ID"
	for _, c := range []struct {
		name string
		env  []string
		want bool
	}{
		{"only the registration is missing", []string{issuer, "https://id.example", client, "bootstrap"}, true},
		{"no issuer", []string{client, "bootstrap"}, false},
		{"no bootstrap client", []string{issuer, "https://id.example"}, false},
		{"another setting is wrong", []string{issuer, "https://id.example", client, "bootstrap", "KIOSK_IDLE_TIMEOUT", "soon"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := load(t, c.env...)
			if err == nil {
				t.Fatal("the settings are complete")
			}
			if got := IsPossible(s, err); got != c.want {
				t.Errorf("%v, want %v: %v", got, c.want, err)
			}
		})
	}
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	for name, s := range map[string]*config.Settings{
		"KIOSK_ISSUER":   {StateDir: t.TempDir()},
		"KIOSK_DELIVERY": {StateDir: t.TempDir(), Issuer: "https://id.example", Delivery: "ping"},
	} {
		_, err := Open(s, slog.New(slog.DiscardHandler), ProvisionOptions{})
		if kiosk.ReasonOf(err) != kiosk.Misconfigured || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSettingsGoToTheStateFolderWithoutPermission: the environment file may belong to root.
func TestSettingsGoToTheStateFolderWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root may write everywhere: only the usual case is tested")
	}
	s, _ := load(t, "KIOSK_ISSUER", "https://id.example", "KIOSK_BOOTSTRAP_CLIENT_ID", "bootstrap")
	dir := t.TempDir()
	for _, c := range []struct {
		name, file, want string
		mode             os.FileMode
	}{
		{"permitted", filepath.Join(dir, "kiosk.env"), filepath.Join(dir, "kiosk.env"), 0o700},
		{"no file named", "", filepath.Join(s.StateDir, config.ProvisionedFile), 0o700},
		{"not permitted", filepath.Join(dir, "kiosk.env"), filepath.Join(s.StateDir, config.ProvisionedFile), 0o500},
	} {
		if c.mode == 0o500 && os.Geteuid() == 0 {
			continue
		}
		if err := os.Chmod(dir, c.mode); err != nil {
			t.Fatal(err)
		}
		p, err := Open(s, slog.New(slog.DiscardHandler), ProvisionOptions{EnvFile: c.file})
		if err != nil {
			t.Fatal(err)
		}
		file, err := p.writeSettings("client-7")
		p.Close()
		if err != nil || file != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, file, err, c.want)
			continue
		}
		if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "client-7") {
			t.Errorf("%s: %q, %v", c.name, b, err)
		}
	}
	os.Chmod(dir, 0o700)
}

func TestErase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "setup.env")
	if err := os.WriteFile(path, []byte("INITIAL_ACCESS_TOKEN=secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link" // a second name shows what is left of the content
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	if err := Erase(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is still there")
	}
	if b, err := os.ReadFile(link); err != nil || strings.Trim(string(b), "\x00") != "" {
		t.Errorf("content %q, %v", b, err)
	}
}

// TestStatusDuringSetup: status shows where a technician signs in, or what is in the way.
func TestStatusDuringSetup(t *testing.T) {
	clock := host.NewClock()
	s := &Screen{o: ScreenOptions{Settings: &config.Settings{Site: "Shop"}, Clock: clock}}
	s.shown = update{show: screen.Setup{Stage: screen.SetupSignIn, Until: clock.Now() + 90*time.Second,
		Grant: kiosk.Grant{Address: "https://id.example/device", UserCode: "WDJB-MJHT"}}}
	got := s.status()
	if got.State != status.OutOfService || got.SetUp.Stage != "sign_in" || got.SetUp.Code != "WDJB-MJHT" || got.SetUp.Left < 80 || got.Why[0] != "set_up" {
		t.Errorf("sign-in: %+v, %+v", got, got.SetUp)
	}
	s.shown = s.stuck(&orphanError{kiosk.Fail(kiosk.Unreachable, "registration", enrol.ErrUnknownOutcome), "Kiosk Shop"}, time.Minute)
	if s.shown.show.Orphan != "Kiosk Shop" || s.shown.show.Why != kiosk.Unreachable || s.shown.cause == "" {
		t.Errorf("unknown outcome: %+v", s.shown)
	}
	if got := s.status().SetUp; got.Stage != "stuck" || got.Reason != "unreachable" || got.Again < 50 || got.Cause == "" {
		t.Errorf("unknown outcome: %+v", got)
	}
	s.shown = s.stuck(errors.Join(enrol.ErrBusy), time.Minute)
	if !s.shown.show.Busy {
		t.Errorf("busy: %+v", s.shown)
	}
}
