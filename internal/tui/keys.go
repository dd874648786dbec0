package tui

import (
	"time"
	"unicode"

	"github.com/gdamore/tcell/v2"
)

const (
	// pasteRoom is how many characters of one paste are passed on.
	pasteRoom = 256
	// pasteLimit bounds a paste. The sequence that ends it may never come, and Enter must work again.
	pasteLimit = time.Second
)

// paste tracks a bracketed paste: its characters count as typed, its control keys do not.
type paste struct {
	since time.Time // zero outside a paste
	dark  bool      // it began on a dark screen, so it only lights the screen
	room  int
}

func (p *paste) isActive() bool { return !p.since.IsZero() }

// pump translates tcell's events until the screen is closed. It never lets tcell wait.
func (s *Screen) pump() {
	defer close(s.events)
	var p paste
	var b burst
	var mouse pointer
	for {
		switch ev := s.tcell.PollEvent().(type) {
		case nil:
			return
		case *tcell.EventKey:
			if s.closing() {
				s.markDrained(ev)
				continue
			}
			if isTyped(ev) {
				s.handled++
			}
			press, ok := p.translate(ev)
			press.Generation = s.tty.readAt.Load()
			switch {
			case !ok, p.isActive() && (p.dark || !s.hasInput()): // a paste on a screen without input does nothing
			case p.isActive():
				s.offer(press)
			default:
				s.handleKey(&b, press, ev.When())
			}
			trySend(s.active) // afterwards: on a dark screen a key only lights it
		case *tcell.EventInterrupt:
			s.silenceElapsed(&b, ev.When())
		case *tcell.EventMouse:
			x, y := ev.Position()
			s.handlePointer(&mouse, x, y, ev.Buttons()&tcell.Button1 != 0)
		case *tcell.EventPaste:
			p = paste{}
			if ev.Start() {
				p = paste{since: ev.When(), room: pasteRoom, dark: s.dark.Load()}
			}
		case *tcell.EventResize:
			trySend(s.redraw)
			w, h := ev.Size()
			s.offer(Resized{w, h})
		case *tcell.EventError:
			if s.closing() {
				continue
			}
			select {
			case s.events <- Lost{ev}:
			case <-s.quit:
			}
		}
	}
}

// isTyped reports whether a key is one that sequence.isTyped counts.
func isTyped(ev *tcell.EventKey) bool {
	switch ev.Key() {
	case tcell.KeyRune, tcell.KeyEnter, tcell.KeyCtrlJ, tcell.KeyTab:
		return ev.Modifiers()&tcell.ModAlt == 0
	}
	return false
}

func (s *Screen) closing() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// markDrained looks for the end mark.
func (s *Screen) markDrained(ev *tcell.EventKey) {
	if ev.Key() != tcell.KeyCtrlG {
		return
	}
	select {
	case <-s.drained:
	default:
		close(s.drained)
	}
}

func (s *Screen) offer(ev Event) {
	select {
	case s.events <- ev:
	default: // the buffer is full: a key is held or a scanner is jammed
	}
}

// translate returns the Press of one key; false if it has no meaning here.
func (p *paste) translate(ev *tcell.EventKey) (Press, bool) {
	if p.isActive() && ev.When().Sub(p.since) > pasteLimit {
		*p = paste{}
	}
	inPaste := p.isActive()
	if ev.Key() == tcell.KeyRune {
		// There are no commands with Alt or Ctrl. The rest of a broken escape sequence also arrives as Alt and a character.
		if ev.Modifiers()&(tcell.ModAlt|tcell.ModCtrl|tcell.ModMeta) != 0 || !unicode.IsPrint(ev.Rune()) {
			return Press{}, false
		}
		if inPaste {
			if p.room == 0 {
				return Press{}, false
			}
			p.room--
		}
		return Press{Key: Rune, Rune: ev.Rune()}, true
	}
	k, ok := keys[ev.Key()]
	if !ok || inPaste {
		return Press{}, false
	}
	return Press{Key: k}, true
}

// keys maps tcell's keys. Ctrl-J is line feed, Ctrl-H the other backspace.
var keys = map[tcell.Key]Key{
	tcell.KeyEnter: Enter, tcell.KeyCtrlJ: Enter,
	tcell.KeyEscape:    Escape,
	tcell.KeyBackspace: Backspace, tcell.KeyBackspace2: Backspace, tcell.KeyDelete: Backspace,
	tcell.KeyTab: Tab,
	tcell.KeyUp:  Up, tcell.KeyDown: Down, tcell.KeyLeft: Left, tcell.KeyRight: Right,
	tcell.KeyPgUp: PageUp, tcell.KeyPgDn: PageDown,
	tcell.KeyF1: F1, tcell.KeyF2: F2, tcell.KeyF3: F3, tcell.KeyF4: F4, tcell.KeyF5: F5, tcell.KeyF6: F6,
	tcell.KeyF7: F7, tcell.KeyF8: F8, tcell.KeyF9: F9, tcell.KeyF10: F10, tcell.KeyF11: F11, tcell.KeyF12: F12,
	tcell.KeyCtrlC: Interrupt,
	tcell.KeyCtrlT: Technician,
}
