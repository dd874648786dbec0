package app

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// resident is what a kiosk that stays has beside its visits, with a screen and
// without: it is watched by the service manager, and spoken to over a socket.
type resident struct {
	app      *App
	options  RunOptions
	front    *front        // nil with a screen
	stop     func()        // ends the run
	began    time.Duration // uptime at the start
	order    *service
	why      cause
	fresh    rereading
	restarts chan struct{} // a technician wants the program to begin anew
	board    *health.Board

	seat *seat
	tell func(kiosk.Event)           // to the runner; returns when the event was taken, or the run has ended
	seen func(context.Context) error // the front end's proof that it moves

	notify func(string) error // host.Notify
	limit  time.Duration      // the watchdog's; 0: nobody watches
	ready  atomic.Bool        // the service manager knows that the kiosk is
}

func (a *App) resident(tell func(kiosk.Event), d kiosk.Display, seen func(context.Context) error, o RunOptions, stop func()) *resident {
	r := &resident{app: a, options: o, stop: stop, began: a.clock.Now(), order: a.service(), restarts: make(chan struct{}, 1),
		seat: newSeat(d), tell: tell, seen: seen, notify: host.Notify, limit: host.WatchdogLimit()}
	r.board = health.New(r.healthItems()...)
	r.fresh.mistaken(sanitize.Line(o.Refused))
	if err := r.order.load(a.clock.Wall(), a.clock.Now()); err != nil {
		a.log.Warn("service", "error", err)
	}
	return r
}

// closures are what the run begins with.
func (r *resident) closures() kiosk.Closures {
	c := kiosk.Starting
	if o, _ := r.order.now(r.app.clock.Now()); o.Off {
		c |= kiosk.Maintenance
	}
	if !r.opens().IsZero() {
		c |= kiosk.OutsideHours
	}
	return c
}

// notice is what the operator says of being out of service.
func (r *resident) notice() string {
	o, _ := r.order.now(r.app.clock.Now())
	return o.Text
}

// hear listens at the socket. A kiosk with a screen that cannot have its socket
// serves customers all the same: then there is none.
func (a *App) hear() *net.UnixListener {
	l, err := control.Listen(a.settings.Socket)
	if err != nil {
		a.log.Error("nobody can ask this kiosk how it is", "error", err)
	}
	return l
}

// listen serves the socket, the metrics, and the signal to read the settings again, until ctx ends.
func (r *resident) listen(ctx context.Context, l *net.UnixListener) {
	var all sync.WaitGroup
	all.Go(func() { r.heed(ctx) })
	all.Go(func() { r.metrics(ctx) })
	if l != nil {
		s := &control.Server{Handle: r.handle, Log: r.app.log}
		if r.front == nil {
			s.Patience = askPatience // a front end waits for customers
		}
		s.Serve(ctx, l)
	}
	all.Wait()
}

// askPatience: at a kiosk with a screen there are only programs that ask at once.
const askPatience = 10 * time.Second

// heed reads the settings again, or has the program begin anew, whenever it is told to.
func (r *resident) heed(ctx context.Context) {
	for {
		select {
		case <-r.options.Reload:
			_ = r.reload(ctx) // it is in the log and the status
		case <-r.restarts:
			r.restart(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// supervise tells the service manager that the kiosk is ready once all of it has
// moved, what it is doing, and, where that watches, that it still moves. It proves
// rather than ticks: each sign of life has gone through the visit's loop, the
// screen and the store. If one of them hangs, this hangs with it, no sign is
// given, and the service manager starts the kiosk anew.
func (r *resident) supervise(ctx context.Context) {
	defer func() {
		if r.fresh.next() != nil {
			return // the service manager would end a process that says it stops
		}
		// With a last sign of life, so that the whole of the limit is there for the end.
		r.send("STOPPING=1\nWATCHDOG=1")
	}()
	if !r.moves(ctx) {
		return
	}
	r.ready.Store(r.send("READY=1"))
	// Three signs within the limit: one may be late on a busy board.
	var pause <-chan time.Time
	if r.limit > 0 {
		t := time.NewTicker(r.limit / 3)
		defer t.Stop()
		pause = t.C
	}
	for sent := ""; ; {
		phase, closed, changed := r.seat.now()
		is := status.Of(phase, closed).Sentence()
		if is != sent && r.send("STATUS="+is) {
			sent = is
		}
		if !r.ready.Load() {
			r.ready.Store(r.send("READY=1"))
		}
		var unsaid <-chan time.Time
		if sent != is || !r.ready.Load() {
			unsaid = time.NewTimer(sayAgain).C
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-unsaid:
		case <-pause:
			if r.moves(ctx) {
				r.send("WATCHDOG=1")
			}
		}
	}
}

// moves has a sign of life travel through everything; false if the run ended
// meanwhile.
func (r *resident) moves(ctx context.Context) bool {
	r.tell(kiosk.Tick{})
	r.tell(kiosk.Tick{}) // taken only when the first has been dealt with, effects and all
	if err := r.seen(ctx); err != nil || ctx.Err() != nil {
		return false
	}
	r.app.store.Answers()
	return true
}

// send says whether the service manager has taken it.
func (r *resident) send(state string) bool {
	err := r.notify(state)
	if err != nil {
		r.app.log.Warn("supervision", "error", err)
	}
	return err == nil
}

// sayAgain is how long a service manager that did not listen is left alone.
const sayAgain = 5 * time.Second
