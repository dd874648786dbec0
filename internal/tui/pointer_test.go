package tui

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hinshun/vt10x"

	"github.com/ciba-kiosk/ciba-kiosk/internal/evdev"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func withKeys() screen.Screen {
	s := sampleEntry("al")
	s.Keys = []screen.Key{{Cap: "Enter", Text: "Send", Does: kiosk.EnterKey}, {Cap: "Esc", Text: "Cancel", Does: kiosk.EscapeKey}}
	s.Keypad = &screen.Keypad{Rows: [][]screen.Key{{{Cap: "a", Does: kiosk.RuneKey, Rune: 'a'}, {Cap: "b", Does: kiosk.RuneKey, Rune: 'b'}}}}
	return s
}

// middleOf returns the middle of a key on the screen.
func middleOf(t *testing.T, s *Screen, does kiosk.KeyName, r rune) (x, y int) {
	t.Helper()
	for _, target := range s.onDisplay.Load().frame.Targets {
		if target.Key.Does == does && target.Key.Rune == r {
			return target.X + target.W/2, target.Y + target.H/2
		}
	}
	t.Fatalf("no key %d %q", does, r)
	return 0, 0
}

// click returns what an emulator sends when a button goes down ('M') or up ('m').
func click(x, y int, what rune) string { return fmt.Sprintf("\x1b[<0;%d;%d%c", x+1, y+1, what) }

func TestMouseTapsKeys(t *testing.T) {
	onEmulator(t, Options{}, func(t *testing.T, s *Screen, m *memory) {
		gen := s.Show(withKeys())
		synctest.Wait()
		ax, ay := middleOf(t, s, kiosk.RuneKey, 'a')
		bx, by := middleOf(t, s, kiosk.RuneKey, 'b')
		ex, ey := middleOf(t, s, kiosk.EscapeKey, 0)
		for _, c := range []struct{ name, bytes, want string }{
			{"a key of the keypad", click(ax, ay, 'M') + click(ax, ay, 'm'), "<tap 0a>"},
			{"a key at the bottom", click(ex, ey, 'M') + click(ex, ey, 'm'), fmt.Sprintf("<tap %d>", kiosk.EscapeKey)},
			{"slid off", click(ax, ay, 'M') + click(bx, by, 'm'), ""},
			{"beside all keys", click(40, 1, 'M') + click(40, 1, 'm'), fmt.Sprintf("<tap %d>", kiosk.OtherKey)},
			{"outside the screen", click(4000, 4000, 'M') + click(4000, 4000, 'm'), fmt.Sprintf("<tap %d>", kiosk.OtherKey)},
			{"twice down", click(ax, ay, 'M') + click(ax, ay, 'M') + click(ax, ay, 'm'), "<tap 0a>"},
			{"up without down", click(ax, ay, 'm'), ""},
		} {
			m.typeIn(c.bytes)
			if got := received(s); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
		m.typeIn(click(ax, ay, 'M'))
		synctest.Wait()
		s.Show(sampleWaiting())
		synctest.Wait()
		m.typeIn(click(ax, ay, 'm'))
		if got := received(s); got != "" {
			t.Errorf("a key that disappeared under the finger: %q", got)
		}
		s.Show(screen.Screen{Phase: kiosk.Ready, Title: "Ready"})
		synctest.Wait()
		m.typeIn(click(40, 3, 'M') + click(40, 3, 'm'))
		synctest.Wait()
		if ev, ok := (<-s.Events()).(Tap); !ok || ev.Generation != gen+2 {
			t.Errorf("%+v, generation %d", ev, gen+2)
		}
	})
}

func TestTouchTapsKeysOnAConsole(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(withKeys())
		synctest.Wait()
		x, y := middleOf(t, s, kiosk.RuneKey, 'b')
		on := evdev.Contact{X: (float64(x) + 0.5) / 80, Y: (float64(y) + 0.5) / 24, Down: true}
		off := on
		off.Down = false
		seen := func() bool { return true }
		var p pointer
		for _, c := range []struct {
			name     string
			contacts []evdev.Contact
			front    bool
			want     string
		}{
			{"a finger", []evdev.Contact{on, off}, true, "<tap 0b>"},
			{"dropped events", []evdev.Contact{on, {Lost: true}, off}, true, ""},
			{"another terminal is in the foreground", []evdev.Contact{on, off}, false, ""},
			{"in the very corner", []evdev.Contact{{X: 1, Y: 1, Down: true}, {X: 1, Y: 1}}, true, fmt.Sprintf("<tap %d>", kiosk.OtherKey)},
		} {
			for _, contact := range c.contacts {
				s.handleContact(&p, contact, func() bool { return c.front })
			}
			if got := received(s); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
		before, cell := m.text(), m.cell(40, 12)
		s.handleContact(&p, evdev.Contact{X: 0.5, Y: 0.5, Mouse: true}, seen)
		synctest.Wait()
		if arrow := m.cell(40, 12); arrow == cell {
			t.Errorf("the mouse pointer is invisible: %+v", arrow)
		}
		if m.text() != before {
			t.Error("the mouse pointer changes the text")
		}
	})
}

// On a Linux console each click would arrive as typed characters.
func TestMouseIsEnabledOnEmulatorsOnly(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(withKeys())
		synctest.Wait()
		if raw, _ := m.written(); containsAny(raw, "\x1b[?1000h", "\x1b[?1002h", "\x1b[?1003h", "\x1b[?1006h") {
			t.Errorf("%q", raw)
		}
	})
	onEmulator(t, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(withKeys())
		synctest.Wait()
		if raw, _ := m.written(); !containsAny(raw, "\x1b[?1006h") {
			t.Errorf("%q", raw)
		}
	})
}

func TestTerminalNumber(t *testing.T) {
	for stat, want := range map[string]uint64{
		"7 (kiosk) S 1 7 7 1025 7 0":      4<<8 | 1,
		"7 (a) b) 9) S 1 7 7 34816 7 0":   136 << 8,
		"7 (kiosk) S 1 7 7 0 -1 0":        0,
		"7 (kiosk) S 1":                   0,
		"":                                0,
		"7 (kiosk) S 1 7 7 -1 7 0 0 0 0 ": 0,
	} {
		if got := ttyOf([]byte(stat)); got != want {
			t.Errorf("%q: %d, want %d", stat, got, want)
		}
	}
	if n := terminalNumber(os.DevNull); n != 0 {
		t.Errorf("/dev/null is terminal %d", n)
	}
	if !foregroundCheck(os.DevNull)() {
		t.Error("a device that is not a console counts as in the background")
	}
}

func (m *memory) cell(x, y int) vt10x.Glyph {
	m.vt.Lock()
	defer m.vt.Unlock()
	return m.vt.Cell(x, y)
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

func TestFiveCornerTapsAreTheTechnicianKey(t *testing.T) {
	corner, elsewhere := click(3, 2, 'M')+click(3, 2, 'm'), click(60, 20, 'M')+click(60, 20, 'm')
	onEmulator(t, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(withKeys())
		synctest.Wait()
		ex, ey := middleOf(t, s, kiosk.EscapeKey, 0)
		escape := click(ex, ey, 'M') + click(ex, ey, 'm')
		tap, key, left := fmt.Sprintf("<tap %d>", kiosk.OtherKey), fmt.Sprintf("<tap %d>", kiosk.TechnicianKey), fmt.Sprintf("<tap %d>", kiosk.EscapeKey)
		for _, c := range []struct{ name, bytes, want string }{
			{"five taps", strings.Repeat(corner, 5), strings.Repeat(tap, 4) + key},
			{"four, one elsewhere, four", strings.Repeat(corner, 4) + elsewhere + strings.Repeat(corner, 4), strings.Repeat(tap, 9)},
			{"four, a key, four", escape + strings.Repeat(corner, 4) + escape + strings.Repeat(corner, 4), left + strings.Repeat(tap, 4) + left + strings.Repeat(tap, 4)},
			{"nine taps count once", escape + strings.Repeat(corner, 9), left + strings.Repeat(tap, 4) + key + strings.Repeat(tap, 4)},
			{"five elsewhere", strings.Repeat(elsewhere, 5), strings.Repeat(tap, 5)},
		} {
			m.typeIn(c.bytes)
			if got := received(s); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	})
}
