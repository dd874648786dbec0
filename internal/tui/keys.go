package tui

import (
	"time"
	"unicode"

	"github.com/gdamore/tcell/v2"
)

const (
	// pasteRoom is how many characters of one paste are passed on.
	pasteRoom = 256
	// pasteLimit is how long a paste may last. Its end is a sequence of its own,
	// which may never come; Enter must not be dead until then.
	pasteLimit = time.Second
)

// paste follows a bracketed paste: its characters are typed, its control keys are
// not, and it does not go on for ever.
type paste struct {
	since time.Time // zero outside
	dark  bool      // it began on a dark screen, so it brings light only
	room  int
}

func (p *paste) on() bool { return !p.since.IsZero() }

// pump turns tcell's events into ours until the screen is closed. It never lets
// tcell wait.
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
			press, ok := p.press(ev)
			press.Generation = s.tty.readAt.Load()
			switch {
			case !ok, p.on() && (p.dark || !s.typing()): // a paste on the wrong screen does nothing, like a scan
			case p.on():
				s.offer(press)
			default:
				s.key(&b, press, ev.When())
			}
			notify(s.active) // not before: in the dark a key brings light and nothing else
		case *tcell.EventInterrupt:
			s.silenceElapsed(&b, ev.When())
		case *tcell.EventMouse:
			x, y := ev.Position()
			s.point(&mouse, x, y, ev.Buttons()&tcell.Button1 != 0)
		case *tcell.EventPaste:
			p = paste{}
			if ev.Start() {
				p = paste{since: ev.When(), room: pasteRoom, dark: s.dark.Load()}
			}
		case *tcell.EventResize:
			notify(s.redraw)
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

// isTyped says whether a key is one that sequence.isTyped counts.
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

// markDrained sees the end mark.
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
	default: // nobody reads: a held key or a jammed scanner
	}
}

// press translates one key, or says that it means nothing here.
func (p *paste) press(ev *tcell.EventKey) (Press, bool) {
	if p.on() && ev.When().Sub(p.since) > pasteLimit {
		*p = paste{}
	}
	inPaste := p.on()
	if ev.Key() == tcell.KeyRune {
		// With Alt or Ctrl it is a command, of which there are none; also what is
		// left of a broken escape sequence arrives as Alt and a character.
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

// keys are tcell's names for ours. Ctrl-J is line feed, Ctrl-H the other backspace.
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
