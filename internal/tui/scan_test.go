package tui

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// story of what came: characters as they are, other keys and scans by name.
func told(s *Screen) string {
	synctest.Wait()
	var b strings.Builder
	for {
		select {
		case ev, ok := <-s.Events():
			if !ok {
				return b.String()
			}
			switch ev := ev.(type) {
			case Press:
				if ev.Key == Rune {
					b.WriteRune(ev.Rune)
				} else {
					fmt.Fprintf(&b, "<%s>", ev.Key)
				}
			case Scan:
				fmt.Fprintf(&b, "<scan %s>", string(ev.Text))
			case Tap:
				fmt.Fprintf(&b, "<tap %d%s>", ev.Key, strings.Trim(string(ev.Rune), "\x00"))
			}
		default:
			return b.String()
		}
	}
}

// at types characters at a pace.
func at(pace time.Duration, m *memory, text string) {
	for _, r := range text {
		m.typeIn(string(r))
		time.Sleep(pace)
	}
}

func TestScannersAreToldFromFingers(t *testing.T) {
	const scanner, finger = 10 * time.Millisecond, 90 * time.Millisecond
	token := "eyJ" + strings.Repeat("x", 900) + ".c2ln"
	for _, c := range []struct {
		name string
		do   func(m *memory)
		want string
	}{
		{"carriage return", func(m *memory) { at(scanner, m, "alice\r") }, "alice<scan alice>"},
		{"line feed", func(m *memory) { at(scanner, m, "alice\n") }, "alice<scan alice>"},
		{"both", func(m *memory) { at(scanner, m, "alice\r\n") }, "alice<scan alice>"},
		{"tab", func(m *memory) { at(scanner, m, "alice\t") }, "alice<scan alice>"},
		{"nothing behind it", func(m *memory) { at(scanner, m, "100425"); time.Sleep(scanQuiet) }, "100425<scan 100425>"},
		{"all at once", func(m *memory) { m.typeIn("alice@shop.example\r") }, "alice@<scan alice@shop.example>"},
		{"with control bytes", func(m *memory) { at(scanner, m, "\x1dal\x00i\x02ce\x1d\t") }, "alice<scan alice>"},
		{"a signed token", func(m *memory) { at(time.Millisecond, m, token+"\r") }, "eyJxxx<scan " + token + ">"},
		{"two cards", func(m *memory) { at(scanner, m, "alice\t"); time.Sleep(time.Second); at(scanner, m, "carol\t") }, "alice<scan alice>carol<scan carol>"},
		{"fingers", func(m *memory) { at(finger, m, "alice\r") }, "alice<enter>"},
		{"fingers and the language key", func(m *memory) { at(finger, m, "alice\t") }, "alice<tab>"},
		{"fingers, quick at the end", func(m *memory) { at(finger, m, "ali"); at(scanner, m, "ce\r") }, "alice<enter>"},
		{"the program stood still while somebody typed", func(m *memory) { at(finger, m, "alex"); m.typeIn("ander\r") }, "alexander<enter>"},
		{"the same, and the rest comes later", func(m *memory) { at(finger, m, "alex"); m.typeIn("ander of"); time.Sleep(time.Second) }, "alexander of"},
		{"the same from the first letter on", func(m *memory) { m.typeIn("alexander"); time.Sleep(time.Second) }, "alexander"},
		{"the same, and then another language", func(m *memory) { m.typeIn("alice\t") }, "alice<tab>"},
		{"a key that is held", func(m *memory) { at(33*time.Millisecond, m, "aaaaaaaaaa") }, "aaaaaaaaaa"},
		{"a card after half a name", func(m *memory) { at(finger, m, "al"); time.Sleep(scanRest); at(scanner, m, "carol\t") }, "alcarol<scan carol>"},
		{"fingers go on where a scan would end", func(m *memory) {
			at(scanner, m, "1004257")
			time.Sleep(scanQuiet / 2)
			m.typeIn("8")
			time.Sleep(scanQuiet * 2)
		}, "10042578"},
		{"fewer than a scan", func(m *memory) { at(scanner, m, "ab\r") }, "ab<enter>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
				s.Show(sampleEntry(""))
				synctest.Wait()
				c.do(m)
				time.Sleep(scanGap)
				if got := told(s); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestAScanOnTheWrongScreenIsNoKey: no character of it, and not its end.
func TestAScanOnTheWrongScreenIsNoKey(t *testing.T) {
	for _, scan := range []string{"alice\r", "alice\n", "alice\t", "alice\r\n", "1111", "\x1b[200~alice\x1b[201~"} {
		onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
			s.Show(sampleWaiting())
			synctest.Wait()
			at(20*time.Millisecond, m, scan)
			time.Sleep(scanHold)
			if got := told(s); got != "" {
				t.Errorf("%q came as %q", scan, got)
			}
			m.typeIn("1") // a finger counts
			time.Sleep(scanHold)
			if got := told(s); got != "1" {
				t.Errorf("a key afterwards came as %q", got)
			}
			m.typeIn("\r")
			if got := told(s); got != "<enter>" {
				t.Errorf("Enter afterwards came as %q", got)
			}
		})
	}
}

// TestAScanTooLong is passed on as too long, and not cut to something that fits.
func TestAScanTooLong(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		synctest.Wait()
		m.typeIn(strings.Repeat("a", 5*scanRoom) + "\r")
		if got := told(s); len(got) != len("aaaaaa<scan >")+scanRoom+1 {
			t.Errorf("%d characters came", len(got))
		}
	})
}

// TestTypedCharactersDoNotWait: what is typed is on its way at once.
func TestTypedCharactersDoNotWait(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		synctest.Wait()
		for _, k := range []string{"a", "1", "\r", "\t"} {
			start := time.Now()
			m.typeIn(k)
			if got := told(s); got == "" || time.Since(start) > 0 {
				t.Errorf("%q came as %q after %v", k, got, time.Since(start))
			}
			time.Sleep(time.Second)
		}
	})
}

func TestAScanDoesNotTellItself(t *testing.T) {
	if s := fmt.Sprintf("%v %+v %#v", Scan{Text: kiosk.Secret("alice")}, Scan{Text: kiosk.Secret("alice")}, Scan{Text: kiosk.Secret("alice")}); strings.Contains(s, "alice") {
		t.Error(s)
	}
}

// FuzzKeys: whatever bytes come, at whatever pace, the keys after them count and
// nothing is said twice.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("alice\r\n"), uint16(0x5555))
	f.Add([]byte("\x1b[<0;3;4Mali\x1b[200~x\x1b[M   ce\t"), uint16(3))
	f.Add([]byte("\x1b]0;\x9b\xffabcdefgh"), uint16(0))
	f.Fuzz(func(t *testing.T, in []byte, pace uint16) {
		onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
			if pace&1 == 1 {
				s.Show(sampleEntry(""))
			} else {
				s.Show(sampleWaiting())
			}
			synctest.Wait()
			for i := range min(len(in), 200) {
				m.typeIn(string(in[i : i+1]))
				if pace>>(i%16)&1 == 1 {
					time.Sleep(scanGap + time.Millisecond)
				}
				told(s)
			}
			time.Sleep(2 * pasteLimit)
			told(s)
			// A parser in the middle of a sequence may take what ends it for a part of it.
			for range 3 {
				m.typeIn("\x1b")
				time.Sleep(time.Second)
			}
			told(s)
			m.typeIn("z")
			time.Sleep(scanHold)
			if got := told(s); got != "z" {
				t.Errorf("after %q a key comes as %q", in, got)
			}
		})
	})
}

// TestADeviceThatStandsStillInAScan: however late the rest of a scan is heard of on a
// screen that does not ask for one, no part of it is a key. A character alone would ask
// again, and a phone would ring.
func TestADeviceThatStandsStillInAScan(t *testing.T) {
	const still = 400 * time.Millisecond
	for _, rest := range []string{"", "111", "1\r", "\r", "\t", "\r\n"} {
		t.Run(fmt.Sprintf("%q comes late", rest), func(t *testing.T) {
			onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
				s.Show(sampleWaiting())
				synctest.Wait()
				var late atomic.Bool // the timer asks it
				s.tty.unread = late.Load
				m.typeIn("1")
				late.Store(rest != "")
				time.Sleep(scanHold + 10*time.Millisecond) // the timer is heard of first
				late.Store(false)
				m.typeIn(rest)
				time.Sleep(still)
				want := ""
				if rest == "" {
					want = "1"
				}
				if got := told(s); got != want {
					t.Errorf("came as %q, want %q", got, want)
				}
				m.typeIn("2")
				time.Sleep(scanHold)
				if got := told(s); got != "2" {
					t.Errorf("a key afterwards came as %q", got)
				}
			})
		})
	}
}

// TestWhatIsBetweenReadingAndCounting: the rest of a scan has just been read, and its
// reader has not had its turn to say so when it is looked for.
func TestWhatIsBetweenReadingAndCounting(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		synctest.Wait()
		var once sync.Once
		s.tty.unread = func() bool {
			once.Do(func() { go m.typeIn("11\r") })
			return false
		}
		m.typeIn("1")
		time.Sleep(scanQuiet)
		if got := told(s); got != "" {
			t.Errorf("came as %q", got)
		}
		m.typeIn("2")
		time.Sleep(scanHold)
		if got := told(s); got != "2" {
			t.Errorf("a key afterwards came as %q", got)
		}
	})
}

// TestTheEndOfAScanComesLate: what was scanned is neither cut short where the device stood
// still, nor does its line feed count on the screen that comes next.
func TestTheEndOfAScanComesLate(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		synctest.Wait()
		var late atomic.Bool // the timer asks it
		s.tty.unread = late.Load
		at(10*time.Millisecond, m, "100425")
		late.Store(true)
		time.Sleep(scanQuiet)
		late.Store(false)
		m.typeIn("789")
		time.Sleep(scanQuiet)
		if got := told(s); got != "100425789" {
			t.Errorf("half a number came as %q", got) // it stands in the field: Enter sends it
		}
		time.Sleep(scanRest)
		at(10*time.Millisecond, m, "alice\r")
		late.Store(true)
		s.Show(sampleWaiting())
		time.Sleep(scanHold)
		late.Store(false)
		m.typeIn("\n")
		time.Sleep(scanHold)
		if got := told(s); got != "alice<scan alice>" {
			t.Errorf("came as %q", got)
		}
		m.typeIn("\r")
		if got := told(s); got != "<enter>" {
			t.Errorf("Enter afterwards came as %q", got)
		}
	})
}

// TestWhatTcellKeepsToItselfIsWaitedForOnce: keys that never come do not keep others waiting.
func TestWhatTcellKeepsToItselfIsWaitedForOnce(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		synctest.Wait()
		s.tty.typed.Add(3)
		m.typeIn("1")
		time.Sleep(scanHold * (1 + scanLooks))
		if got := told(s); got != "1" {
			t.Errorf("the first key came as %q", got)
		}
		m.typeIn("\x1bOA\x1b[[A2") // an arrow, and F1 of a Linux console
		time.Sleep(scanHold)
		if got := told(s); !strings.HasSuffix(got, "2") {
			t.Errorf("the next keys came as %q", got)
		}
	})
}
