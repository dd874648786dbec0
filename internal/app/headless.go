package app

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Headless plays visits that come over the local socket, one at a time, until ctx
// ends. It cannot do without the socket: that it cannot be made is an error.
func (a *App) Headless(ctx context.Context, o RunOptions) error {
	l, err := control.Listen(a.settings.Socket)
	if err != nil {
		return unopened(kiosk.Fail(kiosk.Internal, "", err))
	}
	defer l.Close()
	run, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan kiosk.Event)
	tell := func(e kiosk.Event) {
		select {
		case events <- e:
		case <-run.Done():
		}
	}
	f := &front{app: a, turn: make(chan struct{}, 1), over: make(chan struct{})}
	r := a.resident(tell, f, func(context.Context) error { return nil }, o, stop)
	r.front = f
	f.resident = r
	var all sync.WaitGroup
	all.Go(func() { r.connect(run) })
	all.Go(func() { a.prune(run) })
	all.Go(func() { r.supervise(run) })
	all.Go(func() { r.obey(run) })
	all.Go(func() { r.keepHours(run) })
	all.Go(func() { r.listen(run, l) })
	visits := a.runner(newSweeper(r.seat, sweep))
	visits.Closures = r.closures()
	visits.Rules.NoScreen = true
	visits.Run(run, events)
	stop()
	close(f.over)
	all.Wait()
	return r.again()
}

// front is the display of a kiosk without a screen: whoever has the present visit
// gets its lines.
type front struct {
	app      *App
	resident *resident
	turn     chan struct{} // held by the present visit
	over     chan struct{} // closed when the runner has ended

	mu    sync.Mutex
	lines *lines // of the present visit
	here  int    // visits, the present one and those that wait for their turn
	left  chan struct{}
}

// comes counts a visit until it has gone.
func (f *front) comes() (goes func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.here++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.here--
		if f.left != nil {
			close(f.left)
			f.left = nil
		}
	}
}

// line is how many visits there are, and a channel that is closed when one goes. Nobody
// comes in person to a kiosk with a screen, where f is nil.
func (f *front) line() (int, <-chan struct{}) {
	if f == nil {
		return 0, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = make(chan struct{})
	}
	return f.here, f.left
}

// Show implements kiosk.Display.
func (f *front) Show(now time.Duration, s kiosk.State, p kiosk.Private) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lines != nil {
		f.lines.Show(now, s, p)
	}
}

func (f *front) attach(l *lines) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = l
}

// finish writes the last line of a visit that has none yet.
func (f *front) finish(l *lines, why kiosk.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.endWithout(why)
}

// turnAway is finish for a visit that is not let in, with what the operator says.
func (f *front) turnAway(l *lines, why kiosk.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.notice = f.resident.notice()
	l.endWithout(why)
}

// connecting is how long a visit waits for the first contact with the
// authorization server after a start.
const connecting = 10 * time.Second

// visitor is who a visit is played for.
type visitor struct {
	json  bool
	out   io.Writer
	gone  <-chan struct{}                    // closed when they leave
	prove func(context.Context) kiosk.Secret // asks for a user code
}

// visit plays one visit, when it is its turn, and says why it ended.
func (f *front) visit(ctx context.Context, identifier kiosk.Secret, v visitor) kiosk.Reason {
	defer identifier.Zero()
	defer f.comes()()
	over, wanted := make(chan struct{}), make(chan struct{}, 1)
	l := f.app.lines(v.json, v.out, func() { close(over) })
	l.prove = func() { wanted <- struct{}{} } // one at a time: the next needs the answer to this one
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-v.gone:
		f.finish(l, kiosk.Cancelled)
		return l.reason
	case <-ctx.Done():
		f.finish(l, kiosk.Cancelled)
		return l.reason
	}
	if why := f.closed(ctx, v.gone); why != kiosk.NoReason {
		f.turnAway(l, why)
		return l.reason
	}
	f.attach(l)
	defer f.attach(nil)
	tell := f.resident.tell
	tell(kiosk.IdentifierEntered{Identifier: identifier, Seen: kiosk.Ready})
	tell(kiosk.Tick{}) // taken when the visit has begun, or was not let in
	if phase, closed, _ := f.resident.seat.now(); phase == kiosk.Closed {
		f.turnAway(l, reasonOf(closed))
	}
	f.follow(ctx, v, over, wanted)
	f.clear()
	f.finish(l, kiosk.Cancelled)
	return l.reason
}

// follow lets the visit go its way until its last line is out or somebody ends it.
func (f *front) follow(ctx context.Context, v visitor, over, wanted chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-v.gone:
			return
		case <-f.over:
			return
		case <-wanted:
			typing, stop := context.WithCancel(ctx)
			typed := make(chan kiosk.Secret, 1)
			go func() { typed <- v.prove(typing) }()
			select {
			case c := <-typed:
				f.resident.tell(kiosk.UserCodeEntered{Code: c})
			case <-over:
			case <-v.gone:
			case <-f.over:
			}
			stop()
		}
	}
}

// clear brings the kiosk back to where the next visit can begin: it presses Escape,
// like a customer who leaves, on each screen that still stands.
func (f *front) clear() {
	for {
		phase, _, changed := f.resident.seat.now()
		if phase == kiosk.Ready || phase == kiosk.Closed {
			return
		}
		f.resident.tell(kiosk.Press{Key: kiosk.EscapeKey, Seen: phase})
		select {
		case <-changed:
		case <-f.over:
			return
		}
	}
}

// closed says why no visit may begin now; just after a start it waits a little.
func (f *front) closed(ctx context.Context, gone <-chan struct{}) kiosk.Reason {
	limit := time.NewTimer(connecting)
	defer limit.Stop()
	for {
		phase, closed, changed := f.resident.seat.now()
		if phase == kiosk.Ready {
			return kiosk.NoReason
		}
		if closed != kiosk.Starting {
			return reasonOf(closed)
		}
		select {
		case <-changed:
		case <-limit.C:
			return reasonOf(closed)
		case <-gone:
			return kiosk.Cancelled
		case <-ctx.Done():
			return kiosk.Cancelled
		}
	}
}

// reasonOf is why a visit ends that comes to a kiosk out of service.
func reasonOf(c kiosk.Closures) kiosk.Reason {
	switch {
	case c&kiosk.SettingsBad != 0:
		return kiosk.Misconfigured
	case c&kiosk.StoreDown != 0:
		return kiosk.Internal
	case c&(kiosk.Maintenance|kiosk.OutsideHours) != 0:
		return kiosk.Cancelled // somebody wants it so, as with SIGTERM: no fault, nothing to look into
	case c&kiosk.ClockWrong != 0:
		return kiosk.BadClock
	}
	return kiosk.Unreachable
}
