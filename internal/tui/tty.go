package tui

import (
	"bytes"
	"os"
	"sync"
	"sync/atomic"

	"github.com/gdamore/tcell/v2"
)

// guard stands between tcell and the terminal. It makes input harmless to tcell's
// parser, remembers which screen was on display when the last key was read, and
// can swallow input so that tcell can be stopped.
type guard struct {
	tcell.Tty
	drawn *atomic.Uint64 // generation on display

	readAt  atomic.Uint64 // generation on display at the last read
	swallow atomic.Bool
	open    atomic.Bool // between Start and Stop
	marked  bool        // the end mark has been handed out; input goroutine only
	escaped bool        // the last byte read was ESC; input goroutine only

	mu      sync.Mutex
	started bool
	closed  bool
}

// bell ends a string in tcell's parser, whatever kind it is; outside of one it is
// a key (Ctrl-G) that means nothing here.
const bell = 0x07

// endMark is handed to tcell when everything before it has been read. The first
// bells may be used up by a half-finished sequence.
var endMark = []byte{bell, bell, bell}

// Read gives tcell what was typed. While swallowing it gives nothing but the end mark.
func (g *guard) Read(b []byte) (int, error) {
	for {
		// Half the buffer, because defusing may double what was read.
		n, err := g.Tty.Read(b[:max(len(b)/2, 1)])
		switch {
		case g.swallow.Load():
			if err == nil {
				continue
			}
			if !g.marked && len(b) >= len(endMark) {
				g.marked = true
				return copy(b, endMark), nil
			}
			return 0, err
		case err != nil:
			return n, err
		}
		g.readAt.Store(g.drawn.Load())
		return g.defuse(b, n), nil
	}
}

// defuse adds a bell after each ESC that opens a string (OSC, SOS, PM, APC). No
// terminal sends us one, as we ask nothing; but a bar code can hold one, and tcell
// would swallow every later key in wait for its end.
func (g *guard) defuse(b []byte, n int) int {
	var out []byte
	for _, c := range b[:n] {
		out = append(out, c)
		if g.escaped && (c == ']' || c == 'X' || c == '^' || c == '_') {
			out = append(out, bell)
		}
		g.escaped = c == 0x1b
	}
	return copy(b, out)
}

// Write refuses once the terminal has been given back: a late frame would land in
// the next program's screen.
func (g *guard) Write(b []byte) (int, error) {
	if !g.open.Load() {
		return 0, os.ErrClosed
	}
	if !bytes.Contains(b, cursorShape) {
		return g.Tty.Write(b)
	}
	if _, err := g.Tty.Write(bytes.ReplaceAll(b, cursorShape, nil)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// cursorShape is what tcell sends to a Linux console with every cursor. The console
// knows no shapes, and a kernel that does not skip the blank in it prints a q.
var cursorShape = []byte("\x1b[0 q")

// Start remembers that the terminal's mode has been changed.
func (g *guard) Start() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.Tty.Start()
	if err == nil {
		g.started = true
		g.open.Store(true)
	}
	return err
}

// Stop gives the terminal its mode back, once per Start: it may be asked by tcell
// and by the watchdog.
func (g *guard) Stop() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.started {
		return nil
	}
	g.started = false
	g.open.Store(false)
	return g.Tty.Stop()
}

// Close closes the terminal once.
func (g *guard) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	return g.Tty.Close()
}
