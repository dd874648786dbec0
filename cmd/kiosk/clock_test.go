package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestAWrongClockEndsTheVisit: a device whose clock is certainly wrong sends no request. The program is built with a
// release date in the future.
func TestAWrongClockEndsTheVisit(t *testing.T) {
	t.Parallel()
	early := filepath.Join(t.TempDir(), "kiosk")
	build := exec.Command("go", "build", "-ldflags", "-X github.com/ciba-kiosk/ciba-kiosk/internal/host.floor=2200-01-01T00:00:00Z", "-o", early, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := newRig(t)
	r.path = early
	r.auto("approve", 0, "")
	c := r.start("login", "--json", "alice")
	code, last := c.wait(), checkLines(t, c.lines())
	if code != 5 || last["reason"] != "clock" {
		t.Errorf("exit code %d, %v", code, last)
	}
	x := r.screen()
	x.mustShow(say(t, screen.MsgClosedClock))
	x.signal(syscall.SIGTERM)
	if code := x.waitForExit(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if all := r.dev.Requests(); len(all) != 0 {
		t.Errorf("a request was sent: %+v", all)
	}
}
