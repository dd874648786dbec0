package main

import (
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestScanOnlyTakesNothingTyped has a kiosk with KIOSK_IDENTIFY=scan: a name typed by hand rings no phone, a scanned one does.
func TestScanOnlyTakesNothingTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_IDENTIFY=scan", "KIOSK_KEYPAD=always")
	r.auto("none", 0, "")
	x := r.screen()
	x.mustShow(say(t, screen.MsgScanTitle))
	for _, key := range []string{"a", "l", "i", "c", "e", enter} {
		x.send(key)
		time.Sleep(150 * time.Millisecond) // a hand, not a scanner
	}
	x.mustShow(say(t, screen.MsgScanLines))
	if n := r.count("backchannel"); n != 0 {
		t.Fatalf("%d requests for a typed name", n)
	}
	x.scan("alice\r", say(t, screen.MsgWaitingTitle))
	if n := r.count("backchannel"); n != 1 {
		t.Errorf("%d requests for a scanned name", n)
	}
}
