package app

import (
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/keeper"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Status is what kiosk status tells. Nothing in it is about a customer.
type Status struct {
	State    Standing         `json:"state"`
	Why      []string         `json:"why,omitempty"` // of being out of service
	Phase    string           `json:"phase"`
	Mode     string           `json:"mode"` // screen or headless
	Site     string           `json:"site"`
	Version  string           `json:"version"`
	PID      int              `json:"pid"`
	Uptime   int              `json:"uptime"`             // seconds since this program's start
	Service  Order            `json:"service"`            // an operator's order
	SetUp    *SettingUp       `json:"set_up,omitempty"`   // of a device without a registration: how far it has come; only the members above count then
	Opens    *time.Time       `json:"opens,omitempty"`    // outside of opening hours: when they begin
	Settings string           `json:"settings,omitempty"` // what was wrong with those that were to be read again; the old ones count
	Line     int              `json:"line,omitempty"`     // without a screen: visits that wait for their turn
	Visits   Figures          `json:"visits"`
	Health   []health.Item    `json:"health"`
	Record   keeper.Condition `json:"record"` // how it stands with the visits on record, and what cannot be promised
}

func (r *resident) status() Status {
	phase, closed := r.seat.told()
	order, _ := r.order.now(r.app.clock.Now())
	s := Status{
		State: standing(phase, closed), Phase: phase.String(), Mode: "screen", Site: r.app.settings.Site,
		Version: r.options.Version, PID: os.Getpid(), Uptime: int((r.app.clock.Now() - r.began) / time.Second),
		Service: order, Settings: r.fresh.problem(), Visits: r.seat.counted(), Health: r.look(), Record: r.app.Record(),
	}
	if r.front != nil {
		s.Mode = "headless"
		here, _ := r.front.line()
		s.Line = max(here-1, 0)
	}
	if opens := r.opens(); !opens.IsZero() {
		s.Opens = &opens
	}
	for _, c := range closures {
		if closed&c.why != 0 {
			s.Why = append(s.Why, c.name)
		}
	}
	return s
}

// closures have names for scripts.
var closures = []struct {
	why  kiosk.Closures
	name string
}{
	{kiosk.Maintenance, "maintenance"}, {kiosk.OutsideHours, "hours"}, {kiosk.SettingsBad, "settings"}, {kiosk.StoreDown, "store"},
	{kiosk.ClockWrong, "clock"}, {kiosk.Starting, "starting"},
}
