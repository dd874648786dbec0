package status

import (
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		phase    kiosk.Phase
		closures kiosk.Closures
		want     Availability
	}{
		{kiosk.Ready, 0, Serving},
		{kiosk.Waiting, 0, InVisit},
		{kiosk.Waiting, kiosk.Maintenance, InVisit}, // a closure takes effect after the visit
		{kiosk.Closed, kiosk.Maintenance, OutOfService},
		{kiosk.Menu, kiosk.Maintenance, OutOfService}, // a technician is no customer
		{kiosk.Menu, 0, InVisit},
	} {
		if got := Of(c.phase, c.closures); got != c.want {
			t.Errorf("phase %v, closures %b: %s, want %s", c.phase, c.closures, got, c.want)
		}
	}
}

func text(s Status) string {
	var b strings.Builder
	for _, l := range s.Lines() {
		b.WriteString(l.Label + ": " + l.Value + "\n")
	}
	return b.String()
}

func TestLines(t *testing.T) {
	until := time.Date(2030, 1, 1, 14, 0, 0, 0, time.Local)
	got := text(Status{
		State: OutOfService, Why: []string{"maintenance"}, Mode: "screen", Site: "Shop 7", Version: "2.0.0", PID: 812, Uptime: 90,
		Service:  Outage{Off: true, Text: "Back soon", Until: &until},
		Settings: "KIOSK_THEME: not known",
		Visits:   Figures{Shown: 3, Ended: map[string]int{"expired": 1, "declined": 2}, Waits: 4, MedianWait: 25},
		Health: []health.Item{
			{Name: "network", Cause: "no address"}, {Name: "dns", Cause: "no answer", Behind: "network"}, {Name: "disk", OK: true},
		},
	})
	const want = `state: out of service: maintenance
outage: out of service until 2030-01-01 14:00:00 Back soon
program: version 2.0.0, screen, process 812, up 1m30s
site: Shop 7
visits: 3 shown, 2 declined, 1 expired since the start
waits: median 25 s
settings: new settings rejected, the previous ones are in use: KIOSK_THEME: not known
problem: network: no address
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLinesDuringSetup(t *testing.T) {
	got := text(Status{Version: "2.0.0", PID: 812, Site: "Shop 7", SetUp: &Setup{Stage: "stuck", Reason: "unreachable", Cause: "no route", Again: 8}})
	const want = `state: being set up: unreachable
cause: no route
retry: in 8 seconds
program: version 2.0.0, process 812, up 0s
site: Shop 7
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestCheckReportsRootCauses(t *testing.T) {
	o := Check(Status{State: Serving, Health: []health.Item{{Name: "dns", Behind: "network"}, {Name: "guard", Cause: "too many requests"}}}, nil)
	if o.Result != "warning" || o.Text != "the kiosk reports guard: too many requests" {
		t.Errorf("%+v", o)
	}
	if o := Check(Status{}, control.ErrNotRunning); o.Result != "skipped" {
		t.Errorf("no kiosk is running: %+v", o)
	}
}
