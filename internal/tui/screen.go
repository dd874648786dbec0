package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/evdev"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

const (
	// eventRoom is how many events wait for a slow reader before keys are dropped:
	// more than any scan, less than a jammed key types in a minute.
	eventRoom = 256
	// closeLimit bounds Close. systemd's own limit is far longer; a person who
	// watches a service restart notices a second.
	closeLimit = time.Second
)

// KeepFont leaves a console's font as it is.
const KeepFont = "keep"

// Options for Open.
type Options struct {
	Theme  string    // a name from Themes; empty is "dark"
	Device string    // path of the terminal; empty is /dev/tty, the controlling terminal
	Tty    tcell.Tty // instead of Device, for tests

	// Font is what is loaded on a Linux console: empty for a complete one if that which
	// is there is not, KeepFont for none, else a file (PSF).
	Font string

	// SyncEvery is how often everything is drawn anew, so that what others print
	// on the console does not stay; 0 is never. Between two the package sleeps.
	SyncEvery time.Duration
	// BlankAfter is how long a screen that nobody uses stays lit; 0 is for ever.
	BlankAfter time.Duration

	// Pointers is the folder of the kernel's input devices, watched for touch screens
	// and mice on a Linux console; empty is for none. Elsewhere the terminal tells.
	Pointers string
	// Turn is how a touch screen is mounted.
	Rotation evdev.Rotation
}

// Screen is an open terminal. Its methods may be called from any goroutine.
type Screen struct {
	tcell tcell.Screen
	tty   *safeTTY
	theme theme
	opts  layout.Options
	fonts fonts

	lacks   []rune // what the font lacked after Open had done what it could
	fontErr error
	every   time.Duration
	blank   time.Duration
	blanker blanker

	mu         sync.Mutex
	next       screen.Screen
	generation uint64 // generation of want; 0 before the first

	drawn     atomic.Uint64          // generation on display
	onDisplay atomic.Pointer[frame]  // what is on display, for fingers
	arrow     atomic.Pointer[[2]int] // where the mouse points on a bare console; nil: nowhere
	wake      chan struct{}          // something new to draw
	bell      chan struct{}          // one stroke of the bell
	ringing   atomic.Bool
	redraw    chan struct{} // draw everything
	active    chan struct{} // somebody is there
	dark      atomic.Bool   // the screen is dark
	handled   uint64        // how much of guard.typed tcell has told; the pump's
	events    chan Event
	waiting   chan chan struct{} // who waits for a frame

	quit    chan struct{} // Close was called
	drained chan struct{} // the input has been read to the end mark
	painted chan struct{} // the painter has ended
	once    sync.Once
	err     error
}

// Open takes the terminal over. Whoever opens must Close on every way out, and
// recover in every goroutine (see Recover). It fails if TERM is not set or not
// known, if there is no terminal, and if the theme does not exist.
func Open(o Options) (*Screen, error) {
	th, err := themeNamed(o.Theme)
	if err != nil {
		return nil, err
	}
	term := os.Getenv("TERM")
	if term == "" {
		return nil, errors.New("terminal: TERM is not set; on a console it is linux")
	}
	if err := useUTF8(); err != nil {
		return nil, err
	}
	device := o.Device
	if device == "" {
		device = "/dev/tty"
	}
	tty := o.Tty
	if tty == nil {
		if tty, err = tcell.NewDevTtyFromDev(device); err != nil {
			return nil, fmt.Errorf("terminal: %w", err)
		}
	}
	s := &Screen{
		theme: th, every: o.SyncEvery, blank: o.BlankAfter, active: make(chan struct{}, 1),
		bell: make(chan struct{}), wake: make(chan struct{}, 1), redraw: make(chan struct{}, 1), events: make(chan Event, eventRoom),
		waiting: make(chan chan struct{}),
		quit:    make(chan struct{}), drained: make(chan struct{}), painted: make(chan struct{}),
	}
	s.opts = layout.Options{HalfBlocks: true, FullGlyphs: !isLinuxTerm(term)}
	if _, console := characters(device); console && isLinuxTerm(term) && o.Tty == nil {
		s.fonts = fonts{device: device, file: o.Font, keep: o.Font == KeepFont}
		s.lacks, s.fontErr = s.fonts.load()
		s.fonts.last = s.lacks
		s.opts = s.fonts.check(s.opts)
		s.blanker = blanker{device}
	}
	s.tty = &safeTTY{Tty: tty, drawn: &s.drawn, unread: func() bool { return false }}
	if o.Tty == nil {
		s.tty.listen(device)
	}
	if s.tcell, err = tcell.NewTerminfoScreenFromTty(s.tty); err != nil {
		_ = s.tty.Close()
		return nil, fmt.Errorf("terminal: TERM=%q: %w", term, err)
	}
	if err := s.tcell.Init(); err != nil {
		_ = s.tty.Stop()
		_ = s.tty.Close()
		return nil, fmt.Errorf("terminal: %w", err)
	}
	s.tcell.SetStyle(s.style(layout.Text))
	s.tcell.EnablePaste()
	s.blanker.begin()
	if s.fonts.device != "" {
		s.redrawInForeground(device)
	}
	s.Go(s.pump)
	s.Go(s.paint)
	switch {
	case !isLinuxTerm(term):
		s.tcell.EnableMouse(tcell.MouseButtonEvents)
	case o.Pointers != "":
		s.watch(device, o.Pointers, o.Rotation)
	}
	return s, nil
}

// Show has a screen drawn soon and returns its number, which grows by one each
// time the Phase is another than before. It never waits for the terminal; of
// several screens in quick succession only the last may be drawn. The screen must
// not be changed afterwards. After Close it does nothing.
func (s *Screen) Show(sc screen.Screen) (generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation > 0 && reflect.DeepEqual(s.next, sc) {
		return s.generation
	}
	if s.generation == 0 || s.next.Phase != sc.Phase {
		s.generation++
	}
	s.next = sc
	notify(s.wake)
	return s.generation
}

// Redraw has everything drawn anew, for when something else may have written to
// the terminal or it has just come to the front.
func (s *Screen) Redraw() { notify(s.redraw) }

// Painted has one more frame drawn and waits until the terminal has taken it. A
// terminal that is stopped or hung takes none: then it waits until ctx ends, or the
// screen is closed.
func (s *Screen) Painted(ctx context.Context) error {
	frame := make(chan struct{})
	select {
	case s.waiting <- frame:
	case <-s.quit:
		return os.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-frame:
		return nil
	case <-s.quit:
		return os.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Size is the terminal's size in columns and rows.
func (s *Screen) Size() (columns, rows int) { return s.tcell.Size() }

// Events gives what the terminal tells. It is closed by Close. Keys that nobody
// fetches are dropped after 256.
func (s *Screen) Events() <-chan Event { return s.events }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
