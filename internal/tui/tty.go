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

// safeTTY is between tcell and the terminal. It makes input harmless to tcell's parser, remembers which screen was on
// display at the last read, and can discard input so that tcell can be stopped.
type safeTTY struct {
	tcell.Tty
	drawn *atomic.Uint64 // generation on display

	readAt      atomic.Uint64 // generation on display at the last read
	typed       atomic.Uint64 // characters, Enter and Tab passed to tcell, see isTyped
	unread      func() bool   // reports whether the terminal has more input
	discard     atomic.Bool
	open        atomic.Bool // between Start and Stop
	endMarkSent bool        // used by the input goroutine only
	incomplete  []byte      // the first bytes of a character, at most 3; used by the input goroutine only
	sequence    sequence    // of the last byte read; used by the input goroutine only

	mu       sync.Mutex
	started  bool
	closed   bool
	terminal *os.File // asked by unread; nil if impossible
}

// listen makes unread ask the terminal at a path.
func (t *safeTTY) listen(device string) {
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return // then only the pace identifies a scan
	}
	t.terminal = f
	t.unread = func() bool {
		var n int32
		return ioctl.Do(f, unix.TIOCINQ, unsafe.Pointer(&n)) == nil && n > 0
	}
}

// bell ends a string in tcell's parser. Outside of one it is Ctrl-G, which has no meaning here.
const bell = 0x07

// endMark is passed to tcell after everything before it has been read. The first bells may end an unfinished sequence.
var endMark = []byte{bell, bell, bell}

// Read returns sanitized input. While discarding, it returns nothing but the end mark.
func (t *safeTTY) Read(b []byte) (int, error) {
	for {
		// Half the buffer, because sanitizing may double the input and add three earlier bytes.
		n, err := t.Tty.Read(b[:max(len(b)/2-3, 1)])
		switch {
		case t.discard.Load():
			if err == nil {
				continue
			}
			if !t.endMarkSent && len(b) >= len(endMark) {
				t.endMarkSent = true
				return copy(b, endMark), nil
			}
			return 0, err
		case err != nil || n == 0:
			return n, err
		}
		t.readAt.Store(t.drawn.Load())
		if n = t.sanitize(b, n); n > 0 {
			return n, nil
		}
	}
}

// sequence is the position of a byte in an escape sequence.
type sequence uint8

const (
	plainKey sequence = iota
	afterESC          // after ESC
	inCSI             // in a control sequence, before its final byte
	lastByte          // one byte before the end: SS3, and a Linux console's F1 (CSI [ A)
)

// isTyped reports whether a byte begins a character, Enter or Tab in tcell's view: keys that can belong to a scan.
func (q sequence) isTyped(c byte) bool {
	switch {
	case q != plainKey:
		return false
	case c == '\r', c == '\n', c == '\t':
		return true
	}
	return c >= 0x20 && c < 0x7f || c >= 0xc0 // not the continuation bytes of a character
}

// noKey ends a control sequence that has no meaning to tcell.
const noKey = 'z'

// sanitize changes input that no keyboard sends, but a bar code or repeated Escape can. tcell hangs on a byte that is
// not UTF-8. It ignores all later keys after Escape twice in one read, and after a string (OSC, SOS, PM, APC), which is
// ended at once. A key in the form of Windows terminals (CSI … _) would be repeated as often as it says; it becomes no
// key.
func (t *safeTTY) sanitize(b []byte, n int) int {
	var out []byte
	for _, c := range t.validUTF8(b[:n]) {
		before := t.sequence
		if before.isTyped(c) {
			t.typed.Add(1)
		}
		t.sequence = plainKey
		switch {
		case c == 0x1b:
			t.sequence = afterESC
			if len(out) > 0 && out[len(out)-1] == c {
				continue
			}
		case before == afterESC && c == '[':
			t.sequence = inCSI
		case before == inCSI && c >= 0x20 && c < 0x40:
			t.sequence = inCSI // a parameter (ECMA-48 5.4)
		case before == inCSI && c == '[', before == afterESC && c == 'O':
			t.sequence = lastByte
		case before == inCSI && c == '_':
			c = noKey
		}
		out = append(out, c)
		if before == afterESC && (c == ']' || c == 'X' || c == '^' || c == '_') {
			out = append(out, bell)
		}
	}
	return copy(b, out)
}

// validUTF8 returns what is valid UTF-8. The first bytes of a character at the end of a read are kept for the next.
func (t *safeTTY) validUTF8(in []byte) []byte {
	in = append(t.incomplete, in...)
	t.incomplete = nil
	var out []byte
	for len(in) > 0 {
		if !utf8.FullRune(in) {
			t.incomplete = slices.Clone(in)
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

// Write fails after the terminal was restored: a late frame would appear in the next program.
func (t *safeTTY) Write(b []byte) (int, error) {
	if !t.open.Load() {
		return 0, os.ErrClosed
	}
	if !bytes.Contains(b, cursorShape) {
		return t.Tty.Write(b)
	}
	if _, err := t.Tty.Write(bytes.ReplaceAll(b, cursorShape, nil)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// cursorShape is what tcell sends with every cursor. The Linux console has no shapes, and some kernels print a q.
var cursorShape = []byte("\x1b[0 q")

// Start records that the terminal's mode has changed.
func (t *safeTTY) Start() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.Tty.Start()
	if err == nil {
		t.started = true
		t.open.Store(true)
	}
	return err
}

// Stop restores the terminal's mode once for each Start. Both tcell and Close may call it.
func (t *safeTTY) Stop() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.started {
		return nil
	}
	t.started = false
	t.open.Store(false)
	return t.Tty.Stop()
}

// Close closes the terminal once.
func (t *safeTTY) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	if t.terminal != nil {
		_ = t.terminal.Close()
	}
	return t.Tty.Close()
}
