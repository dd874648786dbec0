package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
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
func (m *menu) Serve(ctx context.Context, t kiosk.Task) (kiosk.Result, error) {
	switch t {
	case kiosk.StatusTask:
		return kiosk.Result{Fields: m.r.status().Lines()}, nil
	case kiosk.DoctorTask:
		return m.examine(ctx)
	case kiosk.CloseTask:
		return kiosk.Result{}, m.r.decree(Request{Off: true})
	case kiosk.OpenTask:
		return kiosk.Result{}, m.r.decree(Request{})
	case kiosk.RestartTask:
		select {
		case m.r.renew <- struct{}{}:
		default: // it has been wished for already
		}
		return kiosk.Result{}, nil
	}
	return kiosk.Result{}, fmt.Errorf("there is no task %q", t)
}

func (m *menu) examine(ctx context.Context) (kiosk.Result, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return kiosk.Result{}, ctx.Err()
	}
	now := m.r.app.clock.Now
	if !wait(ctx, m.last+examEvery-now()) {
		return kiosk.Result{}, ctx.Err()
	}
	m.last = now()
	return kiosk.Result{Fields: readable(Doctor(ctx, m.examined(), nil))}, nil
}

// examined is this very kiosk.
func (m *menu) examined() DoctorOptions {
	terminal := m.r.options.Device
	if terminal == "" {
		terminal = "/dev/tty"
	}
	return DoctorOptions{
		Settings: m.r.app.settings, EnvFile: m.r.options.EnvFile, Terminal: terminal,
		Status: func(context.Context) (Status, error) { return m.r.status(), nil },
	}
}

// readable is a report for a small screen: what is wrong with its cure first, the root of
// it before all, and what is well in few words at the end.
func readable(all doctor.Report) []kiosk.Field {
	result := fmt.Sprintf("failed: %d, warnings: %d, ok: %d", all.Count(doctor.Failed), all.Count(doctor.Warned), all.Count(doctor.Well))
	fields := []kiosk.Field{{Label: "doctor", Value: result}}
	behind := map[string][]string{} // by the root
	for _, result := range []doctor.Result{doctor.Failed, doctor.Warned} {
		for _, l := range all {
			if l.Result != result {
				continue
			}
			text := l.What
			if l.Cure != "" {
				text += "; cure: " + l.Cure
			}
			fields = append(fields, kiosk.Field{Label: string(result) + " " + l.Check, Value: text})
		}
	}
	var roots, late []string
	for _, l := range all {
		if l.Result != doctor.NotTried {
			continue
		}
		if l.Behind == "" {
			late = append(late, l.Check)
			continue
		}
		if behind[l.Behind] == nil {
			roots = append(roots, l.Behind)
		}
		behind[l.Behind] = append(behind[l.Behind], l.Check)
	}
	for _, root := range roots {
		fields = append(fields, kiosk.Field{Label: "behind " + root, Value: strings.Join(behind[root], ", ")})
	}
	if late != nil {
		fields = append(fields, kiosk.Field{Label: "no time left", Value: strings.Join(late, ", ")})
	}
	for _, l := range all {
		if l.Result == doctor.Well {
			fields = append(fields, kiosk.Field{Label: l.Check, Value: l.What})
		}
	}
	return fields
}
