package main

import (
	"syscall"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
)

// TestLoginNeedsTheDisk runs kiosk login five times on a card that takes nothing. A record in memory would end with the process,
// and the push guard of the next would know nothing of the request: none goes out.
func TestLoginNeedsTheDisk(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "read-only"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.state = testkit.MountDisk(t, "256k")
			r.set("KIOSK_STATE_DIR=" + r.state)
			r.auto("deny", 0, "")
			if name == "full" {
				testkit.FillDisk(t, r.state)
			} else {
				r.start("status").wait() // nothing runs; the folder is as a first start finds it
				testkit.RemountDisk(t, r.state, syscall.MS_RDONLY, "")
			}
			for range 5 {
				c := r.start("login", "--json", "alice")
				if code := c.wait(); code != 1 {
					t.Errorf("exit code %d, want 1 (internal): %s", code, c.err.text())
				}
			}
			if n := r.count("backchannel"); n != 0 {
				t.Errorf("%d requests went out", n)
			}
		})
	}
}
