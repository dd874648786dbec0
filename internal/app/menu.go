package app

import (
	"context"
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// menu is what a technician can have done at the screen. It can do less than the local
// socket: nothing of it is about a visit, and no setting can be changed.
type menu struct {
	r    *resident
	turn chan struct{} // holds one while an examination is under way
	last time.Duration // when the last one began; whoever has the turn owns it
}

var _ kiosk.TaskRunner = (*menu)(nil)

func (r *resident) menu() *menu { return &menu{r: r, turn: make(chan struct{}, 1), last: -examEvery} }

// examEvery keeps keys that are pressed without end from becoming requests without end:
// an examination speaks to the server a dozen times, and where nobody can approve
// anybody can begin one.
const examEvery = 5 * time.Second

// Serve implements kiosk.TaskRunner.
func (m *menu) RunTask(ctx context.Context, t kiosk.Task) ([]kiosk.Field, error) {
	switch t {
	case kiosk.StatusTask:
		return m.r.status().Lines(), nil
	case kiosk.DoctorTask:
		return m.examine(ctx)
	case kiosk.CloseTask:
		return nil, m.r.decree(control.Request{Off: true})
	case kiosk.OpenTask:
		return nil, m.r.decree(control.Request{})
	case kiosk.RestartTask:
		select {
		case m.r.restarts <- struct{}{}:
		default: // it has been wished for already
		}
		return nil, nil
	}
	return nil, fmt.Errorf("there is no task %q", t)
}

func (m *menu) examine(ctx context.Context) ([]kiosk.Field, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := m.r.app.clock.Now
	if !wait(ctx, m.last+examEvery-now()) {
		return nil, ctx.Err()
	}
	m.last = now()
	return Doctor(ctx, m.examined(), nil).Fields(), nil
}

// examined is this very kiosk.
func (m *menu) examined() doctor.Options {
	terminal := m.r.options.Device
	if terminal == "" {
		terminal = "/dev/tty"
	}
	return doctor.Options{
		Settings: m.r.app.settings, EnvFile: m.r.options.EnvFile, Terminal: terminal,
		Status: func(context.Context) (status.Status, error) { return m.r.status(), nil },
	}
}
