// Package daemon is the resident process around the visits. It runs them, decides when the device is out of service
// (outage, opening hours, no contact with the authorization server), reloads settings, answers the control socket,
// exports metrics and reports to the service manager.
//
// It gets its parts from package app and its front end, a screen or the control socket, through small interfaces. A
// device that is being set up is another State under the same Supervisor (package setup).
package daemon

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/journal"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
)

// Options are the daemon's settings and parts.
type Options struct {
	Settings *config.Settings
	Version  string
	Log      *slog.Logger
	Clock    *host.Clock
	Now      func() time.Time // the best known time: the wall clock's, or the authorization server's
	Record   Record
	Contact  *Contact
	// Probe reads the authorization server's metadata and keys. Its error is a *kiosk.Error.
	Probe func(context.Context) error
	// IsAbused reports whether the push guard holds requests back because of abuse.
	IsAbused    func() bool
	Certificate *oidc.Certificate // of mutual TLS; nil if not configured
	Supervisor  *Supervisor

	// Reread loads the settings again; nil if that is not possible. Check finds problems of settings that only the parts
	// that use them can find.
	Reread func() (*config.Settings, error)
	Check  func(*config.Settings) error
	// Rejected is why settings were rejected before this run; empty if none were.
	Rejected string
	Reload   <-chan os.Signal // asks for a reload

	// Doctor examines this device. status answers for the running kiosk.
	Doctor func(ctx context.Context, status func(context.Context) (status.Status, error)) []kiosk.Field
}

// Record is the record of visits.
type Record interface {
	WriteSnapshot(send func(content io.WriterTo, size int64) error) error
	Condition() journal.Condition
	WaitForDisk()
	Prune(olderThan time.Time) (int, error)
	Compact() (int64, error)
	Retry()
}

// Frontend is what customers or clients use.
type Frontend interface {
	kiosk.Display
	// Run passes input on until ctx ends or there can be no more. Its error ends the daemon.
	Run(ctx context.Context, send func(kiosk.Event)) error
	// Alive returns after the front end has shown that it works; an error if it does not before ctx ends.
	Alive(context.Context) error
	// Go runs f in a goroutine whose panic leaves the terminal usable.
	Go(f func())
}

// VisitServer is a front end without a screen: it runs visits for clients of the control socket.
type VisitServer interface {
	Frontend
	ServeVisit(context.Context, *control.Client, control.Request) (any, error)
	ServeLine(context.Context, *control.Client, kiosk.Secret)
	// Visits returns the number of visits in progress and waiting, and a channel that is closed when one of them ends.
	Visits() (int, <-chan struct{})
	// Stop ends all visits. It is called after the runner has ended.
	Stop()
}

// Daemon is the state of a device that serves visits.
type Daemon struct {
	Options
	frontend Frontend
	visits   VisitServer // frontend; nil with a screen
	stop     func()      // ends the run
	started  time.Duration

	send func(kiosk.Event) // to the runner

	observer      *observer
	outage        *outage
	startingCause atomic.Value // a screen.MessageID
	settings      settingsChange
	restarts      chan struct{} // a technician asked for a restart
	board         *health.Board
}

// New returns a daemon. It takes up the outage that was in force before a restart.
func New(o Options) *Daemon {
	d := &Daemon{
		Options: o, started: o.Clock.Now(), observer: newObserver(), outage: newOutage(o.Settings.StateDir),
		restarts: make(chan struct{}, 1), send: func(kiosk.Event) {}, stop: func() {},
	}
	d.board = health.New(d.healthChecks()...)
	d.settings.reject(sanitize.Line(o.Rejected))
	if err := d.outage.load(o.Clock.Wall(), o.Clock.Now()); err != nil {
		o.Log.Warn("outage", "error", err)
	}
	return d
}

// Run serves visits with r, whose display, observers and closures it sets, until ctx ends, the front end fails, or the run has
// to end for new settings: then the error is *NewSettings. Without a socket (nil) the kiosk answers no requests.
func (d *Daemon) Run(ctx context.Context, f Frontend, r *runner.Runner, socket *Socket) error {
	run, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan kiosk.Event)
	d.frontend, d.stop = f, stop
	d.send = func(e kiosk.Event) {
		select {
		case events <- e:
		case <-run.Done():
		}
	}
	d.visits, _ = f.(VisitServer)
	var frontendErr error
	tasks := d.start(run, socket, func(ctx context.Context) {
		frontendErr = f.Run(ctx, d.Send)
		stop()
	})
	r.Display, r.Observers = f, append(r.Observers, d.observer.observe, NewScrubber())
	r.Closures = d.closures()
	if r.Technicians != nil {
		r.Rules.Technicians, r.Tasks = true, newMenu(d)
	}
	r.Run(run, events)
	stop()
	if d.visits != nil {
		d.visits.Stop()
	}
	tasks.Wait()
	if ctx.Err() == nil && frontendErr != nil {
		return frontendErr
	}
	if s := d.settings.next(); s != nil {
		return &NewSettings{s}
	}
	return nil
}

// start starts the tasks beside the visits. The result waits for those that end at once when ctx ends; contact and record
// may be waiting for a server or a disk.
func (d *Daemon) start(ctx context.Context, socket *Socket, runFrontend func(context.Context)) *sync.WaitGroup {
	tasks := []func(context.Context){
		func(ctx context.Context) { d.Supervisor.Supervise(ctx, d) },
		func(ctx context.Context) { socket.Serve(ctx, d) },
		d.watchOutage, d.watchHours, d.watchReload, d.serveMetrics, runFrontend,
	}
	if d.visits == nil {
		tasks = append(tasks, d.watchStartingCause)
	}
	var all sync.WaitGroup
	for _, task := range tasks {
		all.Add(1)
		d.frontend.Go(func() { defer all.Done(); task(ctx) })
	}
	d.frontend.Go(func() { d.connect(ctx) })
	d.frontend.Go(func() { d.maintainRecord(ctx) })
	return &all
}

// Send gives the runner an event. It returns when the event is accepted or the run has ended.
func (d *Daemon) Send(e kiosk.Event) { d.send(e) }

// Phase returns the phase and the closures, and a channel that is closed when one of them changes.
func (d *Daemon) Phase() (kiosk.Phase, kiosk.Closures, <-chan struct{}) { return d.observer.current() }

// closures returns the closures with which the run begins.
func (d *Daemon) closures() kiosk.Closures {
	c := kiosk.Starting
	if o, _ := d.outage.now(d.Clock.Now()); o.Off {
		c |= kiosk.Maintenance
	}
	if !d.Opens().IsZero() {
		c |= kiosk.OutsideHours
	}
	return c
}

// OutageText returns the operator's text about the outage; empty if there is none.
func (d *Daemon) OutageText() string {
	o, _ := d.outage.now(d.Clock.Now())
	return o.Text
}

// Summary implements State.
func (d *Daemon) Summary() (string, <-chan struct{}) {
	phase, closed, changed := d.observer.current()
	sentence := status.Of(phase, closed).Sentence()
	if phase == kiosk.Closed {
		sentence += ": " + strings.Join(d.why(closed), ", ")
	}
	return sentence, changed
}

// Alive implements State. The sign of life travels through the runner's loop, the front end and the record.
func (d *Daemon) Alive(ctx context.Context) bool {
	d.Send(kiosk.Tick{})
	d.Send(kiosk.Tick{}) // accepted after the first one and its effects
	if err := d.frontend.Alive(ctx); err != nil || ctx.Err() != nil {
		return false
	}
	d.Record.WaitForDisk()
	return true
}

// IsLast implements State.
func (d *Daemon) IsLast() bool { return d.settings.next() == nil }

// why returns the names of the closures for the status request. While the first contact with the authorization server
// fails, the device is not "starting" any more: it cannot reach the server.
func (d *Daemon) why(closed kiosk.Closures) []string {
	names := status.ClosureNames(closed)
	if closed&kiosk.Starting != 0 && d.Contact.err() != nil {
		names[slices.Index(names, status.ClosureNames(kiosk.Starting)[0])] = status.UnreachableClosure
	}
	return names
}

// status returns what the status request answers.
func (d *Daemon) status() status.Status {
	phase, closed, _ := d.observer.current()
	outage, _ := d.outage.now(d.Clock.Now())
	s := status.Status{
		State: status.Of(phase, closed), Why: d.why(closed), Phase: phase.String(), Mode: "screen",
		Site: d.Settings.Site, Version: d.Version, PID: os.Getpid(), Uptime: int((d.Clock.Now() - d.started) / time.Second),
		Service: outage, Settings: d.settings.rejected(), Visits: d.observer.figures(), Health: d.healthItems(), Record: d.Record.Condition(),
	}
	if d.visits != nil {
		s.Mode = "headless"
		n, _ := d.visits.Visits()
		s.Line = max(n-1, 0)
	}
	if opens := d.Opens(); !opens.IsZero() {
		s.Opens = &opens
	}
	return s
}
