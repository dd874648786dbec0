package headless

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
)

// LoginOptions describe the one visit of kiosk login.
type LoginOptions struct {
	Texts
	// Runner runs the visit. Login sets its display and rules.
	Runner *runner.Runner
	JSON   bool // JSON lines instead of sentences
	Out    io.Writer
	// UserCode asks for a user code whenever the server requires one; an empty code ends the visit.
	UserCode func(context.Context) kiosk.Secret
	// AfterVisit is called after the visit and counts towards its time limit.
	AfterVisit func()
}

// stopLimit is how long a visit may take to end after ctx: a poll in flight takes up to 3 s, revoking tokens 5 s, the store 2 s.
const stopLimit = 11 * time.Second

// Login runs one visit and returns why it ended; NoReason if the result was delivered. When ctx ends, it cancels the visit.
// The error is about Out only.
func Login(ctx context.Context, o LoginOptions, identifier kiosk.Secret) (kiosk.Reason, error) {
	run, stop := context.WithCancel(ctx)
	defer stop()
	k := &loginKiosk{events: make(chan kiosk.Event), stopped: run.Done(), changed: make(chan struct{})}
	f := New(o.Texts)
	f.Attach(k)
	o.Runner.Display, o.Runner.Observers = f, append(o.Runner.Observers, k.observe)
	o.Runner.Rules.NoScreen = true
	var reason kiosk.Reason
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var visit sync.WaitGroup
		visit.Go(func() {
			reason, err = f.visit(context.WithoutCancel(ctx), identifier, client{json: o.JSON, out: o.Out, userCode: o.UserCode})
			stop()
		})
		o.Runner.Run(run, k.events)
		f.Stop()
		visit.Wait()
		o.AfterVisit()
	}()
	select {
	case <-ended:
		return reason, err
	case <-after(ctx, stopLimit):
		// The reader of the lines has stopped reading, and writing blocks. The record has the visit's outcome, or the next
		// start determines it.
		return kiosk.Cancelled, errors.New("output: the reader has stopped reading")
	}
}

// after returns a channel that is closed a while after ctx has ended.
func after(ctx context.Context, d time.Duration) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		<-ctx.Done()
		wait.For(context.WithoutCancel(ctx), d)
		close(out)
	}()
	return out
}

// loginKiosk is the kiosk of a single visit.
type loginKiosk struct {
	events  chan kiosk.Event
	stopped <-chan struct{}

	mu      sync.Mutex
	phase   kiosk.Phase
	changed chan struct{}
}

// observe notes the phase.
func (k *loginKiosk) observe(_ time.Duration, s kiosk.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s.Phase != k.phase {
		k.phase = s.Phase
		close(k.changed)
		k.changed = make(chan struct{})
	}
}

// Send implements Kiosk.
func (k *loginKiosk) Send(e kiosk.Event) {
	select {
	case k.events <- e:
	case <-k.stopped:
		if c, ok := e.(kiosk.UserCodeEntered); ok {
			c.Code.Zero()
		}
	}
}

// Phase implements Kiosk.
func (k *loginKiosk) Phase() (kiosk.Phase, kiosk.Closures, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.phase, 0, k.changed
}

// OutageText implements Kiosk.
func (k *loginKiosk) OutageText() string { return "" }

// Refuse writes the last line of a visit that could not begin, or of which no more is known; then visit is its name.
func Refuse(reason kiosk.Reason, visit string, t Texts, asJSON bool, out io.Writer) error {
	l := t.Lines(asJSON, out, func() {})
	l.visit = visit
	l.endWithout(reason)
	return l.Err
}
