package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/display"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/headless"
	"github.com/ciba-kiosk/ciba-kiosk/internal/mirror"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/setup"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// RunOptions describe the daemon's process.
type RunOptions struct {
	Headless bool
	Desk     bool   // Ctrl-C ends the program: for a desk, not for a shop
	Terminal string // path; empty is the controlling terminal
	EnvFile  string // where settings are written, for texts and for set-up
	Version  string
	// Logger returns the logger that the settings want.
	Logger func(*config.Settings) *slog.Logger
	// Reread loads the settings again; Reload asks for that.
	Reread func() (*config.Settings, error)
	Reload <-chan os.Signal
}

// Run serves visits until ctx ends or the terminal is lost, which is an error. s and loadErr are from loading the settings.
// A device that only lacks its registration first shows a technician how to get one. After a reload Run continues with the
// new settings. If it cannot start with them, it continues with the previous ones.
func Run(ctx context.Context, s *config.Settings, loadErr error, o RunOptions) error {
	if loadErr != nil {
		if o.Headless || !setup.IsPossible(s, loadErr) {
			return loadErr
		}
		var err error
		if s, err = setUp(ctx, s, o); err != nil || s == nil {
			return err
		}
	}
	var previous *config.Settings
	rejected := ""
	for {
		err := serve(ctx, s, o, rejected)
		var change *daemon.NewSettings
		var failed *startError
		switch {
		case errors.As(err, &change) && ctx.Err() == nil:
			previous, s, rejected = s, change.Settings, ""
		case errors.As(err, &failed) && previous != nil && ctx.Err() == nil:
			o.Logger(previous).Error("settings rejected; the previous ones stay in use", "error", err)
			previous, s, rejected = nil, previous, err.Error()
		case change != nil:
			return nil
		default:
			return err
		}
	}
}

// startError is a failure to start with settings that are valid by themselves: another process uses an address, for
// example. Other settings may work.
type startError struct{ error }

// Unwrap returns the cause, with its kiosk.Reason.
func (e *startError) Unwrap() error { return e.error }

// serve serves visits with one set of settings. rejected is why newer ones were rejected.
func serve(ctx context.Context, s *config.Settings, o RunOptions, rejected string) error {
	process := "kiosk run"
	if o.Headless {
		process = "kiosk run --headless"
	}
	a, err := Open(s, process, o.Logger(s))
	if err != nil {
		return &startError{err}
	}
	defer a.Close()
	d := daemon.New(a.daemonOptions(o, rejected))
	if o.Headless {
		return a.serveSocket(ctx, d)
	}
	t, err := tui.Open(a.terminalOptions(o.Terminal))
	if err != nil {
		return &startError{kiosk.Fail(kiosk.Internal, "screen", err)}
	}
	defer t.RecoverPanic()
	if err := t.FontProblem(); err != nil {
		a.log.Warn("screen", "error", err)
	}
	return closeAfter(t, a.serveScreen(ctx, d, t, o))
}

// closeAfter restores the terminal and returns err, or the error of restoring it.
func closeAfter(t *tui.Screen, err error) error {
	if closeErr := t.Close(); err == nil && closeErr != nil {
		return kiosk.Fail(kiosk.Internal, "screen", closeErr)
	}
	return err
}

// serveScreen serves customers at the terminal.
func (a *App) serveScreen(ctx context.Context, d *daemon.Daemon, t *tui.Screen, o RunOptions) error {
	f := display.New(display.Options{
		Terminal: t, Catalogs: a.screenCatalogs(), Device: a.device(), ClosedInfo: d, Sound: a.settings.Sound, Desk: o.Desk,
	})
	if path := a.settings.Mirror; path != "" {
		m, err := mirror.Listen(path, t.Go)
		if err != nil {
			return &startError{kiosk.Fail(kiosk.Misconfigured, "KIOSK_MIRROR", err)}
		}
		defer m.Close()
		f.Mirror = m
	}
	visits := a.runner()
	visits.Resume = true
	if a.technicians != nil {
		visits.Technicians = a.technicians
	}
	// Open the socket before the screen: a script may wait for the screen and then use the socket.
	socket := daemon.ListenIfPossible(a.settings.Socket, a.log)
	return d.Run(ctx, f, visits, socket)
}

// serveSocket serves clients of the control socket.
func (a *App) serveSocket(ctx context.Context, d *daemon.Daemon) error {
	socket, err := daemon.Listen(a.settings.Socket, a.log, true)
	if err != nil {
		return &startError{kiosk.Fail(kiosk.Internal, "", err)} // err names the socket
	}
	defer socket.Close()
	f := headless.New(a.texts())
	f.Attach(d)
	visits := a.runner()
	visits.Rules.NoScreen = true
	return d.Run(ctx, f, visits, socket)
}

func (a *App) daemonOptions(o RunOptions, rejected string) daemon.Options {
	return daemon.Options{
		Settings: a.settings, Version: o.Version, Log: a.log, Clock: a.clock, Now: a.time.Now, Record: a.record, Contact: &a.contact,
		Probe:       a.probe,
		IsAbused:    func() bool { return a.guard.Condition().Abused },
		Certificate: a.certificate, Supervisor: daemon.NewSupervisor(a.log),
		Reread: o.Reread, Reload: o.Reload, Rejected: rejected, Check: Check,
		Doctor: func(ctx context.Context, ask func(context.Context) (status.Status, error)) []kiosk.Field {
			terminal := o.Terminal
			if terminal == "" {
				terminal = "/dev/tty"
			}
			return Doctor(ctx, doctor.Options{Settings: a.settings, EnvFile: o.EnvFile, Terminal: terminal, Status: ask}, nil).Fields()
		},
	}
}

// clientProbeLimit bounds the probe of the client authentication. A server that does not answer it in time is not at fault:
// the kiosk opens, and visits find out.
const clientProbeLimit = 5 * time.Second

// probe reads the authorization server's metadata and keys, and asks whether the server accepts this client, so that a wrong
// client identifier or key is found before a customer comes. Only a rejection of the client counts.
func (a *App) probe(ctx context.Context) error {
	metadata, err := a.client.Probe(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, clientProbeLimit)
	defer stop()
	err = oidc.ProbeClientAuth(ctx, a.transport, metadata, a.auth)
	switch {
	case oidc.IsClientCertificateRejected(err):
		return kiosk.Fail(kiosk.Misconfigured, "client authentication", err)
	case kiosk.ReasonOf(err) == kiosk.Misconfigured:
		return err
	case err != nil:
		a.log.Debug("client authentication", "not_probed", err.Error())
	}
	return nil
}

// setUp shows a technician how to register the device. It returns the settings to continue with; nil if set-up
// ended without a registration, by ctx or by Ctrl-C at a desk.
func setUp(ctx context.Context, s *config.Settings, o RunOptions) (*config.Settings, error) {
	a := newApp(s, o.Logger(s))
	if err := errors.Join(a.openCatalogs(), a.buildFace()); err != nil {
		return nil, err
	}
	registration, err := setup.NewScreen(setup.ScreenOptions{
		Settings: s, EnvFile: o.EnvFile, Version: o.Version, Desk: o.Desk, Log: a.log, Clock: a.clock,
		Supervisor: daemon.NewSupervisor(a.log), Catalogs: a.screenCatalogs(), Device: a.device(), Reread: o.Reread, Reload: o.Reload,
	})
	if err != nil {
		return nil, err
	}
	t, err := tui.Open(a.terminalOptions(o.Terminal))
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "screen", err)
	}
	defer t.RecoverPanic()
	next, err := registration.Run(ctx, t, daemon.ListenIfPossible(s.Socket, a.log))
	return next, closeAfter(t, err)
}
