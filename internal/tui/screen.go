package tui

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/console"
	"github.com/ciba-kiosk/ciba-kiosk/internal/evdev"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

const (
	// eventRoom is how many events wait for a slow reader before keys are dropped: more than any scan, less than a
	// jammed key types in a minute.
	eventRoom = 256
	// closeLimit bounds Close. A person who watches a service restart notices a second.
	closeLimit = time.Second
)

// KeepFont is the Options.Font that leaves the console's font as it is.
const KeepFont = "keep"

// Options configure Open.
type Options struct {
	Theme  string    // a name from Themes; empty is "dark"
	Device string    // path of the terminal; empty is /dev/tty, the controlling terminal
	Tty    tcell.Tty // instead of Device, for tests

	Logo   image.Image // the owner's; nil for none
	Accent color.RGBA  // the owner's; the zero value keeps the theme's

	// Font is loaded on a Linux console: empty selects a complete font if the present one is not, KeepFont loads none,
	// else it is a PSF file.
	Font string

	// SyncEvery is how often everything is drawn again, so that other programs' output does not stay; 0 is never.
	SyncEvery time.Duration
	// BlankAfter is how long an unused screen stays lit; 0 is for ever.
	BlankAfter time.Duration

	// Pointers is the folder of input devices in which touch screens and mice are looked for on a Linux console; empty
	// for none. Elsewhere the terminal reports them.
	Pointers string
	// Rotation is how a touch screen is mounted.
	Rotation evdev.Rotation
}

// Screen is an open terminal. Its methods may be called from any goroutine.
type Screen struct {
	tcell tcell.Screen
	tty   *safeTTY
	theme theme
	depth depth
	opts  layout.Options
	fonts fonts

	device  string           // path of the console whose palette was set
	before  *console.Palette // the console's palette before Open; nil if it was not set
	lacks   []rune           // characters that the font lacked after Open
	fontErr error
	every   time.Duration
	blank   time.Duration
	blanker blanker

	mu         sync.Mutex
	next       screen.Screen
	generation uint64 // of next; 0 before the first

	drawn     atomic.Uint64          // generation on display
	onDisplay atomic.Pointer[frame]  // what touches refer to
	arrow     atomic.Pointer[[2]int] // position of the mouse on a console; nil if there is none
	wake      chan struct{}          // something new has to be drawn
	bell      chan struct{}          // one stroke of the bell
	ringing   atomic.Bool
	redraw    chan struct{} // everything has to be drawn
	active    chan struct{} // somebody is there
	dark      atomic.Bool   // the screen is dark
	handled   uint64        // characters counted by safeTTY.typed that tcell has reported; used by the pump
	events    chan Event
	waiting   chan chan struct{} // callers that wait for a frame

	quit    chan struct{} // closed by Close
	drained chan struct{} // the input has been read up to the end mark
	painted chan struct{} // the painter has ended
	once    sync.Once
	err     error
}

// Open takes the terminal over. The caller must Close it on every way out and recover panics in every goroutine
// (RecoverPanic). It fails if TERM is not set or unknown, without a terminal, and for an unknown theme.
func Open(o Options) (*Screen, error) {
	th, err := themeNamed(o.Theme)
	if err == nil && o.Accent.A != 0 {
		th.palette, err = th.palette.WithAccent(o.Accent)
	}
	if err != nil {
		return nil, err
	}
	term := os.Getenv("TERM")
	if term == "" {
		return nil, errors.New("terminal: TERM is not set; use TERM=linux on a console")
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
	if _, isConsole := characters(device); isConsole && isLinuxTerm(term) && o.Tty == nil {
		s.fonts = fonts{device: device, file: o.Font, keep: o.Font == KeepFont}
		s.lacks, s.fontErr = s.fonts.load()
		s.fonts.last = s.lacks
		s.opts = s.fonts.check(s.opts)
		s.blanker = blanker{device}
		s.device = device
		if s.usePalette(device) {
			s.depth = paletteDepth
		}
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
	if s.depth == plainDepth && s.tcell.Colors() > 256 {
		s.depth = rgbDepth
	}
	s.tcell.SetStyle(s.style(layout.Text))
	s.drawLogo(o.Logo)
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
		s.watchPointers(device, o.Pointers, o.Rotation)
	}
	return s, nil
}

// Show has a screen drawn soon and returns its number, which grows with each change of Phase. It never waits for the
// terminal; of several screens in quick succession only the last may be drawn. The screen must not be changed
// afterwards. After Close it does nothing.
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
	trySend(s.wake)
	return s.generation
}

// Redraw has everything drawn again, for example after another program may have written to the terminal.
func (s *Screen) Redraw() { trySend(s.redraw) }

// Painted has one more frame drawn and waits until the terminal has accepted it, ctx ends or the screen is closed. A
// terminal that hangs accepts none.
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

// Size returns the size of the terminal in columns and rows.
func (s *Screen) Size() (columns, rows int) { return s.tcell.Size() }

// Events returns the channel of events. Close closes it. Beyond 256 unread events keys are dropped.
func (s *Screen) Events() <-chan Event { return s.events }

func trySend(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
