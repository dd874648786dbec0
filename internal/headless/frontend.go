package headless

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Kiosk is the running kiosk, as the front end sees it.
type Kiosk interface {
	// Send returns after the kiosk has accepted the event or has stopped.
	Send(kiosk.Event)
	// Phase returns the phase and the closures, and a channel that is closed when one of them changes.
	Phase() (kiosk.Phase, kiosk.Closures, <-chan struct{})
	// OutageText returns the operator's text about an outage; empty if there is none.
	OutageText() string
}

// Frontend runs visits for clients, one after another. It is the kiosk's display: each visit's client gets its lines.
type Frontend struct {
	texts   Texts
	kiosk   Kiosk
	turn    chan struct{} // held by the visit in progress
	stopped chan struct{} // closed when the kiosk has stopped

	mu     sync.Mutex
	lines  *Lines // of the visit in progress; nil between visits
	visits int    // in progress and waiting for their turn
	left   chan struct{}
}

// New returns a front end that uses texts. Attach it to a kiosk before the first visit.
func New(texts Texts) *Frontend {
	return &Frontend{texts: texts, turn: make(chan struct{}, 1), stopped: make(chan struct{})}
}

// Attach connects the front end to the kiosk whose display it is.
func (f *Frontend) Attach(k Kiosk) { f.kiosk = k }

// Stop ends all visits. Call it once, after the kiosk has stopped.
func (f *Frontend) Stop() { close(f.stopped) }

// Run has no input of its own: events come from visits. It waits until ctx ends.
func (f *Frontend) Run(ctx context.Context, _ func(kiosk.Event)) error {
	<-ctx.Done()
	return nil
}

// Alive returns at once: there is no terminal that could hang.
func (f *Frontend) Alive(context.Context) error { return nil }

// Go runs do in a goroutine.
func (f *Frontend) Go(do func()) { go do() }

// Show implements kiosk.Display.
func (f *Frontend) Show(now time.Duration, s kiosk.State, p kiosk.Private) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lines != nil {
		f.lines.Show(now, s, p)
	}
}

// Visits returns the number of visits in progress and waiting, and a channel that is closed when one of them ends.
func (f *Frontend) Visits() (int, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = make(chan struct{})
	}
	return f.visits, f.left
}

// enter counts a visit until leave is called.
func (f *Frontend) enter() (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.visits++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.visits--
		if f.left != nil {
			close(f.left)
			f.left = nil
		}
	}
}

func (f *Frontend) show(l *Lines) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = l
}

// finish writes the last line of a visit that has none yet.
func (f *Frontend) finish(l *Lines, reason kiosk.Reason) kiosk.Reason {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.endWithout(reason)
	return l.Reason
}

// reject writes the last line of a visit that may not begin, with the operator's text.
func (f *Frontend) reject(l *Lines, reason kiosk.Reason) kiosk.Reason {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.outageText = f.kiosk.OutageText()
	l.endWithout(reason)
	return l.Reason
}

// client is who a visit is run for.
type client struct {
	json     bool
	out      io.Writer
	gone     <-chan struct{}                    // closed when the client leaves
	userCode func(context.Context) kiosk.Secret // asks for a user code; returns at once when ctx ends
}

// startLimit is how long a visit waits for the first contact with the authorization server after a start.
const startLimit = 10 * time.Second

// maxAttempts is how often a visit tries to begin. A kiosk that has just closed ignores the identifier, and may be open again
// a moment later.
const maxAttempts = 3

// visit runs one visit when it is its turn and returns why it ended.
func (f *Frontend) visit(ctx context.Context, identifier kiosk.Secret, c client) (reason kiosk.Reason, err error) {
	defer identifier.Zero()
	defer f.enter()()
	ended := make(chan struct{})
	codeRequests := make(chan struct{}, 1) // one at a time: the next request needs the answer to this one
	l := f.texts.Lines(c.json, c.out, func() { close(ended) })
	l.askUserCode = func() { codeRequests <- struct{}{} }
	defer func() { err = l.Err }()
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-c.gone:
		return f.finish(l, kiosk.Cancelled), nil
	case <-ctx.Done():
		return f.finish(l, kiosk.Cancelled), nil
	}
	defer f.show(nil)
	for attempt := 0; !f.hasBegun(l); attempt++ {
		if reason := f.awaitReady(ctx, c.gone); reason != kiosk.NoReason {
			return f.reject(l, reason), nil
		}
		if attempt == maxAttempts || f.hasStopped() {
			return f.finish(l, kiosk.Unreachable), nil
		}
		f.show(l)
		f.kiosk.Send(kiosk.IdentifierEntered{Identifier: identifier, Seen: kiosk.Ready})
		f.kiosk.Send(kiosk.Tick{}) // accepted after the visit has begun or was ignored
	}
	f.follow(ctx, c, ended, codeRequests)
	f.clear()
	return f.finish(l, kiosk.Cancelled), nil
}

// hasBegun reports whether the kiosk has begun or ended the visit of l.
func (f *Frontend) hasBegun(l *Lines) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return l.started || l.isComplete
}

func (f *Frontend) hasStopped() bool {
	select {
	case <-f.stopped:
		return true
	default:
		return false
	}
}

// follow waits until the visit's last line is written, the client leaves or the kiosk stops. Meanwhile it asks the client
// for user codes.
func (f *Frontend) follow(ctx context.Context, c client, ended, codeRequests chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-c.gone:
			return
		case <-f.stopped:
			return
		case <-codeRequests:
			asking, stop := context.WithCancel(ctx)
			answer := make(chan kiosk.Secret, 1)
			go func() { answer <- c.userCode(asking) }()
			select {
			case code := <-answer:
				f.kiosk.Send(kiosk.UserCodeEntered{Code: code})
				stop()
				continue
			case <-ended:
			case <-c.gone:
			case <-f.stopped:
			}
			stop()
			(<-answer).Zero() // wait until a terminal shows input again
		}
	}
}

// clear brings the kiosk back to Ready or Closed: it presses Escape on each remaining screen, as a customer who leaves.
func (f *Frontend) clear() {
	for {
		phase, _, changed := f.kiosk.Phase()
		if phase == kiosk.Ready || phase == kiosk.Closed {
			return
		}
		f.kiosk.Send(kiosk.Press{Key: kiosk.EscapeKey, Seen: phase})
		select {
		case <-changed:
		case <-f.stopped:
			return
		}
	}
}

// awaitReady returns NoReason when a visit may begin, otherwise why it may not. After a start it waits up to startLimit.
func (f *Frontend) awaitReady(ctx context.Context, gone <-chan struct{}) kiosk.Reason {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	for {
		phase, closed, changed := f.kiosk.Phase()
		if phase == kiosk.Ready {
			return kiosk.NoReason
		}
		if closed != kiosk.Starting {
			return rejectionReason(closed)
		}
		select {
		case <-changed:
		case <-limit.C:
			return rejectionReason(closed)
		case <-gone:
			return kiosk.Cancelled
		case <-ctx.Done():
			return kiosk.Cancelled
		}
	}
}

// rejectionReason returns the reason with which a visit ends at a kiosk that is out of service.
func rejectionReason(c kiosk.Closures) kiosk.Reason {
	switch {
	case c&kiosk.SettingsBad != 0:
		return kiosk.Misconfigured
	case c&kiosk.StoreDown != 0:
		return kiosk.Internal
	case c&(kiosk.Maintenance|kiosk.OutsideHours) != 0:
		return kiosk.Cancelled // intended, as after SIGTERM, and no fault
	case c&kiosk.ClockWrong != 0:
		return kiosk.BadClock
	}
	return kiosk.Unreachable
}
