package tui

import (
	"bytes"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/gdamore/tcell/v2"
	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ioctl"
)

// safeTTY stands between tcell and the terminal. It makes input harmless to tcell's
// parser, remembers which screen was on display when the last key was read, and
// can swallow input so that tcell can be stopped.
type safeTTY struct {
	tcell.Tty
	drawn *atomic.Uint64 // generation on display

	readAt      atomic.Uint64 // generation on display at the last read
	typed       atomic.Uint64 // characters, Enter and Tab that were handed out, see isTyped
	unread      func() bool   // whether more lies in the terminal
	discard     atomic.Bool
	open        atomic.Bool // between Start and Stop
	endMarkSent bool        // the end mark has been handed out; input goroutine only
	incomplete  []byte      // the beginning of a character, at most 3 bytes; input goroutine only
	sequence    sequence    // what the last byte read belongs to; input goroutine only

	mu       sync.Mutex
	started  bool
	closed   bool
	terminal *os.File // asked by unread; nil if it cannot be
}

// listen has unread ask the terminal at a path.
func (g *safeTTY) listen(device string) {
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return // then the pace alone tells a scan
	}
	g.terminal = f
	g.unread = func() bool {
		var n int32
		return ioctl.Do(f, unix.TIOCINQ, unsafe.Pointer(&n)) == nil && n > 0
	}
}

// bell ends a string in tcell's parser, whatever kind it is; outside of one it is
// a key (Ctrl-G) that means nothing here.
const bell = 0x07

// endMark is handed to tcell when everything before it has been read. The first
// bells may be used up by a half-finished sequence.
var endMark = []byte{bell, bell, bell}

// Read gives tcell what was typed. While swallowing it gives nothing but the end mark.
func (g *safeTTY) Read(b []byte) (int, error) {
	for {
		// Half the buffer, because defusing may double what was read and has up to
		// three bytes from before.
		n, err := g.Tty.Read(b[:max(len(b)/2-3, 1)])
		switch {
		case g.discard.Load():
			if err == nil {
				continue
			}
			if !g.endMarkSent && len(b) >= len(endMark) {
				g.endMarkSent = true
				return copy(b, endMark), nil
			}
			return 0, err
		case err != nil || n == 0:
			return n, err
		}
		g.readAt.Store(g.drawn.Load())
		if n = g.sanitize(b, n); n > 0 {
			return n, nil
		}
	}
}

// sequence is what a byte of the input belongs to.
type sequence uint8

const (
	plainKey sequence = iota
	afterESC          // the byte before was ESC
	inCSI             // a control sequence has begun and its final byte is not there yet
	lastByte          // one more byte belongs to it: SS3, and a Linux console's F1 (CSI [ A)
)

// isTyped says whether a byte begins what tcell makes a key of that can belong to a scan:
// a character, Enter, Tab.
func (is sequence) isTyped(c byte) bool {
	switch {
	case is != plainKey:
		return false
	case c == '\r', c == '\n', c == '\t':
		return true
	}
	return c >= 0x20 && c < 0x7f || c >= 0xc0 // not the later bytes of a character
}

// noKey ends a control sequence that means nothing to tcell.
const noKey = 'z'

// sanitize takes the sting out of what no keyboard sends but a bar code or a finger
// on Escape can: tcell would never come to an end with a byte that is no UTF-8; it
// would lose every later key after Escape twice in one read, or after a string (OSC,
// SOS, PM, APC), which gets a bell as its end at once; and a key in the way of
// Windows terminals (CSI … _) would be repeated as often as it says, so it becomes no key.
func (g *safeTTY) sanitize(b []byte, n int) int {
	var out []byte
	for _, c := range g.validUTF8(b[:n]) {
		is := g.sequence
		if is.isTyped(c) {
			g.typed.Add(1)
		}
		g.sequence = plainKey
		switch {
		case c == 0x1b:
			g.sequence = afterESC
			if len(out) > 0 && out[len(out)-1] == c {
				continue
			}
		case is == afterESC && c == '[':
			g.sequence = inCSI
		case is == inCSI && c >= 0x20 && c < 0x40:
			g.sequence = inCSI // a parameter (ECMA-48, 5.4)
		case is == inCSI && c == '[', is == afterESC && c == 'O':
			g.sequence = lastByte
		case is == inCSI && c == '_':
			c = noKey
		}
		out = append(out, c)
		if is == afterESC && (c == ']' || c == 'X' || c == '^' || c == '_') {
			out = append(out, bell)
		}
	}
	return copy(b, out)
}

// validUTF8 passes on what is UTF-8 and drops the rest. The beginning of a character at
// the end of a read is kept for the next.
func (g *safeTTY) validUTF8(in []byte) []byte {
	in = append(g.incomplete, in...)
	g.incomplete = nil
	var out []byte
	for len(in) > 0 {
		if !utf8.FullRune(in) {
			g.incomplete = slices.Clone(in)
			break
		}
		r, n := utf8.DecodeRune(in)
		if r != utf8.RuneError || n > 1 {
			out = append(out, in[:n]...)
		}
		in = in[n:]
	}
	return out
}

// Write refuses once the terminal has been given back: a late frame would land in
// the next program's screen.
func (g *safeTTY) Write(b []byte) (int, error) {
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
func (g *safeTTY) Start() error {
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
func (g *safeTTY) Stop() error {
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
func (g *safeTTY) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	if g.terminal != nil {
		_ = g.terminal.Close()
	}
	return g.Tty.Close()
}
