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

// TestCredentialsSealedForTheService runs commands from a technician's shell: the device works, and a missing key must not
// make them start a new record.
func TestCredentialsSealedForTheService(t *testing.T) {
	dir := t.TempDir()
	s := &config.Settings{StateDir: dir, StoreKey: config.File{Path: "/etc/credstore.encrypted/kiosk.store-key", Sealed: true}}
	_, err := OpenStore(s, "a test", false)
	if kiosk.ReasonOf(err) != kiosk.Misconfigured || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("OpenStore: %v", err)
	}
	if made, _ := os.ReadDir(dir); len(made) > 0 {
		t.Errorf("OpenStore made files: %v", made)
	}

	sealed := config.Problem{Setting: "KIOSK_CLIENT_KEY_FILE", What: "it is encrypted", Denied: true, Sealed: true}
	c := config.Checks{Settings: s, Err: config.Problems{sealed}}
	if o := c.CheckSettings(); !strings.Contains(o.Text, "this user may not read it: KIOSK_CLIENT_KEY_FILE") || !strings.Contains(o.Fix, "systemd-run") {
		t.Errorf("sealed key: %+v", o)
	}
	c.Err = config.Problems{sealed, {Setting: "KIOSK_ISSUER", What: "is missing"}}
	if o := c.CheckSettings(); strings.Contains(o.Text, "this user may not") {
		t.Errorf("sealed key and missing issuer: the issuer is not reported: %+v", o)
	}
}
