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

// TestForeignTextIsGoneAtTheNextFrame, of which there is one a second while somebody waits.
func TestForeignTextIsGoneAtTheNextFrame(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		sc := sampleWaiting()
		s.Show(sc)
		time.Sleep(time.Second)
		want := m.text()
		for range 3 {
			_, _ = m.vt.Write([]byte("\x1b[3;1Hsystemd[1]: Started something.\r\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"))
			if m.text() == want {
				t.Fatal("the foreign text did not show")
			}
			sc.Gauge = &screen.Gauge{Part: sc.Gauge.Part, Text: sc.Gauge.Text}
			sc.Gauge.Part -= 0.0001 // nothing that can be seen
			s.Show(sc)
			time.Sleep(time.Second)
			if got := m.text(); got != want {
				t.Errorf("after the next frame:\n%s\nwant\n%s", got, want)
			}
		}
	})
}

// TestALetterDoesNotCostAWholePicture.
func TestALetterDoesNotCostAWholePicture(t *testing.T) {
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

func lit(m *memory) bool { return strings.TrimSpace(m.text()) != "" }

const bedtime = 10 * time.Minute

// TestTheScreenGoesDarkAndAKeyBringsLightOnly.
func TestTheScreenGoesDarkAndAKeyBringsLightOnly(t *testing.T) {
	for _, c := range []struct{ name, bytes, want string }{
		{"a letter", "a", ""},
		{"Enter", "\r", ""},
		{"Escape", "\x1b", ""},
		{"an arrow", "\x1b[A", ""},
		{"quick fingers", "ab", ""},
		{"a paste", "\x1b[200~alice\x1b[201~", ""},
		{"a card", "alice\r", "<scan alice>"},
		{"a card without an end", "100425", "<scan 100425>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onTerminal(t, 80, 24, Options{BlankAfter: bedtime, SyncEvery: time.Minute}, func(t *testing.T, s *Screen, m *memory) {
				s.Show(sampleReady())
				time.Sleep(bedtime - time.Second)
				if !lit(m) {
					t.Fatal("dark too early")
				}
				time.Sleep(time.Hour)
				if lit(m) {
					t.Fatalf("not dark:\n%s", m.text())
				}
				at(time.Millisecond, m, c.bytes)
				time.Sleep(time.Second)
				if !lit(m) {
					t.Error("it stays dark")
				}
				if got := told(s); got != c.want {
					t.Errorf("it came as %q, want %q", got, c.want)
				}
				m.typeIn("x") // the next one counts
				time.Sleep(time.Second)
				if got := told(s); got != "x" {
					t.Errorf("the next key came as %q", got)
				}
				time.Sleep(bedtime)
				if lit(m) {
					t.Error("it does not go dark again")
				}
			})
		})
	}
}

// TestNoVisitInTheDark: whatever comes of a visit is seen.
func TestNoVisitInTheDark(t *testing.T) {
	onTerminal(t, 80, 24, Options{BlankAfter: bedtime}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		time.Sleep(3 * bedtime)
		if !lit(m) {
			t.Error("dark in the middle of a visit")
		}
		s.Show(sampleReady())
		time.Sleep(2 * bedtime)
		s.Show(sampleWaiting()) // a visit that is resumed, say
		time.Sleep(time.Second)
		if !lit(m) {
			t.Error("a visit begins in the dark")
		}
	})
}

// TestTheFirstTouchBringsLightOnly.
func TestTheFirstTouchBringsLightOnly(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("LC_ALL", "C.UTF-8")
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(80, 24)
		s, err := Open(Options{Tty: m, BlankAfter: bedtime})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Show(sampleReady())
		time.Sleep(2 * bedtime)
		for _, want := range []string{"", fmt.Sprintf("<tap %d>", kiosk.OtherKey)} {
			m.typeIn(click(40, 5, 'M') + click(40, 5, 'm'))
			time.Sleep(time.Second)
			if got := told(s); got != want || !lit(m) {
				t.Errorf("%q, want %q; lit: %v", got, want, lit(m))
			}
		}
	})
}

// TestAnIdlePictureMoves by one cell, with what can be touched on it, and is in its
// place again with the next visit. At 40x12 there is no room for that.
func TestAnIdlePictureMoves(t *testing.T) {
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
		time.Sleep(time.Second) // not in the very instant of a tick
		places := map[[2]int]bool{}
		for range 8 {
			time.Sleep(shiftEvery)
			synctest.Wait() // the painter wakes at the same instant
			x, y := where(m)
			places[[2]int{x - x0, y - y0}] = true
			shot := s.onDisplay.Load()
			target := shot.frame.Targets[0]
			if row := []rune(m.rows()[target.Y+shot.offY]); !strings.Contains(string(row), "Any key") {
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
			t.Error("after a visit it stands elsewhere")
		}
	})
	onTerminal(t, 40, 12, Options{SyncEvery: 10 * time.Second}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleReady())
		synctest.Wait()
		x0, y0 := where(m)
		time.Sleep(shiftEvery + time.Minute)
		if x, y := where(m); x != x0 || y != y0 {
			t.Error("it moves where there is no room")
		}
	})
}
