package tui

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hinshun/vt10x"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func TestTerminalShowsTheFrame(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		sc := sampleWaiting()
		s.Show(sc)
		synctest.Wait()
		f := layout.Draw(sc, 80, 24, layout.Options{HalfBlocks: true})
		for y, row := range m.rows() {
			want := ""
			for x := range f.W {
				want += f.At(x, y).Text
			}
			if row != strings.TrimRight(want, " ") {
				t.Errorf("row %d shows %q, want %q", y, row, want)
			}
		}
		if m.vt.CursorVisible() {
			t.Error("there is a cursor but no field")
		}
		m.vt.Lock()
		defer m.vt.Unlock()
		if c := m.vt.Cell(6, 3); c.BG != vt10x.Black {
			t.Errorf("the title has background %d", c.BG)
		}
	})
}

func TestCursorIsInTheField(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry("alice"))
		synctest.Wait()
		c := m.vt.Cursor()
		if row := m.rows()[c.Y]; !m.vt.CursorVisible() || !strings.HasSuffix(string([]rune(row)[:c.X]), "alice") {
			t.Errorf("cursor at %d,%d in %q", c.X, c.Y, row)
		}
	})
}

func TestResizeRedraws(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		synctest.Wait()
		m.resize(40, 12)
		synctest.Wait()
		if got := m.rows()[11]; !strings.Contains(got, "Cancel") {
			t.Errorf("the last row of the smaller screen is %q", got)
		}
		seen := false
		for len(s.events) > 0 {
			if r, is := (<-s.Events()).(Resized); is && r == (Resized{40, 12}) {
				seen = true
			}
		}
		if !seen {
			t.Error("no Resized event")
		}
		if w, h := s.Size(); w != 40 || h != 12 {
			t.Errorf("size is %dx%d", w, h)
		}
	})
}

func TestResizeWithoutASignalRedraws(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		synctest.Wait()
		m.mu.Lock() // as on a console that is not the controlling terminal
		m.w, m.h = 40, 12
		m.vt.Resize(40, 12)
		m.mu.Unlock()
		s.Show(sampleWaiting())
		synctest.Wait()
		if got := m.rows()[11]; !strings.Contains(got, "Cancel") {
			t.Errorf("the last row is %q", got)
		}
	})
}

func TestIdleScreenWritesNothing(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		synctest.Wait()
		_, before := m.written()
		time.Sleep(24 * time.Hour) // virtual
		s.Show(sampleWaiting())    // an equal screen changes nothing
		synctest.Wait()
		if _, after := m.written(); after != before {
			t.Errorf("%d writes in an idle day", after-before)
		}
	})
}

func TestPeriodicRedrawRemovesForeignText(t *testing.T) {
	onTerminal(t, 80, 24, Options{SyncEvery: time.Minute}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		synctest.Wait()
		want := m.text()
		const kernel = "\x1b[10;1Husb 1-1: new device\r\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
		_, _ = m.vt.Write([]byte(kernel))
		if m.text() == want {
			t.Fatal("the foreign text did not show")
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if got := m.text(); got != want {
			t.Errorf("after a minute:\n%s", got)
		}
		_, _ = m.vt.Write([]byte(kernel))
		s.Redraw()
		synctest.Wait()
		if got := m.text(); got != want {
			t.Errorf("after Redraw:\n%s", got)
		}
		_, before := m.written()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if _, after := m.written(); after-before > 60 {
			t.Errorf("%d writes in ten quiet minutes", after-before)
		}
	})
}

func TestShowDoesNotWaitForAStoppedTerminal(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		synctest.Wait()
		stuck := make(chan struct{})
		m.mu.Lock()
		m.stuck = stuck
		_, before := m.raw.String(), m.writes
		m.mu.Unlock()
		for i := range 1000 { // Show returns although the terminal is stopped
			sc := sampleWaiting()
			sc.Gauge = &screen.Gauge{Part: float64(i) / 1000, Text: strings.Repeat("i", i%30)}
			s.Show(sc)
		}
		last := sampleWaiting()
		last.Title = "The last one"
		s.Show(last)
		m.mu.Lock()
		m.stuck = nil
		m.mu.Unlock()
		close(stuck)
		synctest.Wait()
		if !strings.Contains(m.text(), "The last one") {
			t.Errorf("the last screen is not shown:\n%s", m.text())
		}
		if _, after := m.written(); after-before > 100 {
			t.Errorf("%d writes for a thousand screens on a stopped terminal", after-before)
		}
	})
}

// known matches the commands that tcell itself may send to a Linux console.
var known = regexp.MustCompile(`^\x1b(\[\d+;\d+H|\[[\d;]*m|\[\?25[lh]|\[\?[01]c|\[\?7[lh]|\[\?100[0236]l|\[H|\[J|\)0|\[\?2004[lh]|\[39;49m)`)

// The test draws texts of a hostile server and checks every byte that is written.
func TestHostileTextNeverBecomesACommand(t *testing.T) {
	evil := []string{"\x1b[2J\x1b[Hgone", "\u009b31mred", "\x1b]0;title\x07", "\x1bc", "\x1b[?1049l", "a\x1b", "\x9b2J", "\x07\x08\x0e", "\u0090q\u009c",
		"\u202egnp.exe", "x\u200b\u2066y", "\x1b[99;99Hx\x1b[41m", "\x1b(0", "e" + strings.Repeat("\u0301", 200), "\xf0\x9f\xff", "日本語\x1b[5m"}
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		for i, e := range evil {
			o := evil[(i+5)%len(evil)]
			s.Show(screen.Screen{Phase: kiosk.Phase(i % 9), Site: e, Title: e + o, Lines: []string{e, o}, Warning: o, Code: e, SpelledCode: o,
				Entry: &screen.Entry{Label: e, Text: o, Example: e, Problem: o}, Gauge: &screen.Gauge{Part: 0.3, Text: e},
				Steps: []screen.ListStep{{Text: e}}, Details: []kiosk.Field{{Label: e, Value: o}}, Paging: e,
				Link: &screen.Link{URL: e, Caption: o}, Keys: []screen.Key{{Cap: e, Text: o}}})
			synctest.Wait()
			s.Show(screen.Screen{Title: o, Notice: &screen.Notice{Title: e, Text: o}})
			synctest.Wait()
		}
		raw, _ := m.written()
		for i := 0; i < len(raw); i++ {
			c := raw[i]
			switch {
			case c == 0x1b:
				seq := known.FindString(raw[i:])
				if seq == "" {
					t.Fatalf("a command that tcell does not send: %q", raw[i:min(i+20, len(raw))])
				}
				i += len(seq) - 1
			case c == 0x0f: // part of "attributes off" on a Linux console
			case c < ' ' || c == 0x7f:
				t.Fatalf("control character %#x on the wire: %q", c, raw[max(0, i-20):i+1])
			}
		}
		if strings.Contains(raw, "\u009b") || strings.Contains(raw, "\u202e") {
			t.Error("an eight-bit introducer or a direction override is on the wire")
		}
		for _, cmd := range []string{"\x1b[2J", "\x1b[99;99H", "\x1b[5m", "\x1bc"} {
			if strings.Contains(raw, cmd) {
				t.Errorf("%q is on the wire", cmd)
			}
		}
	})
}

func TestOpenErrors(t *testing.T) {
	for _, tc := range []struct{ name, term, theme, says string }{
		{"TERM not set", "", "", "TERM is not set"},
		{"TERM unknown", "no-such-terminal", "", "no-such-terminal"},
		{"theme unknown", "linux", "pink", "dark, deuteranopia, high-contrast, light, mono, tritanopia"},
	} {
		t.Setenv("TERM", tc.term)
		s, err := Open(Options{Theme: tc.theme, Tty: newMemory(80, 24)})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", tc.name)
			continue
		}
		if !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	t.Setenv("TERM", "linux")
	if _, err := Open(Options{Device: "/dev/null"}); err == nil {
		t.Error("a device that is not a terminal was opened")
	}
	if _, err := Open(Options{Device: "/no/such/tty"}); err == nil {
		t.Error("a missing device was opened")
	}
}

func TestOpenSupportsCommonTerminals(t *testing.T) {
	for _, term := range []string{"linux", "xterm", "xterm-256color", "screen", "tmux-256color", "vt220"} {
		t.Run(term, func(t *testing.T) {
			onTerm(t, term, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
				s.Show(sampleWaiting())
				synctest.Wait()
				if got := m.text(); !strings.Contains(got, "Look at your phone") || !strings.Contains(got, "█") {
					t.Errorf("it shows\n%s", got)
				}
			})
		})
	}
}
