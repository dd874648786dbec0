package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// A day of a shop, to the minute: nothing is told in between, and nothing at all while
// the time is not known.
func TestADayOfOpeningHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hours, err := config.ParseHours("Mo-Fr 08:00-20:00")
		if err != nil {
			t.Fatal(err)
		}
		clock := host.NewClock()
		r := &resident{order: &service{}, app: &App{clock: clock, settings: &config.Settings{Open: hours},
			time: oidc.NewClock(oidc.ClockOptions{Issuer: "https://id.example", Wall: clock.Wall, Uptime: clock.Now, Synchronised: clock.Kept})}}
		var told []string
		r.tell = func(e kiosk.Event) {
			c := e.(kiosk.ClosureChanged)
			told = append(told, time.Now().Format("Mon 15:04:05 ")+map[bool]string{true: "closed", false: "open"}[c.On])
			if c.Closure != kiosk.OutsideHours {
				t.Errorf("told %+v", c)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		go r.keepHours(ctx)
		time.Sleep(48 * time.Hour) // it is the year 2000: before this program was made
		if synctest.Wait(); len(told) > 0 || r.closures()&kiosk.OutsideHours != 0 {
			t.Errorf("with a clock that is not right: %q", told)
		}
		stop() // 27 years of minutes would be counted one by one
		synctest.Wait()
		sunday := time.Date(2026, 11, 29, 12, 0, 30, 0, time.Local)
		time.Sleep(time.Until(sunday) - time.Hour)
		ctx, stop = context.WithCancel(t.Context())
		go r.keepHours(ctx)
		time.Sleep(time.Hour)
		synctest.Wait()
		told = nil
		if at := r.opens(); at.Format("Mon 15:04") != "Mon 08:00" || r.closures()&kiosk.OutsideHours == 0 {
			t.Errorf("on Sunday it opens at %v", at)
		}
		time.Sleep(36 * time.Hour)
		synctest.Wait()
		stop()
		want := []string{"Mon 08:00:00 open", "Mon 20:00:00 closed"}
		if len(told) != 2 || told[0] != want[0] || told[1] != want[1] {
			t.Errorf("told %q, not %q", told, want)
		}
	})
}

// Customers are told the root, and only of what keeps the device from opening.
func TestCauseForCustomers(t *testing.T) {
	ill := func(name, behind string) health.Item { return health.Item{Name: name, Behind: behind} }
	for _, c := range []struct {
		items []health.Item
		want  screen.MessageID
	}{
		{nil, ""},
		{[]health.Item{{Name: "network", Well: true}, {Name: "server", Well: true}, ill("disk", ""), ill("temperature", "")}, ""},
		{[]health.Item{ill("network", ""), ill("dns", "network"), ill("server", "network")}, screen.MsgClosedNetwork},
		{[]health.Item{{Name: "network", Well: true}, ill("dns", ""), ill("server", "dns")}, screen.MsgClosedServer},
		{[]health.Item{{Name: "network", Well: true}, ill("tls", ""), ill("server", "tls")}, screen.MsgClosedServer},
		{[]health.Item{ill("temperature", ""), ill("server", "")}, screen.MsgClosedServer},
		{[]health.Item{ill("clock", ""), ill("tls", "clock"), ill("server", "clock")}, ""}, // that has a closure of its own
	} {
		if got := causeOf(c.items); got != c.want {
			t.Errorf("%+v: %q, not %q", c.items, got, c.want)
		}
	}
}
