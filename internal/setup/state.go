package setup

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Alive implements daemon.State. The sign of life travels through the loop and the terminal.
func (s *Screen) Alive(ctx context.Context) bool {
	select {
	case <-s.pulse:
	case <-ctx.Done():
		return false
	}
	return s.terminal.Painted(ctx) == nil
}

// Summary implements daemon.State.
func (s *Screen) Summary() (string, <-chan struct{}) { return "waiting for a technician", nil }

// IsLast implements daemon.State: the process continues with visits.
func (s *Screen) IsLast() bool { return false }

// errSetUp answers requests that need a device in service.
var errSetUp = errors.New("this device is being set up and is not in service yet: see kiosk status")

// Handlers implements daemon.State.
func (s *Screen) Handlers() control.Handlers {
	reject := func(context.Context, *control.Client, control.Request) (any, error) { return nil, errSetUp }
	return control.Handlers{
		"status": s.handleStatus, "wait-idle": s.handleWaitIdle, "reload": s.handleReload,
		"service": reject, "prune": reject, "snapshot": reject, "visit": reject,
	}
}

// ServeLine implements daemon.State.
func (s *Screen) ServeLine(_ context.Context, c *control.Client, line kiosk.Secret) {
	line.Zero()
	c.Reply(nil, errSetUp)
}

func (s *Screen) handleStatus(ctx context.Context, _ *control.Client, _ control.Request) (any, error) {
	var now status.Status
	err := s.do(ctx, func() { now = s.status() })
	return now, err
}

var stageNames = map[screen.SetupStage]string{
	screen.SetupBegins: "begins", screen.SetupSignIn: "sign_in", screen.SetupRegisters: "registers", screen.SetupStuck: "stuck",
}

// status is called by the loop.
func (s *Screen) status() status.Status {
	show := s.shown.show
	progress := status.Setup{Stage: stageNames[show.Stage]}
	left := int(max(show.Until-s.o.Clock.Now(), 0) / time.Second)
	switch show.Stage {
	case screen.SetupSignIn:
		progress.Address, progress.Complete, progress.Code, progress.Left = show.Grant.Address, show.Grant.Complete, show.Grant.UserCode, left
	case screen.SetupStuck:
		progress.Reason, progress.Cause, progress.Again = show.Why.String(), s.shown.cause, left
	}
	return status.Status{
		State: status.OutOfService, Why: []string{status.SetupClosure}, Phase: kiosk.Closed.String(), Mode: "screen", Site: s.o.Settings.Site,
		Version: s.o.Version, PID: os.Getpid(), Uptime: int((s.o.Clock.Now() - s.started) / time.Second),
		Visits: status.Figures{Ended: map[string]int{}}, Health: []health.Item{}, SetUp: &progress,
	}
}

func (s *Screen) handleReload(ctx context.Context, _ *control.Client, _ control.Request) (any, error) {
	var problem error
	err := s.do(ctx, func() { problem = s.restart() })
	return control.Done{OK: true}, errors.Join(problem, err)
}

// handleWaitIdle waits while the device registers: ending it then would leave an unknown client at the server. An
// interrupted sign-in only needs a new code.
func (s *Screen) handleWaitIdle(ctx context.Context, c *control.Client, q control.Request) (any, error) {
	return daemon.WaitIdle(ctx, c, q.Limit, func() (idle bool, changed <-chan struct{}) {
		err := s.do(ctx, func() { idle, changed = s.shown.show.Stage != screen.SetupRegisters, s.changed })
		return idle || err != nil, changed
	})
}

// do has the loop run f and waits for it.
func (s *Screen) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case s.requests <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-ctx.Done():
		return errors.New("the kiosk is ending")
	}
}
