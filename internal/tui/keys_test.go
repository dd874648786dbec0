package tui

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func TestKeysOfAConsole(t *testing.T) {
	for _, tc := range []struct {
		name, bytes string
		want        []Key
		text        string
	}{
		{"letters", "al", []Key{Rune, Rune}, "al"},
		{"an umlaut", "ü", []Key{Rune}, "ü"},
		{"a scan that ends with carriage return", "42\r", []Key{Rune, Rune, Enter}, "42"},
		{"a scan that ends with line feed", "42\n", []Key{Rune, Rune, Enter}, "42"},
		{"a scan that ends with tab", "42\t", []Key{Rune, Rune, Tab}, "42"},
		{"backspace", "\x7f", []Key{Backspace}, ""},
		{"the other backspace", "\b", []Key{Backspace}, ""},
		{"delete", "\x1b[3~", []Key{Backspace}, ""},
		{"arrows", "\x1b[A\x1b[B\x1b[D\x1b[C", []Key{Up, Down, Left, Right}, ""},
		{"arrows in application mode", "\x1bOA\x1bOB", []Key{Up, Down}, ""},
		{"pages", "\x1b[5~\x1b[6~", []Key{PageUp, PageDown}, ""},
		{"F1 and F5 of the Linux console", "\x1b[[A\x1b[[E", []Key{F1, F5}, ""},
		{"F1 of an emulator", "\x1bOP", []Key{F1}, ""},
		{"F12", "\x1b[24~", []Key{F12}, ""},
		{"interrupt", "\x03", []Key{Interrupt}, ""},
		{"technician", "\x14", []Key{Technician}, ""},
		{"keys without a meaning", "\x01\x07\x1b[2~\x1b[H\x1bx", nil, ""},
		{"a bar code with an escape sequence that opens a string", "\x1b]0;a", []Key{Rune, Rune, Rune}, "0;a"},
		{"the other strings", "\x1b^b\x1b_c\x1bXd", []Key{Rune, Rune, Rune}, "bcd"},
		{"a paste whose line break is not Enter", "\x1b[200~a\rb\x1b[201~\r", []Key{Rune, Rune, Enter}, "ab"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
				m.typeIn(tc.bytes)
				time.Sleep(100 * time.Millisecond)
				var got []Key
				text := ""
				for _, p := range presses(s) {
					got = append(got, p.Key)
					if p.Key == Rune {
						text += string(p.Rune)
					}
				}
				if !slices.Equal(got, tc.want) || text != tc.text {
					t.Errorf("%v %q, want %v %q", got, text, tc.want, tc.text)
				}
				m.typeIn("z\r") // later keys still arrive
				if after := presses(s); len(after) != 2 || after[0].Rune != 'z' || after[1].Key != Enter {
					t.Errorf("afterwards z and Enter arrived as %v", after)
				}
			})
		})
	}
}

func TestEscapeArrivesWithin100Milliseconds(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		start := time.Now()
		m.typeIn("\x1b")
		for ev := range s.Events() {
			if p, is := ev.(Press); is {
				if d := time.Since(start); p.Key != Escape || d > 100*time.Millisecond {
					t.Errorf("%v after %v", p, d)
				}
				return
			}
		}
	})
}

func TestEscapeAtTheEndOfAReadKeepsLaterKeys(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		m.typeIn("\x1b")
		m.typeIn("]")
		m.typeIn("ok")
		time.Sleep(time.Second)
		if got := presses(s); len(got) != 2 || got[0].Rune != 'o' {
			t.Errorf("%v", got)
		}
		m.typeIn("\x1b")
		time.Sleep(time.Second)
		m.typeIn("]x")
		if got := presses(s); len(got) != 3 || got[0].Key != Escape || got[1].Rune != ']' || got[2].Rune != 'x' {
			t.Errorf("after a real Esc: %v", got)
		}
	})
}

func TestPasteIsLimitedInLengthAndTime(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		got := 0
		m.typeIn("\x1b[200~")
		for range 20 {
			m.typeIn(strings.Repeat("a", 32))
			got += len(presses(s))
		}
		if got != pasteRoom {
			t.Errorf("%d characters of a long paste", got)
		}
		time.Sleep(pasteLimit + time.Millisecond) // its end sequence never arrives
		m.typeIn("\r")
		if p := presses(s); len(p) != 1 || p[0].Key != Enter {
			t.Errorf("Enter after an endless paste: %v", p)
		}
	})
}

func TestKeysCarryTheGenerationOnDisplay(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		m.typeIn("0")
		if p := presses(s); len(p) != 1 || p[0].Generation != 0 {
			t.Errorf("before the first screen: %+v", p)
		}
		first := s.Show(sampleEntry(""))
		if again := s.Show(sampleEntry("a")); again != first {
			t.Errorf("the same phase has numbers %d and %d", first, again)
		}
		synctest.Wait()
		m.typeIn("1")
		if p := presses(s); len(p) != 1 || p[0].Generation != first {
			t.Errorf("on the first: %d, want %d", p[0].Generation, first)
		}

		stuck := make(chan struct{})
		m.mu.Lock()
		m.stuck = stuck
		m.mu.Unlock()
		second := s.Show(sampleWaiting())
		if second <= first {
			t.Errorf("number %d follows %d", second, first)
		}
		m.typeIn("2") // the second screen is not drawn yet
		if p := presses(s); len(p) != 1 || p[0].Generation != first {
			t.Errorf("before the second was drawn: %+v", p)
		}
		m.typeIn("\x1b")
		synctest.Wait()
		m.mu.Lock()
		m.stuck = nil
		m.mu.Unlock()
		close(stuck)
		synctest.Wait()
		time.Sleep(100 * time.Millisecond)
		if p := presses(s); len(p) != 1 || p[0].Key != Escape || p[0].Generation != first {
			t.Errorf("an Escape pressed before and decoded after the second was drawn: %+v", p)
		}
		m.typeIn("3")
		time.Sleep(scanHold) // so it is not a scan
		if p := presses(s); len(p) != 1 || p[0].Generation != second {
			t.Errorf("on the second: %+v, want %d", p, second)
		}
		s.Show(screen.Screen{Phase: kiosk.Ready})
	})
}

func TestPressStringHidesTheCharacter(t *testing.T) {
	p := Press{Key: Rune, Rune: 'q'}
	if got := p.String(); strings.Contains(got, "q") {
		t.Errorf("%q", got)
	}
	if got := Key(200).String(); got != "key?" {
		t.Errorf("%q", got)
	}
}

func TestLostTerminalIsReported(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		close(m.gone)
		for ev := range s.Events() {
			if lost, is := ev.(Lost); is {
				if lost.Err == nil {
					t.Error("Lost has no error")
				}
				return
			}
		}
		t.Error("nothing was reported")
	})
}
