package setup

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/display"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// IsPossible reports whether a device whose settings were loaded with err can get its registration by a technician's
// sign-in: only the registration is missing, and issuer and bootstrap client are known.
func IsPossible(s *config.Settings, err error) bool {
	var all config.Problems
	if !errors.Is(err, config.ErrNotProvisioned) || !errors.As(err, &all) || s.Issuer == "" || s.BootstrapClientID == "" {
		return false
	}
	for _, p := range all {
		if !p.Missing {
			return false
		}
	}
	return true
}

// ScreenOptions are the parts of the screen.
type ScreenOptions struct {
	Settings   *config.Settings // for which IsPossible is true
	EnvFile    string           // where settings are written
	Version    string
	Desk       bool // Ctrl-C ends the program
	Log        *slog.Logger
	Clock      *host.Clock
	Supervisor *daemon.Supervisor
	Catalogs   []screen.Catalog // by language
	Device     screen.Device

	Reread func() (*config.Settings, error)
	Reload <-chan os.Signal // asks to read the settings at once
}

// Screen shows a technician how to register the device until it is registered. One goroutine owns the terminal; another
// registers the device and sends it what to show.
type Screen struct {
	o        ScreenOptions
	started  time.Duration
	updates  chan update
	pulse    chan struct{} // received from by Alive: the loop works
	requests chan func()   // run by the loop for clients of the control socket

	// Used by the loop only, except that terminal is also used by Alive.
	terminal *tui.Screen
	shown    update
	changed  chan struct{} // closed when shown changes
	language int
	endWork  func()
	restart  func() error // ends the work and starts it anew
}

var _ daemon.State = (*Screen)(nil)

// update is what to show next, or the end.
type update struct {
	show     screen.Setup
	cause    string           // with screen.SetupStuck, for an operator
	settings *config.Settings // not nil: the device is registered
}

// NewScreen returns a screen. It reports problems that waiting does not solve.
func NewScreen(o ScreenOptions) (*Screen, error) {
	s := &Screen{o: o, started: o.Clock.Now(), updates: make(chan update), pulse: make(chan struct{}), requests: make(chan func()), changed: make(chan struct{})}
	p, err := s.open(o.Settings, func(enrol.Approval) {}, func(Step) {})
	if err == nil {
		p.Close()
	} else if kiosk.ReasonOf(err) == kiosk.Misconfigured {
		return nil, err
	}
	return s, nil
}

func (s *Screen) open(settings *config.Settings, show func(enrol.Approval), tell func(Step)) (*Provisioning, error) {
	return Open(settings, s.o.Log, ProvisionOptions{EnvFile: s.o.EnvFile, Show: show, Tell: tell})
}

// Run returns the settings to continue with; nil if it ended without a registration, by ctx or by Ctrl-C at a desk.
func (s *Screen) Run(ctx context.Context, t *tui.Screen, socket *daemon.Socket) (*config.Settings, error) {
	run, stop := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()
	start := func(task func()) {
		tasks.Add(1)
		t.Go(func() { defer tasks.Done(); task() })
	}
	s.terminal = t
	start(func() { s.o.Supervisor.Supervise(run, s) })
	start(func() { socket.Serve(run, s) })
	s.startWork(run)
	s.restart = func() error { return s.restartWork(run) }
	defer func() { s.endWork() }()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		s.draw()
		select {
		case <-ctx.Done():
			return nil, nil
		case <-second.C:
		case s.pulse <- struct{}{}:
		case u := <-s.updates:
			if u.settings != nil {
				return u.settings, nil
			}
			s.shown = u
			close(s.changed)
			s.changed = make(chan struct{})
		case do := <-s.requests:
			do()
		case <-s.o.Reload:
			_ = s.restart() // the log shows the error
		case e, ok := <-t.Events():
			if !ok || s.o.Desk && isInterrupt(e) {
				return nil, nil
			}
			if lost, ok := e.(tui.Lost); ok {
				return nil, display.Lost(lost.Err)
			}
			if isTab(e) { // the only key: a technician may not read the shop's first language
				s.language = (s.language + 1) % len(s.o.Catalogs)
			}
		}
	}
}

func isInterrupt(e tui.Event) bool {
	p, ok := e.(tui.Press)
	return ok && p.Key == tui.Interrupt
}

func isTab(e tui.Event) bool {
	switch e := e.(type) {
	case tui.Press:
		return e.Key == tui.Tab
	case tui.Tap:
		return e.Key == kiosk.TabKey
	}
	return false
}

func (s *Screen) draw() {
	device := s.o.Device
	device.Address = host.LocalAddress() // the device may get it later
	s.shown.show.Language = s.language
	s.terminal.Show(screen.ViewSetup(s.shown.show, s.o.Clock.Now(), s.o.Catalogs[s.language], device))
}

// startWork begins to register the device; endWork ends it.
func (s *Screen) startWork(ctx context.Context) {
	work, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	s.terminal.Go(func() { defer close(ended); s.work(work) })
	s.endWork = func() { cancel(); <-ended }
}

// restartWork starts the work anew with the settings as they are now.
func (s *Screen) restartWork(ctx context.Context) error {
	s.endWork()
	settings, err := s.o.Reread() // not concurrent with the work's own Reread
	s.startWork(ctx)              // it reads them, too
	if IsPossible(settings, err) {
		return nil
	}
	return err
}

// work registers the device, with retries, until ctx ends.
func (s *Screen) work(ctx context.Context) {
	settings := s.o.Settings
	for pause := daemon.FirstPause; ; pause = min(2*pause, daemon.MaxPause) {
		// An operator may have registered the device by hand, or solved a problem.
		fresh, err := s.o.Reread()
		switch {
		case err == nil:
			s.send(ctx, update{settings: fresh})
			return
		case IsPossible(fresh, err):
			settings = fresh
		default:
			s.o.Log.Error("settings rejected; the previous ones stay in use", "error", err)
		}
		err = s.register(ctx, settings)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if fresh, err = s.o.Reread(); err == nil {
				s.send(ctx, update{settings: fresh})
				return
			}
		}
		reason := kiosk.ReasonOf(err)
		s.o.Log.Warn("set-up", "reason", reason.String(), "error", err)
		if reason == kiosk.Expired { // no technician signed in: get another code, without longer pauses
			pause = daemon.FirstPause
		} else {
			s.send(ctx, s.stuck(err, pause))
		}
		if !wait.For(ctx, pause) {
			return
		}
	}
}

// register tries once to register the device.
func (s *Screen) register(ctx context.Context, settings *config.Settings) error {
	now := s.o.Clock.Now
	s.send(ctx, update{show: screen.Setup{Stage: screen.SetupBegins}})
	p, err := s.open(settings, func(a enrol.Approval) {
		s.send(ctx, update{show: screen.Setup{Stage: screen.SetupSignIn, Since: now(), Until: now() + a.ExpiresIn,
			Grant: kiosk.Grant{Address: a.VerificationURI, Complete: a.VerificationURIComplete, UserCode: a.UserCode}}})
	}, func(done Step) {
		s.o.Log.Info("set-up", "done", done.Name)
		if done.Name == "registered" {
			s.send(ctx, update{show: screen.Setup{Stage: screen.SetupRegisters}})
		}
	})
	if err != nil {
		return err
	}
	defer p.Close()
	err = p.Run(ctx)
	if errors.Is(err, enrol.ErrUnknownOutcome) {
		err = &orphanError{err, p.ClientName()}
	}
	return err
}

// orphanError is a registration whose outcome is not known.
type orphanError struct {
	error
	client string // the name under which the server may have registered it
}

// Unwrap returns the cause.
func (e *orphanError) Unwrap() error { return e.error }

// stuck returns what to show after a failed attempt.
func (s *Screen) stuck(err error, pause time.Duration) update {
	now := s.o.Clock.Now()
	show := screen.Setup{Stage: screen.SetupStuck, Why: kiosk.ReasonOf(err), Busy: errors.Is(err, enrol.ErrBusy), Since: now, Until: now + pause}
	var orphan *orphanError
	if errors.As(err, &orphan) {
		show.Orphan = orphan.client
	}
	return update{show: show, cause: sanitize.Line(err.Error())}
}

func (s *Screen) send(ctx context.Context, u update) {
	select {
	case s.updates <- u:
	case <-ctx.Done():
	}
}
