package tui

import (
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gdamore/tcell/v2"
	"github.com/hinshun/vt10x"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// memory is a terminal in memory. Output goes to a terminal emulator and is also recorded; input comes from a channel.
// It works in a synctest bubble, because it never waits for the system.
type memory struct {
	vt    vt10x.Terminal
	typed chan []byte
	drain chan struct{}
	gone  chan struct{} // closed when the terminal disappears
	shut  chan struct{} // closed when tcell has closed it

	mu      sync.Mutex
	w, h    int
	resized func()
	raw     strings.Builder
	writes  int
	stopped int
	stuck   chan struct{} // while not nil, writes wait for it
	reached chan struct{} // closed when a write waits
	drained bool
}

func newMemory(w, h int) *memory {
	return &memory{vt: vt10x.New(vt10x.WithSize(w, h)), w: w, h: h,
		typed: make(chan []byte), drain: make(chan struct{}), gone: make(chan struct{}), shut: make(chan struct{})}
}

func (m *memory) Start() error { return nil }

func (m *memory) Stop() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped++
	return nil
}

// restored returns how often the terminal's mode has been restored.
func (m *memory) restored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stopped
}

// bells returns how often the bell has sounded.
func (m *memory) bells() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Count(m.raw.String(), "\a")
}

func (m *memory) Drain() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.drained {
		m.drained = true
		close(m.drain)
	}
	return nil
}

func (m *memory) Read(b []byte) (int, error) {
	select {
	case in := <-m.typed:
		return copy(b, in), nil
	case <-m.drain:
		return 0, os.ErrDeadlineExceeded
	case <-m.gone:
		return 0, os.ErrClosed
	}
}

func (m *memory) Write(b []byte) (int, error) {
	m.mu.Lock()
	stuck := m.stuck
	if stuck != nil && m.reached != nil {
		close(m.reached)
		m.reached = nil
	}
	m.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.raw.Write(b)
	m.writes++
	return m.vt.Write(b)
}

func (m *memory) Close() error {
	close(m.shut)
	return nil
}

func (m *memory) NotifyResize(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resized = f
}

func (m *memory) WindowSize() (tcell.WindowSize, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return tcell.WindowSize{Width: m.w, Height: m.h}, nil
}

// typeIn passes input in pieces that fit one read of tcell.
func (m *memory) typeIn(s string) {
	for len(s) > 0 {
		n := min(len(s), 32)
		m.typed <- []byte(s[:n])
		s = s[n:]
	}
}

func (m *memory) resize(w, h int) {
	m.mu.Lock()
	m.w, m.h = w, h
	m.vt.Resize(w, h)
	f := m.resized
	m.mu.Unlock()
	f()
}

func (m *memory) written() (raw string, writes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.raw.String(), m.writes
}

// rows returns the text on the terminal.
func (m *memory) rows() []string {
	m.vt.Lock()
	defer m.vt.Unlock()
	w, h := m.vt.Size()
	rows := make([]string, h)
	for y := range rows {
		var b strings.Builder
		for x := range w {
			if r := m.vt.Cell(x, y).Char; r > 0 {
				b.WriteRune(r)
			} else {
				b.WriteByte(' ')
			}
		}
		rows[y] = strings.TrimRight(b.String(), " ")
	}
	return rows
}

func (m *memory) text() string { return strings.Join(m.rows(), "\n") }

// onTerminal runs a test in virtual time on a Linux console in memory.
func onTerminal(t *testing.T, w, h int, o Options, test func(t *testing.T, s *Screen, m *memory)) {
	t.Helper()
	onTerm(t, "linux", w, h, o, test)
}

// onEmulator runs a test in virtual time on a terminal emulator with a mouse.
func onEmulator(t *testing.T, o Options, test func(t *testing.T, s *Screen, m *memory)) {
	t.Helper()
	onTerm(t, "xterm-256color", 80, 24, o, test)
}

func onTerm(t *testing.T, term string, w, h int, o Options, test func(t *testing.T, s *Screen, m *memory)) {
	t.Helper()
	t.Setenv("TERM", term)
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Setenv("NO_COLOR", "")
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(w, h)
		o.Tty = m
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { // also after t.Fatal: no goroutine may outlive the bubble
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		test(t, s, m)
	})
}

// presses returns the keys that have arrived.
func presses(s *Screen) (out []Press) {
	synctest.Wait()
	for {
		select {
		case ev, ok := <-s.Events():
			if !ok {
				return out
			}
			if p, is := ev.(Press); is {
				out = append(out, p)
			}
		default:
			return out
		}
	}
}

func sampleWaiting() screen.Screen {
	return screen.Screen{Phase: kiosk.Waiting, Site: "Corner Shop", Title: "Look at your phone", Code: "K7-4F9Q",
		Gauge: &screen.Gauge{Part: 0.5, Text: "60 seconds left"}, Lines: []string{"Approve only if your phone shows the same code."},
		Keys: []screen.Key{{Cap: "Esc", Text: "Cancel"}}}
}

func sampleEntry(text string) screen.Screen {
	return screen.Screen{Phase: kiosk.Identify, Site: "Corner Shop", Title: "Who are you?", Entry: &screen.Entry{Label: "User name", Text: text},
		Keys: []screen.Key{{Cap: "Enter", Text: "Send"}}}
}
