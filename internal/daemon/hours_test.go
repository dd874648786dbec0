package daemon

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestOpeningHours plays two days of a shop: closures change to the minute, at no other time, and not at all while the time
// is not known.
func TestOpeningHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hours, err := config.ParseHours("Mo-Fr 08:00-20:00")
		if err != nil {
			t.Fatal(err)
		}
		d := newDaemon(t, func(o *Options) { o.Settings.Open = hours })
		var changes []string
		d.send = func(e kiosk.Event) {
			c := e.(kiosk.ClosureChanged)
			changes = append(changes, time.Now().Format("Mon 15:04:05 ")+map[bool]string{true: "closed", false: "open"}[c.On])
			if c.Closure != kiosk.OutsideHours {
				t.Errorf("sent %+v", c)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		go d.watchHours(ctx)
		time.Sleep(48 * time.Hour) // in the year 2000, before this program was built
		if synctest.Wait(); len(changes) > 0 || d.closures()&kiosk.OutsideHours != 0 {
			t.Errorf("with a wrong clock: %q", changes)
		}
		stop() // otherwise 27 years of minutes pass one by one
		synctest.Wait()
		sunday := time.Date(2026, 11, 29, 12, 0, 30, 0, time.Local)
		time.Sleep(time.Until(sunday) - time.Hour)
		ctx, stop = context.WithCancel(t.Context())
		go d.watchHours(ctx)
		time.Sleep(time.Hour)
		synctest.Wait()
		changes = nil
		if at := d.Opens(); at.Format("Mon 15:04") != "Mon 08:00" || d.closures()&kiosk.OutsideHours == 0 {
			t.Errorf("on Sunday it opens at %v", at)
		}
		time.Sleep(36 * time.Hour)
		synctest.Wait()
		stop()
		want := []string{"Mon 08:00:00 open", "Mon 20:00:00 closed"}
		if len(changes) != 2 || changes[0] != want[0] || changes[1] != want[1] {
			t.Errorf("changes %q, want %q", changes, want)
		}
	})
}
