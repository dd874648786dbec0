package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// oddKeys are sequences that keyboards, scanners and bar codes can send besides plain keys.
var oddKeys = []struct{ name, bytes string }{
	{"a Latin-1 letter", "\xe9"},
	{"a byte that no character has", "\xff"},
	{"half a character", "\xc3"},
	{"a character's second half", "\xa9"},
	{"a C1 control as a byte", "\x9b"},
	{"a character that has been cut short", "\xe6\xbca"},
	{"an operating system command", "\x1b]0;x"},
	{"a device control string", "\x1bPx"},
	{"an application command", "\x1b_x"},
	{"a privacy message", "\x1b^x"},
	{"a start of string", "\x1bXx"},
	{"half a key", "\x1b["},
	{"half a function key", "\x1bO"},
	{"half a function key of the console", "\x1b[["},
	{"Escape twice at once", "\x1b\x1b"},
	{"Escape three times at once", "\x1b\x1b\x1b"},
	{"a key in the way of Windows terminals", "\x1b[0;0;97;1;0;1_"},
	{"Escape in the way of Windows terminals", "\x1b[0;0;27;1;0;1_"},
	{"a key with a huge number", "\x1b[99999999999999999999~"},
	{"a key repeated two thousand million times", "\x1b[65;30;97;1;0;2000000000_"},
	{"the beginning of a paste without its end", "\x1b[200~"},
	{"the end of a paste", "\x1b[201~"},
	{"a click", "\x1b[<0;1;1M"},
	{"the terminal gets the focus", "\x1b[I"},
	{"a clipboard", "\x1b]52;c;YWxpY2U=\x07"},
	{"NUL", "\x00"},
	{"Ctrl-Z and Ctrl-\\", "\x1a\x1c"},
	{"Ctrl-S", "\x13"},
}

// TestUnusualKeysDoNotBlockLaterKeys: whatever was sent before, the next customer's keys work.
func TestUnusualKeysDoNotBlockLaterKeys(t *testing.T) {
	t.Parallel()
	for _, c := range oddKeys {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			x := r.screen()
			x.begin("x")
			x.send(c.bytes)
			// A moment later somebody presses Escape several times, as people do.
			for range 6 {
				if x.within(time.Second, containing(say(t, screen.MsgReadyTitle))) {
					break
				}
				x.send(escape)
			}
			if !strings.Contains(flat(x.picture()), say(t, screen.MsgReadyTitle)) {
				t.Fatalf("Escape does nothing any more; the screen shows\n%s", x.picture())
			}
			x.begin("bob")
			x.press(escape, say(t, screen.MsgReadyTitle))
			x.signal(syscall.SIGTERM)
			if code := x.waitForExit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// settle waits until the kiosk has worked off what was typed: on a busy machine, keys wait in the terminal for seconds.
func (x *terminal) settle() {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		before := len(x.written())
		time.Sleep(time.Second)
		if len(x.written()) == before {
			return
		}
	}
}

// TestThousandsOfRandomKeys presses two thousand random keys, as children do.
func TestThousandsOfRandomKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("deny", 0, "")
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle), say(t, screen.MsgKeyHelp)) // the last word of the screen
	ready := x.picture()
	keys := []string{
		enter, enter, enter, enter, escape, "\t", "\x7f", " ", "1", "1", "?", "a", "alice", "bob", "zoe", "é", "漢", "\n",
		"\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[[A", "\x1b[24~", "\x1b[1;5A", ctrlC, "\x04", "\x0c",
	}
	for _, k := range oddKeys {
		keys = append(keys, k.bytes)
	}
	// The seed is fixed, so that a failure repeats.
	dice := rand.New(rand.NewPCG(20, 26))
	for range 100 {
		var burst strings.Builder
		for range 20 {
			burst.WriteString(keys[dice.IntN(len(keys))])
		}
		x.send(burst.String())
		x.mustRun()
		list := strings.Split(x.picture(), "\n")
		if len(list) > rows || slices.ContainsFunc(list, func(l string) bool { return !isClean(l) }) {
			t.Fatalf("a broken screen:\n%s", x.picture())
		}
	}
	x.settle()
	// From any screen Escape leads back to Ready, which then looks the same, cell for
	// cell.
	for range 20 {
		x.send(escape)
		if x.within(limit/20, func(string) bool { return x.matches(ready) }) {
			break
		}
	}
	if !x.matches(ready) {
		t.Fatalf("it does not recover; before:\n%s\nnow:\n%s", ready, x.picture())
	}
	x.mustRun()
	x.begin("bob") // and still listens
	x.press(escape, say(t, screen.MsgReadyTitle))
	r.checkSecrets(t, "the terminal", x.written())
	x.signal(syscall.SIGTERM)
	if code := x.waitForExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	visits := r.visits()
	pushes := r.count("backchannel")
	if pushes == 0 {
		t.Error("the keys began no visit: they are badly chosen")
	}
	if pushes > len(visits) || pushes > 30 {
		t.Errorf("%d requests for %d visits on record; the guard lets 30 go", pushes, len(visits))
	}
	t.Logf("%d requests, %d visits on record", pushes, len(visits))
	person := map[string]int{}
	for _, v := range visits {
		checkRecord(t, v)
		if person[v.Person]++; person[v.Person] > 3 {
			t.Errorf("one person was asked %d times; the guard lets 3 go", person[v.Person])
		}
	}
	r.checkRequests(t)
}
