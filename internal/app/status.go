package app

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/keeper"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Status is what kiosk status tells. Nothing in it is about a customer.
type Status struct {
	State    Standing `json:"state"`
	Why      []string `json:"why,omitempty"` // of being out of service
	Phase    string   `json:"phase"`
	Mode     string   `json:"mode"` // screen or headless
	Site     string   `json:"site"`
	Version  string   `json:"version"`
	PID      int      `json:"pid"`
	Uptime   int      `json:"uptime"`             // seconds since this program's start
	Service  Order    `json:"service"`            // an operator's order
	Settings string   `json:"settings,omitempty"` // what was wrong with those that were to be read again; the old ones count
	Visits   Figures  `json:"visits"`
	Health   []Ill    `json:"health"` // what is not well; empty: nothing

	Record keeper.Condition `json:"record"` // how it stands with the visits on record, and what cannot be promised
}

// Ill is one thing that is not well.
type Ill struct {
	What  string `json:"what"`
	Cause string `json:"cause"`
}

func (r *resident) status() Status {
	phase, closed, _ := r.seat.now()
	order, _ := r.order.now(r.app.clock.Now())
	s := Status{
		State: standing(phase, closed), Phase: phase.String(), Mode: "screen", Site: r.app.settings.Site,
		Version: r.options.Version, PID: os.Getpid(), Uptime: int((r.app.clock.Now() - r.began) / time.Second),
		Service: order, Settings: r.fresh.problem(), Visits: r.seat.counted(), Health: r.ills(), Record: r.app.Record(),
	}
	if r.front != nil {
		s.Mode = "headless"
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
	{kiosk.Maintenance, "maintenance"}, {kiosk.SettingsBad, "settings"}, {kiosk.StoreDown, "store"},
	{kiosk.ClockWrong, "clock"}, {kiosk.Starting, "starting"},
}

// contact is how the last attempt to reach the authorization server went.
type contact struct {
	mu  sync.Mutex
	err error
}

func (c *contact) set(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *contact) get() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// ills lists what is not well now. It asks nobody outside: of the authorization
// server it tells how the last attempt went.
func (r *resident) ills() []Ill {
	ills := []Ill{}
	say := func(what string, err error) {
		if err != nil {
			ills = append(ills, Ill{what, harmless(err.Error())})
		}
	}
	if !r.app.clock.Trusted() {
		say("clock", errors.New("the time is before this program was built"))
	}
	say("authorization server", r.app.contact.get())
	if c := r.app.Record(); !c.Well {
		say("store", errors.New(c.Why))
	}
	return ills
}
