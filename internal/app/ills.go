package app

import (
	"context"
	"errors"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Delays of health items; what is not here is told at once.
const (
	cableDelay = 10 * time.Second // a cable that is put into another socket
	heatDelay  = time.Minute      // sun through the shop's window
)

// healthItems are this kiosk's. None of them asks anybody outside: of the
// authorization server they tell how the last attempt went.
func (r *resident) healthItems() []health.Check {
	a := r.app
	// The last attempt is about one thing at most.
	about := func(is func(error) bool) func() error {
		return func() error {
			if err := a.contact.get(); err != nil && is(err) {
				return err
			}
			return nil
		}
	}
	return []health.Check{
		{Name: "clock", Look: func() error {
			if !a.clock.Trusted() {
				return errors.New("the time is before this program was built")
			}
			return about(func(err error) bool { return kiosk.ReasonOf(err) == kiosk.BadClock })()
		}},
		{Name: "network", Delay: cableDelay, Look: health.Network},
		{Name: "dns", Needs: []string{"network"}, Look: about(oidc.IsDNSError)},
		{Name: "tls", Needs: []string{"clock", "dns"}, Look: about(oidc.IsTLSError)},
		{Name: "client", Look: about(func(err error) bool {
			return kiosk.ReasonOf(err) == kiosk.Misconfigured || kiosk.ReasonOf(err) == kiosk.NotProvisioned
		})},
		{Name: "certificate", Needs: []string{"clock"}, Look: func() error {
			if a.mine == nil {
				return nil
			}
			return a.mine.CheckValidity(a.time.Now())
		}},
		{Name: "server", Needs: []string{"network", "clock", "dns", "tls", "client"}, Look: a.contact.get},
		{Name: "disk", Look: func() error { return health.Disk(a.settings.StateDir) }},
		{Name: "store", Needs: []string{"disk"}, Look: func() error {
			if c := a.Record(); !c.Well {
				return errors.New("the record is not well: " + c.Why)
			}
			return nil
		}},
		{Name: "terminal", Look: func() error {
			ctx, stop := context.WithTimeout(context.Background(), frameLimit)
			defer stop()
			if r.seen(ctx) != nil {
				return errors.New("the terminal takes no picture")
			}
			return nil
		}},
		{Name: "temperature", Delay: heatDelay, Look: func() error { return health.Temperature(sysfs) }},
		{Name: "power", Look: func() error { return health.Power(sysfs) }},
		{Name: "guard", Look: func() error {
			if a.guard.Condition().Pestered {
				return errors.New("somebody makes a phone ring again and again; the push guard holds back")
			}
			return nil
		}},
	}
}

const (
	frameLimit = 2 * time.Second
	sysfs      = "/sys"
)

// look is how it stands with all items now.
func (r *resident) look() []health.Item {
	items := r.board.Look(r.app.clock.Now())
	for i := range items {
		items[i].Cause = sanitize.Line(items[i].Cause)
	}
	return items
}
