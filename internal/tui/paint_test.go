package tui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func sampleReady() screen.Screen {
	return screen.Screen{Phase: kiosk.Ready, Site: "Corner Shop", Title: "Scan your card", Keys: []screen.Key{{Cap: "Any key", Text: "Begin", Does: kiosk.OtherKey}}}
}

// While a customer waits, there is a frame every second.
func TestNextFrameRemovesForeignText(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		sc := sampleWaiting()
		s.Show(sc)
		time.Sleep(time.Second)
		want := m.text()
		for range 3 {
			_, _ = m.vt.Write([]byte("\x1b[3;1Hsystemd[1]: Started something.\r\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"))
			if m.text() == want {
				t.Fatal("the foreign text is not on the terminal")
			}
			sc.Gauge = &screen.Gauge{Part: sc.Gauge.Part, Text: sc.Gauge.Text}
			sc.Gauge.Part -= 0.0001 // no visible change
			s.Show(sc)
			time.Sleep(time.Second)
			if got := m.text(); got != want {
				t.Errorf("after the next frame:\n%s\nwant\n%s", got, want)
			}
		}
	})
}

func TestTypedLettersRedrawLittle(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		time.Sleep(time.Second / 2)
		before, _ := m.written()
		for _, text := range []string{"a", "al", "ali"} {
			s.Show(sampleEntry(text))
			synctest.Wait()
		}
		after, _ := m.written()
		if n := len(after) - len(before); n > 600 {
			t.Errorf("three letters took %d bytes", n)
		}
	})
}

func isLit(m *memory) bool { return strings.TrimSpace(m.text()) != "" }

const blankAfter = 10 * time.Minute

func TestFirstKeyOnADarkScreenOnlyLightsIt(t *testing.T) {
	for _, c := range []struct{ name, bytes, want string }{
		{"a letter", "a", ""},
		{"Enter", "\r", ""},
		{"Escape", "\x1b", ""},
		{"an arrow", "\x1b[A", ""},
		{"two quick letters", "ab", ""},
		{"a paste", "\x1b[200~alice\x1b[201~", ""},
		{"a card", "alice\r", "<scan alice>"},
		{"a card without an end", "100425", "<scan 100425>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onTerminal(t, 80, 24, Options{BlankAfter: blankAfter, SyncEvery: time.Minute}, func(t *testing.T, s *Screen, m *memory) {
				s.Show(sampleReady())
				time.Sleep(blankAfter - time.Second)
				if !isLit(m) {
					t.Fatal("dark too early")
				}
				time.Sleep(time.Hour)
				if isLit(m) {
					t.Fatalf("not dark:\n%s", m.text())
				}
				at(time.Millisecond, m, c.bytes)
				time.Sleep(time.Second)
				if !isLit(m) {
					t.Error("the screen stays dark")
				}
				if got := received(s); got != c.want {
					t.Errorf("received %q, want %q", got, c.want)
				}
				m.typeIn("x") // the next key counts
				time.Sleep(time.Second)
				if got := received(s); got != "x" {
					t.Errorf("the next key: received %q", got)
				}
				time.Sleep(blankAfter)
				if isLit(m) {
					t.Error("the screen does not go dark again")
				}
			})
		})
	}
}

func TestScreenStaysLitDuringAVisit(t *testing.T) {
	onTerminal(t, 80, 24, Options{BlankAfter: blankAfter}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		time.Sleep(3 * blankAfter)
		if !isLit(m) {
			t.Error("dark during a visit")
		}
		s.Show(sampleReady())
		time.Sleep(2 * blankAfter)
		s.Show(sampleWaiting()) // such as a resumed visit
		time.Sleep(time.Second)
		if !isLit(m) {
			t.Error("dark at the beginning of a visit")
		}
	})
}

func TestFirstTouchOnADarkScreenOnlyLightsIt(t *testing.T) {
	onEmulator(t, Options{BlankAfter: blankAfter}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleReady())
		time.Sleep(2 * blankAfter)
		for _, want := range []string{"", fmt.Sprintf("<tap %d>", kiosk.OtherKey)} {
			m.typeIn(click(40, 5, 'M') + click(40, 5, 'm'))
			time.Sleep(time.Second)
			if got := received(s); got != want || !isLit(m) {
				t.Errorf("received %q, want %q; lit: %v", got, want, isLit(m))
			}
		}
	})
}

// The idle screen moves by one cell together with its touch targets, and returns with the next visit. At 40x12 there is
// no room to move.
func TestIdleScreenMoves(t *testing.T) {
	where := func(m *memory) (x, y int) {
		for y, row := range m.rows() {
			if x := strings.Index(row, "Scan your card"); x >= 0 {
				return x, y
			}
		}
		return -1, -1
	}
	onTerminal(t, 80, 24, Options{SyncEvery: 10 * time.Second}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleReady())
		synctest.Wait()
		x0, y0 := where(m)
		time.Sleep(time.Second) // avoids the instant of a tick
		places := map[[2]int]bool{}
		for range 8 {
			time.Sleep(shiftEvery)
			synctest.Wait() // the painter wakes at the same instant
			x, y := where(m)
			places[[2]int{x - x0, y - y0}] = true
			shown := s.onDisplay.Load()
			target := shown.frame.Targets[0]
			if row := []rune(m.rows()[target.Y+shown.offY]); !strings.Contains(string(row), "Any key") {
				t.Errorf("the key is drawn elsewhere: %q", string(row))
			}
		}
		if len(places) != 4 {
			t.Errorf("%v", places)
		}
		for p := range places {
			if p[0] < 0 || p[0] > 1 || p[1] < 0 || p[1] > 1 {
				t.Errorf("moved by %v", p)
			}
		}
		s.Show(sampleWaiting())
		synctest.Wait()
		s.Show(sampleReady())
		synctest.Wait()
		if x, y := where(m); x != x0 || y != y0 {
			t.Error("after a visit the screen is not in its place")
		}
	})
	onTerminal(t, 40, 12, Options{SyncEvery: 10 * time.Second}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleReady())
		synctest.Wait()
		x0, y0 := where(m)
		time.Sleep(shiftEvery + time.Minute)
		if x, y := where(m); x != x0 || y != y0 {
			t.Error("the screen moves although there is no room")
		}
	})
}
