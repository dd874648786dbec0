package app

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestWhatIsEncryptedForTheServiceOnly is a technician's at a shell: nothing is wrong with
// the device, and nothing must be begun anew for want of the key.
func TestWhatIsEncryptedForTheServiceOnly(t *testing.T) {
	dir := t.TempDir()
	s := &config.Settings{StateDir: dir, StoreKey: config.File{Path: "/etc/credstore.encrypted/kiosk.store-key", Sealed: true}}
	_, err := OpenStore(s, "a test", false)
	if kiosk.ReasonOf(err) != kiosk.Misconfigured || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("the record: %v", err)
	}
	if made, _ := os.ReadDir(dir); len(made) > 0 {
		t.Errorf("made all the same: %v", made)
	}

	sealed := config.Problem{Setting: "KIOSK_CLIENT_KEY_FILE", What: "it is encrypted", Denied: true, Sealed: true}
	e := &exam{DoctorOptions: DoctorOptions{Settings: s}, wired: config.Problems{sealed}}
	if f := e.settings(t.Context()); !strings.Contains(f.What, "not for this user to see: KIOSK_CLIENT_KEY_FILE") || !strings.Contains(f.Cure, "systemd-run") {
		t.Errorf("the doctor says %+v", f)
	}
	e.wired = config.Problems{sealed, {Setting: "KIOSK_ISSUER", What: "is missing"}}
	if f := e.settings(t.Context()); strings.Contains(f.What, "not for this user") {
		t.Errorf("what is wrong beside it is not told: %+v", f)
	}
}
