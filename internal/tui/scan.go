package tui

import (
	"slices"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// A scanner is a keyboard that types faster than any person. Its characters are recognized by their pace and by what
// follows, so that
//
//   - a scan can end with Enter, a tab, or nothing;
//   - it replaces what was typed before;
//   - it does nothing on a screen without input, not even as "any key": there a character waits until a scanner would
//     have sent the next one.
//
// A busy device can stop in the middle of a scan; then the pace says nothing, because characters are unread or not yet
// reported by tcell. So a silence counts only when no character is on the way (Screen.silenceElapsed). Otherwise a single
// character of a scan could ring a phone as "ask again" does.
const (
	// scanGap is the longest time between two characters of a scanner. USB scanners need 1 to 20 ms; the fastest
	// typists need 60 on average, a key that repeats 33.
	scanGap = 25 * time.Millisecond
	// scanSure separates the two checks that establish a silence. A character that has just been read is not counted
	// until the goroutine that read it runs again; after a pause of the device both goroutines wake together.
	scanSure = 5 * time.Millisecond
	// scanHold is how long a character waits on a screen without input.
	scanHold = scanGap + scanSure
	// scanQuiet is the silence that ends a scan without an end mark.
	scanQuiet = 150 * time.Millisecond
	// scanPace is the least time between two characters of any scanner: a USB keyboard sends at most one report a
	// millisecond. Faster characters waited while this program was stopped, so their pace is unknown.
	scanPace = time.Millisecond / 2
	// scanRest is the silence before a scan. Somebody who has typed half a name needs longer to get out a card. If this
	// program stops while somebody types, the rest of the word arrives at the pace of a scan, but directly after the
	// beginning.
	scanRest = time.Second
	// scanLeast is how many characters make a scan if Enter or a tab follows at once.
	scanLeast = 4
	// scanBare is the same if nothing follows.
	scanBare = 6
	// scanRoom is the longest scan: a signed token in a QR code.
	scanRoom = 2048
	// scanLooks is how often, scanHold apart, the pump waits for characters that are counted but not reported. tcell
	// drops some, which must not hold up the next key for ever; the others take microseconds.
	scanLooks = 5
)

// burst is a run of characters at the pace of a scanner.
type burst struct {
	text          []rune
	passed        int // characters at the start that were passed on as keys
	paced         int // characters that came later than scanPace after the one before
	generation    uint64
	typing        bool      // the screen on which it began has an input
	afterSilence  bool      // scanRest of silence came before it
	dark          bool      // it began on a dark screen: a key only lights it, a scan counts
	last          time.Time // time of the last character, or of the end of a scan
	afterScan     bool      // a scan has just ended: a line feed may follow
	silenceChecks int       // how often silence was checked
	silent        bool      // the last check found nothing on the way
	lastKey       time.Time // time of the last character before this burst
	timer         *time.Timer
}

// handleKey passes a key on, or collects it as part of a scan.
func (s *Screen) handleKey(b *burst, p Press, at time.Time) {
	fast := !b.last.IsZero() && at.Sub(b.last) <= scanGap
	ends := p.Key == Enter || p.Key == Tab
	mute := !b.typing && (len(b.text) > 0 || b.afterScan) // a scan on a screen without input, and no silence yet
	switch {
	case p.Key == Rune && (mute || fast && len(b.text) > 0):
		s.addCharacter(b, p, at)
	case p.Key == Rune:
		s.endBurst(b, false)
		*b = burst{
			generation: p.Generation, typing: s.hasInput(), dark: s.dark.Load(), timer: b.timer, lastKey: b.lastKey,
			afterSilence: b.lastKey.IsZero() || at.Sub(b.lastKey) >= scanRest,
		}
		s.addCharacter(b, p, at)
	case ends && fast && b.typing && b.afterSilence && len(b.text) >= scanLeast && (p.Key == Enter || b.hasScannerPace()):
		s.offerScan(b, at)
	case ends && (mute || b.afterScan):
		s.ignoreTail(b, at) // the end of a scan on a screen without input is no key; neither is the line feed after a carriage return
	default:
		s.endBurst(b, false)
		if p.Key == Backspace {
			b.lastKey = at
		}
		if !s.dark.Load() {
			s.offer(p)
		}
	}
}

// addCharacter adds a character. On a screen with an input the first ones are shown at once; the rest follows when it
// is clear that this is a scan.
func (s *Screen) addCharacter(b *burst, p Press, at time.Time) {
	if len(b.text) > 0 && at.Sub(b.last) >= scanPace {
		b.paced++
	}
	b.last, b.silenceChecks, b.silent = at, 0, false
	if len(b.text) <= scanRoom { // one more than allowed, so that it is refused and not truncated
		b.text = append(b.text, p.Rune)
	}
	if b.typing && !b.dark && (len(b.text) <= scanBare || !b.afterSilence) && b.passed < pasteRoom {
		s.offer(p)
		b.passed++
	}
	wait := scanQuiet
	if !b.typing {
		wait = scanHold
	}
	s.scheduleCheck(b, wait-scanSure)
}

// scheduleCheck has silenceElapsed called after d.
func (s *Screen) scheduleCheck(b *burst, d time.Duration) {
	if b.timer == nil {
		b.timer = time.AfterFunc(d, func() { _ = s.tcell.PostEvent(tcell.NewEventInterrupt(nil)) }) // if the queue is full, keys are coming
		return
	}
	b.timer.Reset(d)
}

// silenceElapsed is called when the timer fires. It is not a silence if more characters were read than tcell has
// reported.
func (s *Screen) silenceElapsed(b *burst, at time.Time) {
	if at.Sub(b.last) < scanHold-scanSure {
		return // it was reset
	}
	// In this order: a character read between the two is then counted.
	unread, typed := s.tty.unread(), s.tty.typed.Load()
	if (unread || s.handled < typed) && b.silenceChecks < scanLooks {
		b.silenceChecks++
		b.silent = false
		s.scheduleCheck(b, scanHold)
		return
	}
	if !b.silent {
		b.silent = true
		s.scheduleCheck(b, scanSure)
		return
	}
	s.handled = typed
	s.endBurst(b, true)
}

// endBurst ends a burst without an end mark. After a silence it may be a scan; otherwise somebody types. On a screen
// without input only a silence shows that it is a key and not a scan.
func (s *Screen) endBurst(b *burst, quiet bool) {
	switch n := len(b.text); {
	case n == 0, b.afterScan:
	case b.dark && !(b.typing && quiet && b.isBare()):
	case !b.typing && n == 1 && quiet:
		s.offer(Press{Key: Rune, Rune: b.text[0], Generation: b.generation})
	case !b.typing:
	case quiet && b.isBare():
		s.offerScan(b, b.last)
		return
	default:
		for _, r := range b.text[b.passed:min(n, max(pasteRoom, b.passed))] {
			s.offer(Press{Key: Rune, Rune: r, Generation: b.generation})
		}
		b.lastKey = b.last
	}
	b.forget()
}

// hasScannerPace reports whether most characters came one by one, so that the pace is known. Otherwise only Enter,
// which also sends typed text, makes the burst a scan.
func (b *burst) hasScannerPace() bool { return 2*b.paced >= len(b.text)-1 }

// isBare reports whether it is a scan although nothing follows.
func (b *burst) isBare() bool { return b.afterSilence && len(b.text) >= scanBare && b.hasScannerPace() }

// offerScan passes a whole scan on.
func (s *Screen) offerScan(b *burst, at time.Time) {
	text := kiosk.Secret(string(b.text))
	s.offer(Scan{Text: text, Generation: b.generation})
	s.ignoreTail(b, at)
}

// ignoreTail ignores what follows the end of a scan.
func (s *Screen) ignoreTail(b *burst, at time.Time) {
	typing := b.typing
	b.forget()
	b.typing, b.afterScan, b.last = typing, true, at
	s.scheduleCheck(b, scanHold-scanSure)
}

// forget overwrites the scanned text.
func (b *burst) forget() {
	clear(b.text)
	*b = burst{text: slices.Delete(b.text, 0, len(b.text)), lastKey: b.lastKey, timer: b.timer}
}

// hasInput reports whether the screen on display has an input. Before the first screen it is true.
func (s *Screen) hasInput() bool {
	shown := s.onDisplay.Load()
	return shown == nil || shown.typing
}
