package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hinshun/vt10x"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// checkForgotten checks that the screen, once drawn to its last row, shows nothing of a customer.
func (x *terminal) checkForgotten(who ...string) {
	x.t.Helper()
	x.mustShow(say(x.t, screen.MsgReadyTitle))
	gone := func(text string) bool {
		text = strings.ToLower(text)
		for _, w := range who {
			if strings.Contains(text, strings.ToLower(w)) {
				return false
			}
		}
		return true
	}
	if !x.within(time.Second, gone) {
		x.t.Errorf("something of %q is still on the screen:\n%s", who, x.picture())
	}
}

// checkMasked checks that the Waiting screen shows the identifier masked.
func (x *terminal) checkMasked(who, masked string) {
	x.t.Helper()
	x.mustShow(say(x.t, screen.MsgWaitingWho, "who", masked))
	if strings.Contains(flat(x.picture()), who) {
		x.t.Errorf("%s is on the screen:\n%s", who, x.picture())
	}
}

// checkAll checks requests, secrets and record after a visit on the screen.
func (x *terminal) checkAll(stage kiosk.Stage, why kiosk.Reason) {
	x.t.Helper()
	x.rig.checkRequests(x.t)
	x.rig.checkSecrets(x.t, "the terminal", x.written())
	x.signal(syscall.SIGTERM)
	if code := x.waitForExit(); code != 0 {
		x.t.Errorf("exit code %d after SIGTERM", code)
	}
	x.rig.checkState(x.t, "alice")
	v := x.rig.lastVisit()
	checkRecord(x.t, v)
	if v.Stage != stage || v.Reason != why {
		x.t.Errorf("the journal says %v %q, want %v %q", v.Stage, v.Reason, stage, why)
	}
}

func TestScreenWhenNobodyApproves(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_REQUESTED_EXPIRY=4")
	x := r.screen()
	x.identify("alice")
	x.mustShow(say(t, screen.EndedTitle(kiosk.Expired)), say(t, screen.EndedAdvice(kiosk.Expired)))
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkForgotten("alice", "a***")
	x.checkAll(kiosk.StageEnded, kiosk.Expired)
}

func TestScreenWhenTheCustomerCancels(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	x.identify("alice")
	x.press(escape, say(t, screen.EndedTitle(kiosk.Cancelled)), say(t, screen.EndedAdvice(kiosk.Cancelled)))
	// The phone still rings; an approval now has no effect.
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkForgotten("alice", "a***")
	if r.count("api") > 0 {
		t.Error("the API was called for somebody who had left")
	}
	x.checkAll(kiosk.StageEnded, kiosk.Cancelled)
}

// TestUnsentInputIsForgotten: the next customer does not see what somebody typed and did not send.
func TestUnsentInputIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	x.begin("alice")
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkForgotten("alice", "a***")
	x.press(" ", say(t, screen.MsgIdentifyTitle))
	x.send("bob" + enter)
	x.code()
	if a := r.arrivals("backchannel"); len(a) != 1 || a[0].User != "bob" {
		t.Errorf("asked for bob, the phone that rang: %+v", a)
	}
	x.press(escape, say(t, screen.EndedTitle(kiosk.Cancelled)))
	x.checkAll(kiosk.StageEnded, kiosk.Cancelled)
}

func TestScreenWhenSomebodyElseApproves(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	x.identify("alice")
	if err := r.dev.Approve("alice", "bob"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.WrongPerson)), say(t, screen.EndedAdvice(kiosk.WrongPerson)))
	if strings.Contains(x.written(), "Welcome, Bob") || r.count("api") > 0 {
		t.Error("Bob's details were fetched for Alice")
	}
	r.eventually("the tokens are revoked", func() bool { return r.count("revocation") == 1 })
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkForgotten("alice", "bob", "a***")
	x.checkAll(kiosk.StageEnded, kiosk.WrongPerson)
}

// TestVisitsOneAfterTheOther plays visits on the same screen: nothing of one is in the next.
func TestVisitsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	ready := x.picture()
	codes := map[string]bool{}
	for _, who := range []string{"alice", "carol", "bob"} {
		codes[x.identify(who)] = true
		if err := r.dev.Approve(who, ""); err != nil {
			t.Fatal(err)
		}
		title := "Welcome, " + strings.ToUpper(who[:1]) + who[1:]
		x.mustShow(say(t, screen.MsgShownTitle))
		if strings.Contains(flat(x.picture()), title) {
			t.Errorf("%s's details are shown before a key is pressed", who)
		}
		x.press(anyKey, title)
		x.press(escape, say(t, screen.MsgReadyTitle))
		x.until("the very first screen again", func(string) bool { return x.matches(ready) })
	}
	if len(codes) != 3 || r.count("backchannel") != 3 {
		t.Errorf("codes %v, %d requests", codes, r.count("backchannel"))
	}
	x.checkAll(kiosk.StageShown, kiosk.NoReason)
}

// matches compares the screen with an earlier picture.
func (x *terminal) matches(picture string) bool { return x.picture() == picture }

// TestAskAgain: a key asks the same person again, with a new code, after the push guard's pause, which the screen
// counts down.
func TestAskAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_GUARD_PERSON=9/40s") // a first pause of two seconds
	x := r.screen()
	first := x.identify("alice")
	if err := r.dev.Deny("alice"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)), say(t, screen.MsgKeyAgain))
	declined := say(t, screen.EndedTitle(kiosk.Declined))
	for range 20 { // see press
		x.send("1")
		if x.within(limit/20, func(text string) bool { return !strings.Contains(text, declined) }) {
			break
		}
	}
	waiting, over := say(t, screen.MsgWaitingTitle), say(t, screen.MsgThrottledOver)
	wasHeld := false
	x.until("the pause is over", func(text string) bool {
		wasHeld = strings.Contains(text, over)
		return wasHeld || strings.Contains(text, waiting) // the machine was that slow
	})
	if wasHeld {
		x.press("1", waiting)
	}
	if second := x.code(); second == first {
		t.Errorf("the second request has the code of the first, %s", first)
	}
	if n := r.count("backchannel"); n != 2 {
		t.Errorf("%d requests for two wishes", n)
	}
	x.press(escape, say(t, screen.EndedTitle(kiosk.Cancelled)))
	x.checkAll(kiosk.StageEnded, kiosk.Cancelled)
}

// TestKioskOpensWhenTheServerIsReachable: a kiosk that starts before its network is out of service, says so, and
// becomes ready by itself.
func TestKioskOpensWhenTheServerIsReachable(t *testing.T) {
	t.Parallel()
	d := newGate(t)
	r := newRigBehind(t, d)
	d.close()
	x := r.screen()
	x.mustShow(say(t, screen.MsgClosedTitle))
	x.send("alice" + enter)
	d.open()
	x.mustShow(say(t, screen.MsgReadyTitle))
	if n := r.count("backchannel"); n > 0 {
		t.Errorf("%d requests while out of service", n)
	}
	x.checkForgotten("alice")
}

// TestCodeStaysVisibleAtEverySize resizes the terminal: the code stays on the screen.
func TestCodeStaysVisibleAtEverySize(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	code := x.identify("alice")
	cancel := "Esc " + say(t, screen.MsgKeyCancel)
	for _, size := range [][2]int{{40, 12}, {80, 24}, {128, 48}, {40, 12}, {100, 30}, {80, 24}} {
		x.resize(size[0], size[1])
		// It has been redrawn when all its keys are at the bottom again; there
		// may be one empty row below them.
		x.until("a picture of another size", func(string) bool {
			list := strings.Split(x.picture(), "\n")
			return len(list) >= size[1]-1 && strings.Contains(flat(list[len(list)-1]), cancel)
		})
		x.mustShow(screen.SpellOut(code))
	}
	x.mustRun()
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgShownTitle))
	x.checkAll(kiosk.StageShown, kiosk.NoReason)
}

// TestStopRestoresTheTerminal: in every phase a stop leaves the terminal as it was before.
func TestStopRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		term   string
		signal os.Signal
		desk   bool
	}{
		{"systemctl stop on the console", "linux", syscall.SIGTERM, false},
		{"systemctl stop in a terminal window", "xterm-256color", syscall.SIGTERM, false},
		{"the terminal window is closed", "xterm-256color", syscall.SIGHUP, false},
		{"Ctrl-C at a desk", "xterm-256color", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "TERM="+c.term)
			var args []string
			if c.desk {
				args = []string{"--desk"}
			}
			x := r.screen(args...)
			x.identify("alice")
			mode, _ := x.mode()
			if raw := x.termios(); raw == x.before || (mode&vt10x.ModeAltScreen != 0) != (c.term != "linux") {
				t.Errorf("the terminal was not taken over: mode %b", mode)
			}
			if c.desk {
				x.send(ctrlC)
			} else {
				x.signal(c.signal)
			}
			if code := x.waitForExit(); code != 0 {
				t.Errorf("exit code %d; the screen shows\n%s", code, x.picture())
			}
			x.until("a restored terminal", func(string) bool {
				mode, cursor := x.mode()
				return cursor && mode&(vt10x.ModeAltScreen|vt10x.ModeMouseMask|vt10x.ModeAppKeypad) == 0
			})
			if now := x.termios(); now != x.before {
				t.Errorf("termios is %+v, was %+v", now, x.before)
			}
			r.checkRequests(t)
			r.checkState(t, "alice")
			r.checkSecrets(t, "the terminal", x.written())
			if v := r.lastVisit(); v.Stage != kiosk.StageEnded || v.Reason != kiosk.Cancelled {
				t.Errorf("the journal says %v %q", v.Stage, v.Reason)
			}
			if n := r.count("backchannel"); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestCtrlCDoesNotStopTheKiosk: a customer cannot end the program.
func TestCtrlCDoesNotStopTheKiosk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	code := x.identify("alice")
	x.send(strings.Repeat(ctrlC+"\x1a\x1c\x11\x13", 5)) // also Ctrl-Z, Ctrl-\, Ctrl-Q, Ctrl-S
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgShownTitle))
	x.mustRun()
	if got := r.arrivals("backchannel")[0].Code; got != code {
		t.Errorf("the phone has code %s, the screen %s", got, code)
	}
	x.checkAll(kiosk.StageShown, kiosk.NoReason)
}
