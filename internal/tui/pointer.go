package tui

import (
	"context"

	"github.com/ciba-kiosk/ciba-kiosk/internal/evdev"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// frame is what is on display.
type frame struct {
	frame      layout.Frame
	generation uint64
	typing     bool // characters are typed or scanned on it
	offX, offY int  // position of the frame's corner
}

// pointer follows one finger or mouse. A tap is a key under it both when it comes down and when it leaves: moving away
// cancels (WCAG 2.5.2).
type pointer struct {
	down       bool
	wakes      bool // it came down on a dark screen
	key        screen.Key
	generation uint64
	cornerTaps int // taps in the corner without one elsewhere
}

// cornerTaps taps in a row in the upper left corner, where no screen has a key, are the technician's key. Customers tap
// elsewhere in between, so no time limit is needed. The corner is a fifth of each side: on the smallest panel (40 by 12
// cells) as wide as a thumb.
const (
	cornerTaps = 5
	cornerPart = 5
)

// cornerTap counts a tap and reports whether it completes the technician's key.
func (p *pointer) cornerTap(corner bool) bool {
	if p.cornerTaps++; !corner {
		p.cornerTaps = 0
	}
	if p.cornerTaps < cornerTaps {
		return false
	}
	p.cornerTaps = 0
	return true
}

// handlePointer handles the position of a pointer.
func (s *Screen) handlePointer(p *pointer, x, y int, down bool) {
	if down == p.down {
		return
	}
	p.down = down
	if down {
		p.wakes = s.dark.Load()
		trySend(s.active)
	}
	if p.wakes {
		return // the first touch only lights the screen
	}
	shown := s.onDisplay.Load()
	if shown == nil || s.closing() {
		return
	}
	key, ok := shown.frame.Hit(x-shown.offX, y-shown.offY)
	if !ok {
		key = screen.Key{Does: kiosk.OtherKey}
	}
	if down {
		p.key, p.generation = key, shown.generation
		return
	}
	if key.Does == p.key.Does && key.Rune == p.key.Rune {
		if p.cornerTap(!ok && (x-shown.offX)*cornerPart < shown.frame.W && (y-shown.offY)*cornerPart < shown.frame.H) {
			key.Does = kiosk.TechnicianKey
		}
		s.offer(Tap{Key: key.Does, Rune: key.Rune, Generation: p.generation})
	}
}

// watchPointers follows touch screens and mice until the screen is closed.
func (s *Screen) watchPointers(device, dir string, turn evdev.Rotation) {
	ctx, stop := context.WithCancel(context.Background())
	s.Go(func() {
		<-s.quit
		stop()
	})
	front := foregroundCheck(device)
	var fingers, mouse pointer
	s.Go(func() {
		evdev.Watch(ctx, dir, turn, func(c evdev.Contact) {
			p := &fingers
			if c.Mouse {
				p = &mouse
			}
			s.handleContact(p, c, front)
		})
	})
}

// handleContact converts positions to cells. Contacts while another terminal is in the foreground are ignored.
func (s *Screen) handleContact(p *pointer, c evdev.Contact, front func() bool) {
	if c.Lost || !front() {
		*p = pointer{}
		return
	}
	w, h := s.tcell.Size()
	x, y := min(int(c.X*float64(w)), w-1), min(int(c.Y*float64(h)), h-1)
	if c.Mouse {
		s.arrow.Store(&[2]int{x, y})
		trySend(s.wake)
	}
	s.handlePointer(p, x, y, c.Down)
}
