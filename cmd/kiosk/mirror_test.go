package main

import (
	"bufio"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestMirrorAndBellCoverAWholeVisit plays a visit as a blind customer does, by the lines of the mirror and the bell.
func TestMirrorAndBellCoverAWholeVisit(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "mirror.sock")
	r := newRig(t, "KIOSK_MIRROR="+socket, "KIOSK_SOUND=true")
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	lines := bufio.NewScanner(c)
	heard := func(want string) (before string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return before
			}
			before += lines.Text() + "\n"
		}
		t.Fatalf("never printed %q, but:\n%s", want, before)
		return ""
	}
	heard(say(t, screen.MsgReadyTitle))
	code := x.identify("alice")
	heard("alice") // as it is typed
	heard(screen.SpellOut(code))
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	if said := heard(say(t, screen.MsgShownHidden)); strings.Contains(said, "alice") {
		t.Errorf("after it was sent, the identifier is printed again: %s", said)
	}
	x.until("one bell for the phone, two for the approval", func(string) bool { return strings.Count(x.written(), "\a") == 3 })
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkAll(kiosk.StageShown, kiosk.NoReason)
	if lines.Scan() && strings.Contains(lines.Text(), "Alice") {
		t.Error("details are printed that were never shown")
	}
}
