package tui

import (
	"slices"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// A scanner is a keyboard that nobody can type as fast as. Its characters are told
// from fingers by their pace and by what follows them, so that
//
//   - a scan that ends with a tab, or with nothing, sends as well as one that ends
//     with Enter;
//   - it replaces what was typed into the field before;
//   - on a screen where nothing is to be typed it does nothing at all, not even as
//     "any key": there a character waits for a moment, in which a scanner would have
//     sent the next one.
//
// A busy device can stand still in the middle of a scan. Then the pace says nothing: what
// the scanner sent lies unread, or read and not told yet. So a silence counts only when
// nothing lies on the way (see Screen.silenceElapsed), and without one a scan is not over: its
// first or last character alone would ring a phone as "ask again" does.
const (
	// scanGap is the longest time between two characters of a scanner. USB scanners
	// need 1 to 20 ms; the fastest fingers need 60 on average, an automatic repeat 33.
	scanGap = 25 * time.Millisecond
	// scanSure lies between the two looks that a silence takes: what has just been read is
	// on the way without a trace until the goroutine that read it has had its turn to
	// count it. After a standstill, that one and the one that looks wake together.
	scanSure = 5 * time.Millisecond
	// scanHold is how long a character waits where none is to be typed.
	scanHold = scanGap + scanSure
	// scanQuiet is the silence after which a scan without an end is over.
	scanQuiet = 150 * time.Millisecond
	// scanPace is the least time between two characters of any scanner: a USB keyboard
	// sends no two reports in less than a millisecond. What comes in quicker has been
	// waiting while this program stood still, at whatever pace it was typed.
	scanPace = time.Millisecond / 2
	// scanRest is how long nobody may have typed before a scan. Who has typed half a
	// name and gets the card out needs longer. If this program should stand still while
	// somebody types, the rest of the word comes in at the pace of a scan, but with
	// the beginning just before it.
	scanRest = time.Second
	// scanLeast is how many characters make a scan if Enter or a tab follows at once.
	scanLeast = 4
	// scanBare is the same where nothing follows.
	scanBare = 6
	// scanRoom is the longest scan: a signed token in a QR code.
	scanRoom = 2048
	// scanLooks is how often it is looked, scanHold apart, for keys that are on their way
	// by count. What tcell makes nothing of never comes, and must not keep the next key
	// waiting for ever; what it does make a key of takes microseconds.
	scanLooks = 5
)

// burst is characters at the pace of a scanner, and what has become of them.
type burst struct {
	text          []rune
	passed        int // the first so many were passed on as keys
	paced         int // how many came later than scanPace after the one before
	generation    uint64
	typing        bool      // where it began, characters are typed
	afterSilence  bool      // nobody had typed just before
	dark          bool      // it began on a dark screen: a key brings light and nothing else, a scan is a scan
	last          time.Time // the last character, or end of a scan
	afterScan     bool      // a scan has ended, and there was no silence since: a line feed may follow
	silenceChecks int       // how often silence was doubted
	silent        bool      // the last look found nothing on the way
	lastKey       time.Time // the last character or backspace before this burst
	timer         *time.Timer
}

// key takes a key and passes it on, or makes a scan of it and its like.
func (s *Screen) key(b *burst, p Press, at time.Time) {
	fast := !b.last.IsZero() && at.Sub(b.last) <= scanGap
	ends := p.Key == Enter || p.Key == Tab
	mute := !b.typing && (len(b.text) > 0 || b.afterScan) // a scan on the wrong screen, and no silence yet
	switch {
	case p.Key == Rune && (mute || fast && len(b.text) > 0):
		s.addCharacter(b, p, at)
	case p.Key == Rune:
		s.endBurst(b, false)
		*b = burst{
			generation: p.Generation, typing: s.typing(), dark: s.dark.Load(), timer: b.timer, lastKey: b.lastKey,
			afterSilence: b.lastKey.IsZero() || at.Sub(b.lastKey) >= scanRest,
		}
		s.addCharacter(b, p, at)
	case ends && fast && b.typing && b.afterSilence && len(b.text) >= scanLeast && (p.Key == Enter || b.hasScannerPace()):
		s.scan(b, at)
	case ends && (mute || b.afterScan):
		s.tail(b, at) // the end of a scan on the wrong screen is no key either; nor is a line feed behind a carriage return
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

// addCharacter adds a character. Where characters are typed the first ones are shown at once;
// when it is clear that this is a scan, the rest comes with it.
func (s *Screen) addCharacter(b *burst, p Press, at time.Time) {
	if len(b.text) > 0 && at.Sub(b.last) >= scanPace {
		b.paced++
	}
	b.last, b.silenceChecks, b.silent = at, 0, false
	if len(b.text) <= scanRoom { // one more than is allowed, so that it is refused and not cut short
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
	s.wait(b, wait-scanSure)
}

// wait has due called after a time.
func (s *Screen) wait(b *burst, d time.Duration) {
	if b.timer == nil {
		b.timer = time.AfterFunc(d, func() { _ = s.tcell.PostEvent(tcell.NewEventInterrupt(nil)) }) // if there is no room, keys are coming
		return
	}
	b.timer.Reset(d)
}

// silenceElapsed is called when the timer has gone off: it is silent, unless more was typed than has
// come here, because it has not been read yet or tcell has not told it.
func (s *Screen) silenceElapsed(b *burst, at time.Time) {
	if at.Sub(b.last) < scanHold-scanSure {
		return // it was set anew
	}
	// In this order: what is read between the two is counted then.
	unread, typed := s.tty.unread(), s.tty.typed.Load()
	if (unread || s.handled < typed) && b.silenceChecks < scanLooks {
		b.silenceChecks++
		b.silent = false
		s.wait(b, scanHold)
		return
	}
	if !b.silent {
		b.silent = true
		s.wait(b, scanSure)
		return
	}
	s.handled = typed
	s.endBurst(b, true)
}

// endBurst ends a burst without an end of its own. After a silence it may have been a
// scan all the same; otherwise fingers go on. Where nothing is typed, only a silence
// tells a key from a scan.
func (s *Screen) endBurst(b *burst, quiet bool) {
	switch n := len(b.text); {
	case n == 0, b.afterScan:
	case b.dark && !(b.typing && quiet && b.isBare()):
	case !b.typing && n == 1 && quiet:
		s.offer(Press{Key: Rune, Rune: b.text[0], Generation: b.generation})
	case !b.typing:
	case quiet && b.isBare():
		s.scan(b, b.last)
		return
	default:
		for _, r := range b.text[b.passed:min(n, max(pasteRoom, b.passed))] {
			s.offer(Press{Key: Rune, Rune: r, Generation: b.generation})
		}
		b.lastKey = b.last
	}
	b.forget()
}

// hasScannerPace says whether the pace is known: most characters came one by one. Otherwise
// only Enter, which sends what was typed, too, makes it a scan.
func (b *burst) hasScannerPace() bool { return 2*b.paced >= len(b.text)-1 }

// isBare says whether it is a scan although nothing follows it.
func (b *burst) isBare() bool { return b.afterSilence && len(b.text) >= scanBare && b.hasScannerPace() }

// scan passes a whole scan on.
func (s *Screen) scan(b *burst, at time.Time) {
	text := kiosk.Secret(string(b.text))
	s.offer(Scan{Text: text, Generation: b.generation})
	s.tail(b, at)
}

// tail has nothing of a scan count that comes behind its end.
func (s *Screen) tail(b *burst, at time.Time) {
	typing := b.typing
	b.forget()
	b.typing, b.afterScan, b.last = typing, true, at
	s.wait(b, scanHold-scanSure)
}

// forget overwrites what was scanned.
func (b *burst) forget() {
	clear(b.text)
	*b = burst{text: slices.Delete(b.text, 0, len(b.text)), lastKey: b.lastKey, timer: b.timer}
}

// typing says whether characters are typed on the screen that is on display. Before
// the first there is nobody to protect.
func (s *Screen) typing() bool {
	shot := s.onDisplay.Load()
	return shot == nil || shot.typing
}
