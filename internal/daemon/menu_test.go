package daemon

import (
	"context"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestDoctorRunsOneAtATime(t *testing.T) {
	d := newDaemon(t, func(o *Options) {
		o.Doctor = func(ctx context.Context, ask func(context.Context) (status.Status, error)) []kiosk.Field {
			s, err := ask(ctx)
			if err != nil || s.Phase != "closed" {
				t.Errorf("status for the doctor: %+v, %v", s, err)
			}
			return []kiosk.Field{{Label: "doctor"}}
		}
	})
	m := newMenu(d)
	left, leave := context.WithCancel(t.Context())
	leave()

	m.turn <- struct{}{} // the doctor is running
	if _, err := m.RunTask(left, kiosk.DoctorTask); err == nil {
		t.Error("two runs at the same time")
	}
	<-m.turn
	m.last = d.Clock.Now()
	if _, err := m.RunTask(left, kiosk.DoctorTask); err == nil {
		t.Error("a run right after another")
	}
	m.last = -doctorPause
	fields, err := m.RunTask(t.Context(), kiosk.DoctorTask)
	if err != nil || len(fields) != 1 || fields[0].Label != "doctor" {
		t.Fatalf("%+v, %v", fields, err)
	}
	if m.last <= 0 {
		t.Error("the time of the run is not remembered")
	}
}
