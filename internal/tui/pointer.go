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
	typing     bool // characters are typed on it
	offX, offY int  // where the frame's corner is
}

// pointer follows one finger or mouse. A tap is a key that was under it both when it
// came down and when it left: whoever slides off has changed their mind (WCAG 2.5.2).
type pointer struct {
	down       bool
	wakes      bool // it came down on a dark screen
	key        screen.Key
	generation uint64
	knocks     int // taps in the corner, with none elsewhere between
}

// A technician at a screen without a keyboard knocks: so many taps in a row in the upper
// left corner, where no screen has a key. Whoever uses the device taps elsewhere in
// between, so the taps need no clock. The corner is a fifth of each side: on the smallest
// panel (40 by 12 cells) as wide as a thumb.
const (
	knocks     = 5
	cornerPart = 5
)

// knock counts a tap, and says whether it makes the technician's key.
func (p *pointer) knock(corner bool) bool {
	if p.knocks++; !corner {
		p.knocks = 0
	}
	if p.knocks < knocks {
		return false
	}
	p.knocks = 0
	return true
}

// point takes in where a pointer is now.
func (s *Screen) point(p *pointer, x, y int, down bool) {
	if down == p.down {
		return
	}
	p.down = down
	if down {
		p.wakes = s.dark.Load()
		notify(s.active)
	}
	if p.wakes {
		return // light is all that the first touch brings
	}
	shot := s.onDisplay.Load()
	if shot == nil || s.closing() {
		return
	}
	key, ok := shot.frame.Hit(x-shot.offX, y-shot.offY)
	if !ok {
		key = screen.Key{Does: kiosk.OtherKey}
	}
	if down {
		p.key, p.generation = key, shot.generation
		return
	}
	if key.Does == p.key.Does && key.Rune == p.key.Rune {
		if p.knock(!ok && (x-shot.offX)*cornerPart < shot.frame.W && (y-shot.offY)*cornerPart < shot.frame.H) {
			key.Does = kiosk.TechnicianKey
		}
		s.offer(Tap{Key: key.Does, Rune: key.Rune, Generation: p.generation})
	}
}

// watch follows touch screens and mice until the screen is closed.
func (s *Screen) watch(device, dir string, turn evdev.Rotation) {
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
			s.contact(p, c, front)
		})
	})
}

// contact turns parts of the screen into cells. What happens while another terminal
// is in front is not meant for this one.
func (s *Screen) contact(p *pointer, c evdev.Contact, front func() bool) {
	if c.Lost || !front() {
		*p = pointer{}
		return
	}
	w, h := s.tcell.Size()
	x, y := min(int(c.X*float64(w)), w-1), min(int(c.Y*float64(h)), h-1)
	if c.Mouse {
		s.arrow.Store(&[2]int{x, y})
		notify(s.wake)
	}
	s.point(p, x, y, c.Down)
}
