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

// received returns the events that have arrived: characters as they are, other keys, scans and taps by name.
func received(s *Screen) string {
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

// at types characters with a pause after each.
func at(pace time.Duration, m *memory, text string) {
	for _, r := range text {
		m.typeIn(string(r))
		time.Sleep(pace)
	}
}

// expectKey types one key after a scan and checks that it is received.
func expectKey(t *testing.T, s *Screen, m *memory, key, want string) {
	t.Helper()
	m.typeIn(key)
	time.Sleep(scanHold)
	if got := received(s); got != want {
		t.Errorf("the key %q afterwards: received %q, want %q", key, got, want)
	}
}

func TestScansAreDistinguishedFromTyping(t *testing.T) {
	const scanner, finger = 10 * time.Millisecond, 90 * time.Millisecond
	token := "eyJ" + strings.Repeat("x", 900) + ".c2ln"
	for _, c := range []struct {
		name string
		do   func(m *memory)
		want string
	}{
		{"carriage return", func(m *memory) { at(scanner, m, "alice\r") }, "alice<scan alice>"},
		{"line feed", func(m *memory) { at(scanner, m, "alice\n") }, "alice<scan alice>"},
		{"carriage return and line feed", func(m *memory) { at(scanner, m, "alice\r\n") }, "alice<scan alice>"},
		{"tab", func(m *memory) { at(scanner, m, "alice\t") }, "alice<scan alice>"},
		{"no end key", func(m *memory) { at(scanner, m, "100425"); time.Sleep(scanQuiet) }, "100425<scan 100425>"},
		{"all at once", func(m *memory) { m.typeIn("alice@shop.example\r") }, "alice@<scan alice@shop.example>"},
		{"with control bytes", func(m *memory) { at(scanner, m, "\x1dal\x00i\x02ce\x1d\t") }, "alice<scan alice>"},
		{"a signed token", func(m *memory) { at(time.Millisecond, m, token+"\r") }, "eyJxxx<scan " + token + ">"},
		{"two cards", func(m *memory) { at(scanner, m, "alice\t"); time.Sleep(time.Second); at(scanner, m, "carol\t") }, "alice<scan alice>carol<scan carol>"},
		{"typing", func(m *memory) { at(finger, m, "alice\r") }, "alice<enter>"},
		{"typing and the language key", func(m *memory) { at(finger, m, "alice\t") }, "alice<tab>"},
		{"typing, quick at the end", func(m *memory) { at(finger, m, "ali"); at(scanner, m, "ce\r") }, "alice<enter>"},
		{"the program stalled during typing", func(m *memory) { at(finger, m, "alex"); m.typeIn("ander\r") }, "alexander<enter>"},
		{"the same, with a rest later", func(m *memory) { at(finger, m, "alex"); m.typeIn("ander of"); time.Sleep(time.Second) }, "alexander of"},
		{"the same from the first letter on", func(m *memory) { m.typeIn("alexander"); time.Sleep(time.Second) }, "alexander"},
		{"the same, and then another language", func(m *memory) { m.typeIn("alice\t") }, "alice<tab>"},
		{"a held key", func(m *memory) { at(33*time.Millisecond, m, "aaaaaaaaaa") }, "aaaaaaaaaa"},
		{"a card after half a name", func(m *memory) { at(finger, m, "al"); time.Sleep(scanRest); at(scanner, m, "carol\t") }, "alcarol<scan carol>"},
		{"typing continues where a scan would end", func(m *memory) {
			at(scanner, m, "1004257")
			time.Sleep(scanQuiet / 2)
			m.typeIn("8")
			time.Sleep(scanQuiet * 2)
		}, "10042578"},
		{"too short for a scan", func(m *memory) { at(scanner, m, "ab\r") }, "ab<enter>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
				s.Show(sampleEntry(""))
				synctest.Wait()
				c.do(m)
				time.Sleep(scanGap)
				if got := received(s); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		})
	}
}

// Neither a character of the scan nor its end counts as a key.
func TestScanOnAScreenWithoutInputIsDropped(t *testing.T) {
	for _, scan := range []string{"alice\r", "alice\n", "alice\t", "alice\r\n", "1111", "\x1b[200~alice\x1b[201~"} {
		onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
			s.Show(sampleWaiting())
			synctest.Wait()
			at(20*time.Millisecond, m, scan)
			time.Sleep(scanHold)
			if got := received(s); got != "" {
				t.Errorf("%q: received %q", scan, got)
			}
			expectKey(t, s, m, "1", "1")
			expectKey(t, s, m, "\r", "<enter>")
		})
	}
}

func TestTooLongScanIsNotCutToAValidLength(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		synctest.Wait()
		m.typeIn(strings.Repeat("a", 5*scanRoom) + "\r")
		if got := received(s); len(got) != len("aaaaaa<scan >")+scanRoom+1 {
			t.Errorf("received %d characters", len(got))
		}
	})
}

func TestTypedCharactersArriveAtOnce(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		synctest.Wait()
		for _, k := range []string{"a", "1", "\r", "\t"} {
			start := time.Now()
			m.typeIn(k)
			if got := received(s); got == "" || time.Since(start) > 0 {
				t.Errorf("%q: received %q after %v", k, got, time.Since(start))
			}
			time.Sleep(time.Second)
		}
	})
}

func TestScanStringHidesTheText(t *testing.T) {
	if s := fmt.Sprintf("%v %+v %#v", Scan{Text: kiosk.Secret("alice")}, Scan{Text: kiosk.Secret("alice")}, Scan{Text: kiosk.Secret("alice")}); strings.Contains(s, "alice") {
		t.Error(s)
	}
}

// FuzzKeys checks that keys still count after any input at any pace.
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
				received(s)
			}
			time.Sleep(2 * pasteLimit)
			received(s)
			// The first Escapes may end an unfinished sequence.
			for range 3 {
				m.typeIn("\x1b")
				time.Sleep(time.Second)
			}
			received(s)
			m.typeIn("z")
			time.Sleep(scanHold)
			if got := received(s); got != "z" {
				t.Errorf("after %q, a key: received %q", in, got)
			}
		})
	})
}

// On a screen without input, no part of a scan counts as a key, however late its rest is read. A single character could
// ask again, and a phone would ring.
func TestLateRestOfAScanIsNoKey(t *testing.T) {
	const stall = 400 * time.Millisecond
	for _, rest := range []string{"", "111", "1\r", "\r", "\t", "\r\n"} {
		t.Run(fmt.Sprintf("%q comes late", rest), func(t *testing.T) {
			onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
				s.Show(sampleWaiting())
				synctest.Wait()
				var late atomic.Bool // read by the timer
				s.tty.unread = late.Load
				m.typeIn("1")
				late.Store(rest != "")
				time.Sleep(scanHold + 10*time.Millisecond) // the timer fires before the rest is read
				late.Store(false)
				m.typeIn(rest)
				time.Sleep(stall)
				want := ""
				if rest == "" {
					want = "1"
				}
				if got := received(s); got != want {
					t.Errorf("received %q, want %q", got, want)
				}
				expectKey(t, s, m, "2", "2")
			})
		})
	}
}

// The rest of a scan has been read, but its reader has not counted it yet when the timer fires.
func TestInputReadButNotYetCountedBelongsToTheScan(t *testing.T) {
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
		if got := received(s); got != "" {
			t.Errorf("received %q", got)
		}
		expectKey(t, s, m, "2", "2")
	})
}

// A stall neither cuts a scan short nor lets its line feed count on the next screen.
func TestLateEndOfAScan(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry(""))
		synctest.Wait()
		var late atomic.Bool // read by the timer
		s.tty.unread = late.Load
		at(10*time.Millisecond, m, "100425")
		late.Store(true)
		time.Sleep(scanQuiet)
		late.Store(false)
		m.typeIn("789")
		time.Sleep(scanQuiet)
		if got := received(s); got != "100425789" {
			t.Errorf("half a number: received %q", got) // Enter sends what is in the field
		}
		time.Sleep(scanRest)
		at(10*time.Millisecond, m, "alice\r")
		late.Store(true)
		s.Show(sampleWaiting())
		time.Sleep(scanHold)
		late.Store(false)
		m.typeIn("\n")
		time.Sleep(scanHold)
		if got := received(s); got != "alice<scan alice>" {
			t.Errorf("received %q", got)
		}
		expectKey(t, s, m, "\r", "<enter>")
	})
}

// Keys that tcell never passes on delay others only once.
func TestKeysThatTcellKeepsDelayOthersOnce(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleWaiting())
		synctest.Wait()
		s.tty.typed.Add(3)
		m.typeIn("1")
		time.Sleep(scanHold * (1 + scanLooks))
		if got := received(s); got != "1" {
			t.Errorf("the first key: received %q", got)
		}
		m.typeIn("\x1bOA\x1b[[A2") // an arrow, and F1 of a Linux console
		time.Sleep(scanHold)
		if got := received(s); !strings.HasSuffix(got, "2") {
			t.Errorf("the next keys: received %q", got)
		}
	})
}
