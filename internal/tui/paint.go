package tui

import (
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ioctl"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

const (
	// wholeEvery is the age of the last full frame after which the next one is full again: other programs write on the
	// console without notice. A full frame takes a small device milliseconds, so typed letters do not cause one.
	wholeEvery = time.Second
	// shiftEvery is how often an idle picture moves by a cell, against burn-in.
	shiftEvery = 5 * time.Minute
)

// shifts are the positions of an idle picture.
var shifts = [...][2]int{{0, 0}, {1, 0}, {1, 1}, {0, 1}}

// isIdle reports whether a screen is shown between visits.
func isIdle(sc screen.Screen) bool { return sc.Phase == kiosk.Ready || sc.Phase == kiosk.Closed }

// paint draws until Close. It has a goroutine of its own because a write to a terminal can block.
func (s *Screen) paint() {
	defer close(s.painted)
	var tick <-chan time.Time
	if s.every > 0 {
		t := time.NewTicker(s.every)
		defer t.Stop()
		tick = t.C
	}
	blankTimer := time.NewTimer(max(s.blank, 1))
	blankTimer.Stop()
	defer blankTimer.Stop()
	d := drawer{Screen: s, stale: true}
	staleTimer := time.NewTimer(wholeEvery)
	staleTimer.Stop()
	defer staleTimer.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-s.wake:
			s.postponeBlanking(blankTimer)
			d.draw(s.tcell.Show)
		case frame := <-s.waiting:
			d.draw(s.tcell.Show)
			close(frame)
		case <-s.bell:
			_ = s.tcell.Beep()
		case <-s.active:
			if s.postponeBlanking(blankTimer) {
				d.draw(s.tcell.Show)
			}
		case <-blankTimer.C:
			s.dark.Store(true)
			d.draw(s.tcell.Show)
		case <-staleTimer.C:
			d.stale = true
		case <-s.redraw:
			s.opts = s.fonts.check(s.opts)
			d.draw(s.tcell.Sync)
		case <-tick:
			s.opts = s.fonts.check(s.opts)
			d.stale = true
			d.quiet += s.every
			d.draw(s.tcell.Show)
		}
		if d.fresh {
			d.fresh = false
			staleTimer.Reset(wholeEvery)
		}
	}
}

// postponeBlanking starts the time until the screen goes dark again, lights the screen, and reports whether it was dark.
func (s *Screen) postponeBlanking(blankTimer *time.Timer) bool {
	if s.blank > 0 {
		blankTimer.Reset(s.blank)
	}
	return s.dark.Swap(false)
}

// drawer is the state of the painter.
type drawer struct {
	*Screen
	stale bool          // the last full frame is old
	fresh bool          // a full frame was just painted
	last  uint64        // generation that was drawn last
	quiet time.Duration // how long that frame has been shown, counted in ticks
	off   bool          // the panel was switched off
}

func (d *drawer) draw(flush func()) {
	s := d.Screen
	s.mu.Lock()
	sc, number := s.next, s.generation
	s.mu.Unlock()
	if number == 0 {
		return
	}
	if number != d.last {
		d.last, d.quiet = number, 0
	}
	dark := s.dark.Load() && isIdle(sc)
	s.dark.Store(dark)
	w, h := s.tcell.Size()
	next := &frame{generation: number, typing: sc.Phase == kiosk.Ready || sc.Phase == kiosk.Identify || sc.Entry != nil}
	if isIdle(sc) && w > 40 && h > 12 { // only where there is room
		at := shifts[int(d.quiet/shiftEvery)%len(shifts)]
		next.offX, next.offY = at[0], at[1]
		next.frame = layout.Draw(sc, w-1, h-1, s.opts)
	} else {
		next.frame = layout.Draw(sc, w, h, s.opts)
	}
	d.putCells(next, w, h, dark)
	if d.stale {
		d.stale, d.fresh = false, true
		s.tcell.LockRegion(0, 0, w, h, false) // marks every cell for drawing
	}
	if d.off != dark {
		d.off = dark
		s.blanker.set(dark)
	}
	flush()
	s.onDisplay.Store(next)
	s.drawn.Store(number)
}

// putCells writes a frame into tcell's cells.
func (d *drawer) putCells(next *frame, w, h int, dark bool) {
	s, f := d.Screen, next.frame
	for y := range h {
		for x := range w {
			switch c := f.Nearest(x-next.offX, y-next.offY); {
			case dark:
				s.tcell.Put(x, y, " ", s.style(layout.QRDark)) // black in every theme
			case c.Width > 0:
				s.tcell.Put(x, y, c.Text, s.cellStyle(c))
			}
		}
	}
	if a := s.arrow.Load(); a != nil && !dark {
		x, y := min(a[0], w-1), min(a[1], h-1)
		c := f.At(x-next.offX, y-next.offY)
		s.tcell.Put(x, y, c.Text, s.style(c.Style).Reverse(true))
	}
	if f.Cursor && !dark {
		s.tcell.ShowCursor(f.CursorX+next.offX, f.CursorY+next.offY)
	} else {
		s.tcell.HideCursor()
	}
}

// blanker controls the blanking of a Linux console. The zero value does nothing.
type blanker struct{ device string }

// Requests of linux/tiocl.h, for the ioctl TIOCLINUX.
const (
	tioclUnblank = 4
	tioclBlank   = 14
)

// begin switches the kernel's own blanking off: a panel that goes dark during a visit looks broken.
func (b blanker) begin() {
	b.set(false)
	b.write("\x1b[9;0]")
}

// end restores the kernel's blanking, in minutes.
func (b blanker) end() {
	b.set(false)
	text, err := os.ReadFile("/sys/module/kernel/parameters/consoleblank")
	seconds, parse := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil && parse == nil {
		b.write("\x1b[9;" + strconv.Itoa(seconds/60) + "]")
	}
}

// set darkens or lights the panel. If that is not allowed, the picture is black all the same.
func (b blanker) set(dark bool) {
	what := byte(tioclUnblank)
	if dark {
		what = tioclBlank
	}
	b.withDevice(func(f *os.File) { _ = ioctl.Do(f, unix.TIOCLINUX, unsafe.Pointer(&what)) })
}

func (b blanker) write(text string) {
	b.withDevice(func(f *os.File) { _, _ = f.WriteString(text) })
}

func (b blanker) withDevice(do func(f *os.File)) {
	if b.device == "" {
		return
	}
	f, err := os.OpenFile(b.device, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	do(f)
}
