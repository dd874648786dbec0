package app

import (
	"context"
	"fmt"
	"strings"
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

var _ kiosk.Service = (*menu)(nil)

func (r *resident) menu() *menu { return &menu{r: r, turn: make(chan struct{}, 1), last: -examEvery} }

// examEvery keeps keys that are pressed without end from becoming requests without end:
// an examination speaks to the server a dozen times, and where nobody can approve
// anybody can begin one.
const examEvery = 5 * time.Second

// Serve implements kiosk.Service.
func (m *menu) Serve(ctx context.Context, t kiosk.Task) ([]kiosk.Field, error) {
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
	return readable(Doctor(ctx, m.examined(), nil)), nil
}

// examined is this very kiosk.
func (m *menu) examined() DoctorOptions {
	terminal := m.r.options.Device
	if terminal == "" {
		terminal = "/dev/tty"
	}
	return DoctorOptions{
		Settings: m.r.app.settings, EnvFile: m.r.options.EnvFile, Terminal: terminal,
		Status: func(context.Context) (status.Status, error) { return m.r.status(), nil },
	}
}

// readable is a report for a small screen: first what somebody has to do something about,
// with its cure, the root before all; then what could not be tried; last what is well.
func readable(all doctor.Report) []kiosk.Field {
	result := fmt.Sprintf("failed: %d, warnings: %d, ok: %d", all.Count(doctor.Failed), all.Count(doctor.Warned), all.Count(doctor.Well))
	fields := []kiosk.Field{{Label: "doctor", Value: result}}
	each := func(is func(doctor.Line) bool, label string) {
		for _, l := range all {
			if !is(l) {
				continue
			}
			text := l.What
			if l.Cure != "" {
				text += "; cure: " + l.Cure
			}
			fields = append(fields, kiosk.Field{Label: label + l.Check, Value: text})
		}
	}
	having := func(r doctor.Result) func(doctor.Line) bool { return func(l doctor.Line) bool { return l.Result == r } }
	each(having(doctor.Failed), "failed ")
	each(having(doctor.Warned), "warning ")
	each(doctor.Line.Unseen, "not seen ")
	each(func(l doctor.Line) bool { return l.Result == doctor.NotTried && l.Behind == "" && !l.Unseen() }, "not tried ")
	for _, root := range all {
		var behind []string
		for _, l := range all {
			if l.Behind == root.Check {
				behind = append(behind, l.Check)
			}
		}
		if behind != nil {
			fields = append(fields, kiosk.Field{Label: "behind " + root.Check, Value: strings.Join(behind, ", ")})
		}
	}
	each(having(doctor.Well), "")
	return fields
}
