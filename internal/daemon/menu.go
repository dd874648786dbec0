package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// menu runs the tasks of the technician's menu on the screen. It can do less than the control socket: none of its tasks
// concerns a visit or changes a setting.
type menu struct {
	daemon *Daemon
	turn   chan struct{} // holds a value while the doctor runs
	last   time.Duration // uptime at which the doctor last ran; guarded by turn
}

var _ kiosk.TaskRunner = (*menu)(nil)

func newMenu(d *Daemon) *menu {
	return &menu{daemon: d, turn: make(chan struct{}, 1), last: -doctorPause}
}

// doctorPause is the least time between two runs of the doctor. A run sends a dozen requests to the server, and a held key
// must not repeat them without end. While the server is unreachable, the menu opens without a sign-in.
const doctorPause = 5 * time.Second

// RunTask implements kiosk.TaskRunner.
func (m *menu) RunTask(ctx context.Context, t kiosk.Task) ([]kiosk.Field, error) {
	d := m.daemon
	switch t {
	case kiosk.StatusTask:
		return d.status().Lines(), nil
	case kiosk.DoctorTask:
		return m.runDoctor(ctx)
	case kiosk.CloseTask:
		return nil, d.setOutage(control.Request{Off: true, For: kiosk.TechnicianOutage.String()})
	case kiosk.OpenTask:
		return nil, d.setOutage(control.Request{})
	case kiosk.RestartTask:
		select {
		case d.restarts <- struct{}{}:
		default: // already requested
		}
		return nil, nil
	}
	return nil, fmt.Errorf("unknown task %q", t)
}

func (m *menu) runDoctor(ctx context.Context) ([]kiosk.Field, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := m.daemon.Clock.Now
	if !wait.For(ctx, m.last+doctorPause-now()) {
		return nil, ctx.Err()
	}
	m.last = now()
	return m.daemon.Doctor(ctx, func(context.Context) (status.Status, error) { return m.daemon.status(), nil }), nil
}
