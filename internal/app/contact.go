package app

import (
	"context"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// contact is how the last attempt to reach the authorization server went, a visit's or
// our own. Its zero value is well.
type contact struct {
	mu      sync.Mutex
	last    ciba.Contact
	changed chan struct{} // closed at the next change of what lost says; nil: nobody waits for it
}

func (c *contact) met(is ciba.Contact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if is.Probe != c.last.Probe && c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	c.last = is
}

// get is what was wrong; nil if nothing was.
func (c *contact) get() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last.Err
}

// lost says that the server gave no answer, so that asking again tells whether it does,
// and a channel that is closed when that changes.
func (c *contact) lost() (bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.last.Probe, c.changed
}

// Pauses between attempts to reach the authorization server while it is not reached.
const (
	firstPause = 2 * time.Second
	longest    = time.Minute
)

// connect opens the kiosk once the authorization server has been reached, and stays in
// touch with it until ctx ends.
func (r *resident) connect(ctx context.Context) {
	if r.firstContact(ctx) {
		r.keepInTouch(ctx)
	}
}

// firstContact opens the kiosk for customers once the authorization server has been
// reached, and says why it stays closed until then; false if ctx ended before.
func (r *resident) firstContact(ctx context.Context) bool {
	closed := kiosk.Starting // what the runner begins with
	for pause := firstPause; ; pause = min(2*pause, longest) {
		why := r.app.probe(ctx)
		if why != 0 && why != closed {
			r.tell(kiosk.ClosureChanged{Closure: why, On: true}) // first: in between it must not open
		}
		if why != closed {
			r.tell(kiosk.ClosureChanged{Closure: closed, On: false})
			closed = why
		}
		if why == 0 {
			return true
		}
		if !wait(ctx, pause) {
			return false
		}
	}
}

// keepInTouch has what is told of the authorization server be so while nobody stands
// there, too, until ctx ends. As a rule it asks nothing: visits find out by themselves, and
// what they find is told. Only after a visit that got no answer the server is asked again,
// with growing pauses, until there is one: else a minute's outage in the evening would be
// told all night. While somebody stands there the visit asks, and nobody else: a copy of
// the metadata must not change under it.
func (r *resident) keepInTouch(ctx context.Context) {
	pause := firstPause
	for {
		phase, _, moved := r.seat.now()
		lost, changed := r.app.contact.lost()
		if !lost {
			pause = firstPause
		}
		var due *time.Timer
		var again <-chan time.Time
		if lost && (phase == kiosk.Ready || phase == kiosk.Closed) {
			due = time.NewTimer(pause)
			again = due.C
		}
		select {
		case <-moved:
		case <-changed:
		case <-again:
			r.app.probe(ctx)
			pause = min(2*pause, longest)
		case <-ctx.Done():
		}
		if due != nil {
			due.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// probeLimit: discovery and keys are two small documents.
const probeLimit = 30 * time.Second

func (a *App) probe(ctx context.Context) kiosk.Closures {
	if !a.clock.Trusted() {
		return kiosk.ClockWrong
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	_, err := a.client.Probe(ctx)
	a.contact.met(ciba.Contact{Err: err, Probe: err != nil})
	if err == nil {
		return 0
	}
	a.log.Warn("authorization server", "reason", kiosk.ReasonOf(err).String(), "error", err)
	switch kiosk.ReasonOf(err) {
	case kiosk.BadClock:
		return kiosk.ClockWrong
	case kiosk.Misconfigured, kiosk.Untrusted:
		return kiosk.SettingsBad
	}
	return kiosk.Starting
}
