package app

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/evdev"
	"github.com/ciba-kiosk/ciba-kiosk/internal/mirror"
	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// RunOptions say how the customer's screen is run.
type RunOptions struct {
	// Desk lets Ctrl-C end the program: for a desk, not for a shop.
	Desk bool
	// EnvFile is where settings are written, for whoever is told to correct them.
	EnvFile string
	// Device is the terminal's path; empty is the controlling terminal.
	Device string
	// Version is told to whoever asks over the socket.
	Version string
	// Reread reads the settings again, when asked to by Reload or over the socket. Where
	// they are good, Run and Headless end at Ready with an *Again, and with an *Unopened
	// where the next ones then cannot be begun with.
	Reread func() (*config.Settings, error)
	// Refused is what was wrong with settings that this run goes on without, having been
	// begun for them: told like those that Reread finds wrong. Empty: nothing was.
	Refused string
	// Reload asks for that, once for each value: SIGHUP.
	Reload <-chan os.Signal
}

// syncEvery is how often the whole screen is drawn anew, so that what the kernel
// or systemd printed on the console does not stay.
const syncEvery = 10 * time.Second

// Run is the customer's screen: visit after visit, until ctx ends or the terminal
// is lost, which is an error. The terminal is given back on every way out.
func (a *App) Run(ctx context.Context, o RunOptions) error {
	t, err := tui.Open(a.terminal(o))
	if err != nil {
		return unopened(kiosk.Fail(kiosk.Internal, "screen", err))
	}
	defer t.Recover()
	if err := t.FontProblem(); err != nil {
		a.log.Warn("screen", "error", err)
	}
	err = a.serve(ctx, t, o)
	if closed := t.Close(); err == nil && closed != nil {
		err = kiosk.Fail(kiosk.Internal, "screen", closed)
	}
	return err
}

// terminal is how the settings want the screen.
func (a *App) terminal(o RunOptions) tui.Options {
	t := tui.Options{Theme: a.settings.Theme, Device: o.Device, SyncEvery: syncEvery, Font: a.settings.Font, BlankAfter: a.settings.BlankAfter}
	if a.settings.Touch != "off" {
		t.Pointers = evdev.Dir
		t.Turn = turns[a.settings.Touch]
	}
	return t
}

// turns are the ways in which a panel can be mounted, by KIOSK_TOUCH.
var turns = map[string]evdev.Turn{"90": 1, "180": 2, "270": 3}

func (a *App) serve(ctx context.Context, t *tui.Screen, o RunOptions) error {
	run, stop := context.WithCancel(ctx)
	defer stop()
	d := &display{tui: t, app: a, place: a.place(), seen: map[uint64]kiosk.Phase{}}
	if path := a.settings.Mirror; path != "" {
		m, err := mirror.Listen(path, t.Go)
		if err != nil {
			return unopened(kiosk.Fail(kiosk.Misconfigured, "KIOSK_MIRROR", err))
		}
		defer m.Close()
		d.mirror = m
	}
	events := make(chan kiosk.Event)
	var lost error
	var tellers sync.WaitGroup
	tell := func(e kiosk.Event) {
		select {
		case events <- e:
		case <-run.Done():
		}
	}
	r := a.resident(tell, d, t.Painted, o, stop)
	d.resident = r
	var staff sync.WaitGroup
	together := func(f func()) {
		staff.Add(1)
		t.Go(func() {
			defer staff.Done()
			f()
		})
	}
	together(func() { r.supervise(run) })
	together(func() { r.obey(run) })
	together(func() { r.keepHours(run) })
	together(func() { r.explain(run) })
	socket := a.hear() // before anything is on the screen: who sees it may ask
	together(func() { r.listen(run, socket) })
	t.Go(func() { r.connect(run) })
	t.Go(func() { a.prune(run) })
	tellers.Add(1)
	t.Go(func() {
		defer tellers.Done()
		lost = d.keys(run, o.Desk, tell)
		stop()
	})
	visits := a.runner(newSweeper(r.seat, sweep))
	visits.Resume, visits.Closures = true, r.closures()
	if a.technicians != nil {
		visits.Rules.Technicians = true
		visits.Technicians, visits.Tasks = a.technicians, r.menu()
	}
	visits.Run(run, events)
	stop()
	tellers.Wait()
	staff.Wait()
	if ctx.Err() == nil && lost != nil {
		return kiosk.Fail(kiosk.Internal, "screen", lost)
	}
	return r.again()
}

// display draws states on the terminal and turns its keys into events.
type display struct {
	tui   *tui.Screen
	app   *App
	place screen.Device

	resident *resident
	mirror   *mirror.Mirror // nil: nobody listens

	was    kiosk.State // what Show got last, and when
	before time.Duration

	mu   sync.Mutex             // Show is the runner's, keys the terminal's
	seen map[uint64]kiosk.Phase // what was on screen at which generation; only the newest few
}

// remembered is for how many screens back it is known what they showed. A key
// that is older than that was typed before all of them.
const remembered = 16

// Show implements kiosk.Display.
func (d *display) Show(now time.Duration, s kiosk.State, p kiosk.Private) {
	words := d.app.catalogues[s.Language]
	at := d.place
	if s.Phase == kiosk.Closed || s.Phase == kiosk.Menu {
		at.OutageText, at.StartingCause, at.Opens = d.resident.notice(), d.resident.why.get(), d.resident.opens()
		at.Address = localAddress() // for the staff on the telephone; it can change while out of service
	}
	sc := screen.View(s, now, words, p, at)
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.tui.Show(sc)
	if d.mirror != nil {
		d.mirror.Show(now, plain.Say(sc))
	}
	if d.app.settings.Sound {
		d.tui.Ring(int(screen.Sound(d.was, d.before, s, now)))
	}
	d.was, d.before = s, now
	d.seen[g] = s.Phase
	delete(d.seen, g-remembered)
}

// localAddress is the address by which this device is known in its network; empty if
// there is none.
func localAddress() string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	return ""
}

// phase is what was on the screen at a generation.
func (d *display) phase(generation uint64) kiosk.Phase {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.seen[generation]; ok {
		return p
	}
	return kiosk.Ready
}

// keys passes the terminal's keys on until it is lost, closed, or told to end.
func (d *display) keys(ctx context.Context, desk bool, tell func(kiosk.Event)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-d.tui.Events():
			if !ok {
				return nil
			}
			switch e := e.(type) {
			case tui.Press:
				if e.Key == tui.Interrupt && desk {
					return nil
				}
				tell(kiosk.Press{Key: keyName(e.Key), Rune: e.Rune, Seen: d.phase(e.Generation)})
			case tui.Tap:
				tell(kiosk.Press{Key: e.Key, Rune: e.Rune, Seen: d.phase(e.Generation), Touch: true})
			case tui.Scan:
				tell(kiosk.IdentifierEntered{Identifier: e.Text, Seen: d.phase(e.Generation)})
			case tui.Lost:
				return fmt.Errorf("terminal: %w", e.Err)
			}
		}
	}
}

var keyNames = map[tui.Key]kiosk.KeyName{
	tui.Rune: kiosk.RuneKey, tui.Enter: kiosk.EnterKey, tui.Escape: kiosk.EscapeKey, tui.Backspace: kiosk.BackspaceKey,
	tui.Tab: kiosk.TabKey, tui.Up: kiosk.UpKey, tui.Down: kiosk.DownKey, tui.Left: kiosk.LeftKey, tui.Right: kiosk.RightKey,
	tui.PageUp: kiosk.PageUpKey, tui.PageDown: kiosk.PageDownKey, tui.F1: kiosk.HelpKey, tui.Technician: kiosk.TechnicianKey,
}

func keyName(k tui.Key) kiosk.KeyName {
	if n, ok := keyNames[k]; ok {
		return n
	}
	return kiosk.OtherKey
}

// pruneEvery: retention is counted in days, and each pass reads the whole record once.
const pruneEvery = 24 * time.Hour

// retryEvery is how often a disk that took no record is tried again.
const retryEvery = 30 * time.Second

// prune takes old visits off record at the start and once a day, and meanwhile puts
// on disk what could not be written; as a rule there is nothing.
func (a *App) prune(ctx context.Context) {
	for {
		a.pruneOnce()
		for range pruneEvery / retryEvery {
			if !wait(ctx, retryEvery) {
				return
			}
			a.store.Retry()
		}
	}
}

// pruneOnce takes visits off record that are older than KIOSK_RETENTION. With a
// clock that cannot be trusted nothing is old.
func (a *App) pruneOnce() {
	if !a.clock.Trusted() {
		return
	}
	gone, err := a.store.Prune(a.clock.Wall().Add(-a.settings.Retention))
	if err != nil {
		a.log.Warn("journal", "error", err)
	}
	if gone > 0 {
		a.log.Info("journal", "pruned", gone)
	}
	if saved, err := a.store.Compact(); err != nil {
		a.log.Warn("journal", "error", err)
	} else if saved > 0 {
		a.log.Info("journal", "compacted", saved)
	}
}

// wait lets time pass; false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
