package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hinshun/vt10x"

	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// sayIn is say in another language.
func sayIn(t testing.TB, language string, w screen.MessageID, args ...any) string {
	t.Helper()
	c, err := words.Open(language)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(c.Text(w, args...)), " ")
}

// emulator is a terminal that has a mouse and every letter.
const emulator = "TERM=xterm-256color"

// TestVisitInEveryLanguage chooses each language by the language key; the next visit is in the default language again.
func TestVisitInEveryLanguage(t *testing.T) {
	t.Parallel()
	all := words.Languages()
	if len(all) < 8 {
		t.Errorf("only %v", all)
	}
	for i, language := range all {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			// The default is not the tested language.
			first := all[(i+1)%len(all)]
			r := newRig(t, emulator, "KIOSK_LANGUAGES="+first+","+language)
			x := r.screen()
			x.mustShow(sayIn(t, first, screen.MsgReadyTitle))
			x.press("\t", sayIn(t, language, screen.MsgIdentifyTitle), sayIn(t, language, screen.MsgKeyCancel))
			x.typeSlowly("alice")
			x.send(enter)
			x.mustShow(sayIn(t, language, screen.MsgWaitingTitle))
			if err := r.dev.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			x.mustShow(sayIn(t, language, screen.MsgShownTitle))
			x.press(anyKey, "Welcome, Alice", sayIn(t, language, screen.MsgKeyDone))
			x.press(escape, sayIn(t, first, screen.MsgReadyTitle))
			x.checkOver(kiosk.StageShown, kiosk.NoReason)
		})
	}
}

// typeSlowly types at the speed of fingers.
func (x *terminal) typeSlowly(text string) {
	x.t.Helper()
	for _, r := range text {
		x.send(string(r))
		time.Sleep(40 * time.Millisecond)
	}
}

// checkOver does checkAll, and checks that the terminal is as it was before the program started.
func (x *terminal) checkOver(stage kiosk.Stage, why kiosk.Reason) {
	x.t.Helper()
	x.checkAll(stage, why)
	x.until("a restored terminal", func(string) bool {
		mode, cursor := x.mode()
		return cursor && mode&(vt10x.ModeAltScreen|vt10x.ModeMouseMask|vt10x.ModeAppKeypad) == 0
	})
	if now := x.termios(); now != x.before {
		x.t.Errorf("termios is %+v, was %+v", now, x.before)
	}
}

// scan sends a code at the speed of a scanner until the screen answers it as wanted: it may have arrived before the
// screen did, and on a busy machine it arrives in bursts without a measurable speed.
func (x *terminal) scan(code string, want ...string) {
	x.t.Helper()
	tries := 20
	if patience() > 1 {
		tries = 5
	}
	for range tries {
		for _, r := range code {
			x.send(string(r))
			time.Sleep(4 * time.Millisecond)
		}
		if x.within(limit/20, containing(want...)) {
			return
		}
	}
	if patience() > 1 {
		// On a busy machine the speed of the keys is lost on the way. Then the code stays
		// in the field, as if typed by hand, and the test scans again. The tests of package
		// tui control the speed.
		x.t.Skipf("NOT TESTED: this machine is too slow for the pace of a scanner; the screen shows\n%s", x.picture())
	}
	x.t.Fatalf("scanning %q never leads to %q; the screen shows\n%s", code, want, x.picture())
}

// TestVisitsByScanner: whatever a scanner sends after a code, the visit continues by itself. On a screen without an
// input field a scan does nothing.
func TestVisitsByScanner(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{"carriage return": "\r", "line feed": "\n", "both": "\r\n", "tab": "\t", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "KIOSK_IDENTIFIER=email") // one language: a tab that comes too late does no harm
			x := r.screen()
			alice, bob := "alice@shop.example"+end, "\x1dbob@\x02shop.example"+end // scanners send such bytes
			x.mustShow(say(t, screen.MsgReadyTitle))
			x.scan(alice, say(t, screen.MsgWaitingTitle))
			x.code()
			x.send(bob)
			time.Sleep(300 * time.Millisecond)
			x.mustShow(say(t, screen.MsgWaitingTitle))
			if err := r.dev.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			x.mustShow(say(t, screen.MsgShownTitle), say(t, screen.MsgShownHidden))
			x.send(bob)
			if x.within(500*time.Millisecond, containing("Welcome")) {
				t.Error("a scan shows the details")
			}
			x.press(anyKey, "Welcome, Alice")
			x.send(bob)
			if !containing("Welcome, Alice")(flat(x.picture())) || x.within(500*time.Millisecond, containing(say(t, screen.MsgReadyTitle))) {
				t.Errorf("a scan leaves the details:\n%s", x.picture())
			}
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.checkForgotten("alice", "bob", "a***")
			// The next customer declines; a scan does not ask again.
			x.scan(bob, say(t, screen.MsgWaitingTitle))
			x.code()
			if err := r.dev.Deny("bob"); err != nil {
				t.Fatal(err)
			}
			x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)), say(t, screen.MsgKeyAgain))
			x.send("1111111" + end)
			time.Sleep(500 * time.Millisecond)
			x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
			x.press(escape, say(t, screen.MsgReadyTitle))
			if n := r.count("backchannel"); n != 2 {
				t.Errorf("%d requests for two cards", n)
			}
			x.checkOver(kiosk.StageEnded, kiosk.Declined)
		})
	}
}

// TestProcessStoppedDuringAScan stops the process in the middle of a scan, as a lack of CPU or a slow card does, after
// the customer has declined: the first character alone would be the key that asks again.
func TestProcessStoppedDuringAScan(t *testing.T) {
	t.Parallel()
	for range 5 {
		if isStoppedMidScan(t) {
			return
		}
	}
	t.Skip("this machine is too busy to stop a program in the middle of a scan")
}

// isStoppedMidScan reports whether the program was stopped in time: a character that was alone for longer than a
// scanner needs counts as a key.
func isStoppedMidScan(t *testing.T) bool {
	r := newRig(t, "KIOSK_RESULT_TIMEOUT=10m") // the screen that is looked at stays, however long this takes
	x := r.screen()
	defer x.kill()
	x.identify("alice")
	if err := r.dev.Deny("alice"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)), say(t, screen.MsgKeyAgain))
	for _, read := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond} {
		for _, rest := range []string{"111111\r", "111111\t", "\r", "1"} {
			typed := time.Now()
			x.send("1")
			time.Sleep(read) // by then it has been read, or not
			x.signal(syscall.SIGSTOP)
			late := time.Since(typed) > 20*time.Millisecond // the slowest scanner
			x.send(rest)
			time.Sleep(100 * time.Millisecond)
			x.signal(syscall.SIGCONT)
			if late {
				return false
			}
			time.Sleep(200 * time.Millisecond) // the next scan
		}
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
	if n := r.count("backchannel"); n != 1 {
		t.Errorf("%d requests for one visit", n)
	}
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkAll(kiosk.StageEnded, kiosk.Declined)
	return true
}

// TestScanReplacesTypedText scans after half a name was typed.
func TestScanReplacesTypedText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	x.begin("mal")
	time.Sleep(1100 * time.Millisecond) // the card is taken out
	x.scan("alice\t", say(t, screen.MsgWaitingTitle))
	if a := r.arrivals("backchannel"); len(a) != 1 || a[0].User != "alice" {
		t.Errorf("%+v", a)
	}
}

// find returns the position of a text on the screen.
func (x *terminal) find(text string) (column, row int, ok bool) {
	for y, line := range strings.Split(x.picture(), "\n") {
		if at := strings.Index(line+" ", text); at >= 0 { // pictures have no blanks at the end
			return len([]rune(line[:at])) + len([]rune(text))/2, y, true
		}
	}
	return 0, 0, false
}

// clickOnce clicks on a text with the mouse.
func (x *terminal) clickOnce(text string) {
	x.t.Helper()
	column, row, ok := x.find(text)
	if !ok {
		x.t.Fatalf("there is no %q to be pressed:\n%s", text, x.picture())
	}
	x.send(fmt.Sprintf("\x1b[<0;%d;%dM\x1b[<0;%d;%dm", column+1, row+1, column+1, row+1))
}

// click clicks on a text until the screen answers it as wanted.
func (x *terminal) click(text string, want ...string) {
	x.t.Helper()
	for range 20 {
		x.clickOnce(text)
		if x.within(limit/20, containing(want...)) {
			return
		}
	}
	x.t.Fatalf("pressing %q never leads to %q; the screen shows\n%s", text, want, x.picture())
}

// TestVisitByMouse presses no key from the beginning to the end, at any size.
func TestVisitByMouse(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{40, 12}, {80, 24}, {100, 30}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, emulator, "KIOSK_LANGUAGES=en,de")
			x := r.screen()
			x.mustShow(say(t, screen.MsgReadyTitle))
			x.resize(size[0], size[1])
			x.until("a picture of that size", func(text string) bool {
				return len(strings.Split(x.picture(), "\n")) >= size[1]-2 && containing(say(t, screen.MsgReadyTitle), say(t, screen.MsgKeyBegin))(text)
			})
			x.click(say(t, screen.MsgReadyTitle), say(t, screen.MsgIdentifyTitle), "OK")
			x.click(" a ", "│ a │") // a press in the instant in which the keypad appears is lost
			typed := "a"
			for _, letter := range "lice" {
				typed += string(letter)
				x.clickOnce(" " + string(letter) + " ")
				x.mustShow("│ " + typed + " │")
			}
			x.clickOnce("←") // one back, and again
			x.mustShow("│ alic │")
			x.clickOnce(" e ")
			x.mustShow("│ alice │")
			x.click(" OK", say(t, screen.MsgWaitingTitle))
			code := x.code()
			if got := r.arrivals("backchannel"); len(got) != 1 || got[0].User != "alice" || got[0].Code != code {
				t.Fatalf("%+v, the screen has %s", got, code)
			}
			if err := r.dev.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			x.mustShow(say(t, screen.MsgShownTitle))
			x.click(say(t, screen.MsgKeyShow), "Welcome, Alice")
			x.click(say(t, screen.MsgKeyDone), say(t, screen.MsgReadyTitle))
			x.checkOver(kiosk.StageShown, kiosk.NoReason)
		})
	}
}

// TestInputDuringWaitingDoesNotDisturbTheVisit presses keys while the phone rings, resizes the window and pastes
// megabytes: the visit is the same, and the result stays hidden until a key is pressed on its own screen.
func TestInputDuringWaitingDoesNotDisturbTheVisit(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator)
	x := r.screen()
	x.begin("alice")
	x.send(enter + enter + " 1\t" + enter)
	x.code()
	dice := rand.New(rand.NewPCG(5, 1)) // what fails once fails again
	// No key here begins with Escape: on a busy machine such a sequence can be split,
	// and Escape ends a visit. TestThousandsOfRandomKeys has them.
	hammer := []string{enter, " ", "1", "\t", "\x7f", "a", "漢", "zoë", "alice\r", "\n"}
	for range 40 {
		var burst strings.Builder
		for range 10 {
			burst.WriteString(hammer[dice.IntN(len(hammer))])
		}
		x.send(burst.String())
		x.resize(30+dice.IntN(100), 8+dice.IntN(40))
	}
	x.send(strings.Repeat("pasted\r", 300_000)) // two megabytes
	x.resize(columns, rows)
	x.mustShow(say(t, screen.MsgWaitingTitle), "Esc "+say(t, screen.MsgKeyCancel))
	// Keys typed while the process is stopped belong to the screen that was visible.
	x.signal(syscall.SIGSTOP)
	x.send(strings.Repeat(enter+" a1", 50))
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.signal(syscall.SIGCONT)
	x.mustShow(say(t, screen.MsgShownTitle), say(t, screen.MsgShownHidden))
	if x.within(500*time.Millisecond, containing("Welcome")) {
		t.Errorf("the details came without a key:\n%s", x.picture())
	}
	x.press(anyKey, "Welcome, Alice")
	x.press(escape, say(t, screen.MsgReadyTitle))
	x.checkForgotten("alice", "a***")
	if n := r.count("backchannel"); n != 1 {
		t.Errorf("%d requests", n)
	}
	x.checkOver(kiosk.StageShown, kiosk.NoReason)
}
