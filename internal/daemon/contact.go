package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Contact is the outcome of the last attempt to reach the authorization server, by a visit or by the daemon. The zero value
// is a success.
type Contact struct {
	mu      sync.Mutex
	last    ciba.Contact
	changed chan struct{} // closed at the next change of what isLost returns; nil: not requested
}

// Set stores the outcome of an attempt.
func (c *Contact) Set(outcome ciba.Contact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if outcome.Probeable != c.last.Probeable && c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	c.last = outcome
}

// err returns what went wrong; nil if nothing did.
func (c *Contact) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last.Err
}

// isLost reports whether the server did not answer the last attempt. A probe can then find out whether it answers again. The
// channel is closed when the result changes.
func (c *Contact) isLost() (bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.last.Probeable, c.changed
}

// Pauses between attempts to reach the authorization server; each is twice as long as the one before.
const (
	FirstPause = 2 * time.Second
	MaxPause   = time.Minute
)

// connect opens the kiosk after the first contact with the authorization server, and watches the contact until ctx ends.
func (d *Daemon) connect(ctx context.Context) {
	if d.firstContact(ctx) {
		d.watchContact(ctx)
	}
}

// firstContact keeps the kiosk closed until the authorization server was reached. It returns false if ctx ended before.
func (d *Daemon) firstContact(ctx context.Context) bool {
	closed := kiosk.Starting // the runner begins with it
	for pause := FirstPause; ; pause = min(2*pause, MaxPause) {
		closure := d.probe(ctx)
		if closure != 0 && closure != closed {
			d.Send(kiosk.ClosureChanged{Closure: closure, On: true}) // before the old one ends: the kiosk must not open in between
		}
		if closure != closed {
			d.Send(kiosk.ClosureChanged{Closure: closed, On: false})
			closed = closure
		}
		if closure == 0 {
			return true
		}
		if !wait.For(ctx, pause) {
			return false
		}
	}
}

// watchContact probes the server, with growing pauses, after a visit that got no answer, until there is one. Otherwise the
// status would report a minute's outage in the evening all night. While a visit is in progress it does not probe: the
// visit's copy of the metadata must not change.
func (d *Daemon) watchContact(ctx context.Context) {
	pause := FirstPause
	for {
		phase, _, moved := d.observer.current()
		lost, changed := d.Contact.isLost()
		if !lost {
			pause = FirstPause
		}
		var timer *time.Timer
		var due <-chan time.Time
		if lost && (phase == kiosk.Ready || phase == kiosk.Closed) {
			timer = time.NewTimer(pause)
			due = timer.C
		}
		select {
		case <-moved:
		case <-changed:
		case <-due:
			d.probe(ctx)
			pause = min(2*pause, MaxPause)
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// probeLimit bounds a probe: metadata and keys are two small documents.
const probeLimit = 30 * time.Second

// probe tries to reach the authorization server. It returns the closure that follows from the outcome; 0 if it succeeded.
func (d *Daemon) probe(ctx context.Context) kiosk.Closures {
	if !d.Clock.Trusted() {
		return kiosk.ClockWrong
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	err := d.Probe(ctx)
	d.Contact.Set(ciba.Contact{Err: err, Probeable: err != nil})
	if err == nil {
		return 0
	}
	d.Log.Warn("authorization server", "reason", kiosk.ReasonOf(err).String(), "error", err)
	switch kiosk.ReasonOf(err) {
	case kiosk.BadClock:
		return kiosk.ClockWrong
	case kiosk.Misconfigured, kiosk.Untrusted:
		return kiosk.SettingsBad
	}
	return kiosk.Starting
}
