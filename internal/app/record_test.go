package app

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestOpenStoreWithSealedKey: in a technician's shell the key is missing, and the command must not start a new record.
func TestOpenStoreWithSealedKey(t *testing.T) {
	dir := t.TempDir()
	s := &config.Settings{StateDir: dir, StoreKey: config.File{Path: "/etc/credstore.encrypted/kiosk.store-key", Sealed: true}}
	_, err := OpenStore(s, "a test", false)
	if kiosk.ReasonOf(err) != kiosk.Misconfigured || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("OpenStore: %v", err)
	}
	if made, _ := os.ReadDir(dir); len(made) > 0 {
		t.Errorf("OpenStore made files: %v", made)
	}
}
