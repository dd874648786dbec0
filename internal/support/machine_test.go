package support

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
)

// TestMachine: the description shows which unit runs and with how much memory, and of the state folder only the kiosk's own
// files.
func TestMachine(t *testing.T) {
	root, state := t.TempDir(), t.TempDir()
	put := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	group := root + "/sys/fs/cgroup/system.slice/kiosk.service/"
	put(group+"memory.current", "12345678\n")
	put(group+"memory.peak", "23456789\n")
	put(group+"memory.events", "low 0\nhigh 0\nmax 0\noom 1\noom_kill 1\n")
	put(root+"/usr/lib/systemd/system/kiosk.service", "[Service]\nEnvironment=A=hidden-in-a-unit\n")
	put(state+"/kiosk.db", strings.Repeat("x", 4096))
	put(state+"/alice.txt", "left behind")

	got := machine(doctor.Options{Settings: &config.Settings{StateDir: state}, Machine: doctor.Machine{Root: root}})
	for _, want := range []string{
		`(?m)^running +kiosk\.service: 12345678 bytes of memory, peak 23456789; .*oom_kill 1$`,
		`(?m)^unit +/usr/lib/systemd/system/kiosk\.service$`,
		`(?m)^state +kiosk\.db: 4096 bytes, mode 0600, of `,
		`(?m)^disk +.*: \d+ of \d+ MB free$`,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("no line matches %s in\n%s", want, got)
		}
	}
	for _, not := range []string{"alice", "hidden", "kiosk-headless.service: "} {
		if strings.Contains(got, not) {
			t.Errorf("%q must not be in\n%s", not, got)
		}
	}
}
