package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// CanSetUp says whether a device whose settings were read with err can get its
// registration by a technician's sign-in: nothing but the registration is missing, and
// it is known where and as whom to ask.
func CanSetUp(s *config.Settings, err error) bool {
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

// SetUp shows a device without a registration how to get one on its own screen, until it
// has one, and gives the settings to go on with; nil where ctx, or somebody at a desk,
// ended it before. envFile is where settings are written. It is for settings that
// CanSetUp; o.Reread must be set.
func SetUp(ctx context.Context, s *config.Settings, log *slog.Logger, envFile string, o RunOptions) (*config.Settings, error) {
	a := &App{settings: s, log: log, clock: host.NewClock()}
	if err := errors.Join(a.words(), a.theme()); err != nil {
		return nil, err
	}
	u := &setup{app: a, envFile: envFile, options: o, began: a.clock.Now(),
		news: make(chan setupNews), pulse: make(chan struct{}), asked: make(chan func())}
	// What no waiting cures ends it here, in words on standard error.
	p, err := u.open(s, func(enrol.Approval) {}, func(Step) {})
	if err == nil {
		p.Close()
	} else if kiosk.ReasonOf(err) == kiosk.Misconfigured {
		return nil, err
	}
	t, err := tui.Open(a.terminal(o))
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "screen", err)
	}
	defer t.Recover()
	next, err := u.serve(ctx, t)
	if closed := t.Close(); err == nil && closed != nil {
		err = kiosk.Fail(kiosk.Internal, "screen", closed)
	}
	return next, err
}

// setup is the screen of a device without a registration. One goroutine owns the
// screen; another one does the work and tells it what there is to show.
type setup struct {
	app     *App
	envFile string
	options RunOptions
	began   time.Duration // uptime at the start
	news    chan setupNews
	pulse   chan struct{} // taken by the loop: it moves
	asked   chan func()   // done by the loop, for who asks over the socket

	// The loop's own.
	is       setupNews
	language int    // which of the catalogues
	end      func() // ends the work
}

// setupNews is what there is to show, or the end of it.
type setupNews struct {
	show     screen.Setup
	cause    string           // with kiosk.SetupStuck, for an operator
	settings *config.Settings // not nil: the device is registered
}

func (u *setup) serve(ctx context.Context, t *tui.Screen) (*config.Settings, error) {
	run, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Add(1)
	t.Go(func() { defer all.Done(); u.supervise(run, t) })
	work := func() {
		inner, cancel := context.WithCancel(run)
		over := make(chan struct{})
		t.Go(func() { defer close(over); u.work(inner) })
		u.end = func() { cancel(); <-over }
	}
	again := func() error {
		u.end()
		s, err := u.options.Reread() // nobody else reads them meanwhile
		work()                       // it begins by reading them, too
		if CanSetUp(s, err) {
			return nil
		}
		return err
	}
	if l := u.app.hear(); l != nil { // before anything is on the screen: who sees it may ask
		all.Add(1)
		t.Go(func() { defer all.Done(); u.listen(run, l, again) })
	}
	work()
	defer func() { u.end() }()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		at := u.app.place()
		at.Address = localAddress() // it can come while nobody is reached yet
		u.is.show.Language = u.language
		t.Show(screen.ViewSetup(u.is.show, u.app.clock.Now(), u.app.catalogues[u.language], at))
		select {
		case <-ctx.Done():
			return nil, nil
		case <-second.C:
		case u.pulse <- struct{}{}:
		case n := <-u.news:
			if n.settings != nil {
				return n.settings, nil
			}
			u.is = n
		case do := <-u.asked:
			do()
		case <-u.options.Reload:
			_ = again() // it is in the log
		case e, ok := <-t.Events():
			if !ok {
				return nil, nil
			}
			switch e := e.(type) {
			case tui.Press:
				if e.Key == tui.Interrupt && u.options.Desk {
					return nil, nil
				}
				u.pressed(keyName(e.Key))
			case tui.Tap:
				u.pressed(e.Key)
			case tui.Lost:
				return nil, kiosk.Fail(kiosk.Internal, "screen", fmt.Errorf("terminal: %w", e.Err))
			}
		}
	}
}

// pressed deals with the one key that there is: a technician need not read the shop's
// first language.
func (u *setup) pressed(k kiosk.KeyName) {
	if k == kiosk.TabKey {
		u.language = (u.language + 1) % len(u.app.catalogues)
	}
}

// supervise tells the service manager that the screen stands, and then that it and its
// loop still move.
func (u *setup) supervise(ctx context.Context, t *tui.Screen) {
	limit := host.WatchdogLimit()
	for line := "READY=1\nSTATUS=waiting for a technician"; ; {
		select {
		case <-u.pulse:
		case <-ctx.Done():
			return
		}
		if t.Painted(ctx) != nil {
			return
		}
		pause := limit / 3 // as resident.supervise
		if err := host.Notify(line); err != nil {
			u.app.log.Warn("supervision", "error", err)
			pause = sayAgain
		} else if limit == 0 {
			return
		} else {
			line = "WATCHDOG=1"
		}
		if !wait(ctx, pause) {
			return
		}
	}
}

// work registers the device, trying for as long as it takes.
func (u *setup) work(ctx context.Context) {
	tell := func(n setupNews) {
		select {
		case u.news <- n:
		case <-ctx.Done():
		}
	}
	now := u.app.clock.Now
	s := u.app.settings
	for pause := firstPause; ; pause = min(2*pause, longest) {
		// Somebody may have done it by hand, or mended what is in the way.
		fresh, err := u.options.Reread()
		switch {
		case err == nil:
			tell(setupNews{settings: fresh})
			return
		case CanSetUp(fresh, err):
			s = fresh
		default:
			u.app.log.Error("settings: the old ones count on", "error", err)
		}
		tell(setupNews{show: screen.Setup{Stage: screen.SetupBegins}})
		p, err := u.open(s, func(a enrol.Approval) {
			tell(setupNews{show: screen.Setup{Stage: screen.SetupSignIn, Since: now(), Until: now() + a.ExpiresIn,
				Grant: kiosk.Grant{Address: a.VerificationURI, Complete: a.VerificationURIComplete, UserCode: a.UserCode}}})
		}, func(done Step) {
			u.app.log.Info("set-up", "done", done.Name)
			if done.Name == "registered" {
				tell(setupNews{show: screen.Setup{Stage: screen.SetupRegisters}})
			}
		})
		stuck := screen.Setup{Stage: screen.SetupStuck}
		if err == nil {
			err = p.Run(ctx)
			if errors.Is(err, enrol.ErrUnknownOutcome) {
				stuck.Orphan = p.ClientName()
			}
			p.Close()
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if fresh, err = u.options.Reread(); err == nil {
				tell(setupNews{settings: fresh})
				return
			}
		}
		stuck.Why, stuck.Busy = kiosk.ReasonOf(err), errors.Is(err, enrol.ErrBusy)
		u.app.log.Warn("set-up", "reason", stuck.Why.String(), "error", err)
		if stuck.Why == kiosk.Expired { // nobody came: another code, and no reason for longer pauses
			pause = firstPause
		} else {
			stuck.Since, stuck.Until = now(), now()+pause
			tell(setupNews{show: stuck, cause: sanitize.Line(err.Error())})
		}
		if !wait(ctx, pause) {
			return
		}
	}
}

func (u *setup) open(s *config.Settings, show func(enrol.Approval), tell func(Step)) (*Provisioning, error) {
	return OpenProvisioning(s, u.app.log, ProvisionOptions{EnvFile: u.envFile, Show: show, Tell: tell})
}
