package daemon

import (
	"context"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// hoursPeriod is how often the opening hours are compared with the clock. They are as fine as this, and a clock that was
// set meanwhile is noticed as soon.
const hoursPeriod = time.Minute

// Opens returns when the opening hours begin (KIOSK_OPEN, local time); zero while the device is open, and while the time
// is not known: better open too long than never.
func (d *Daemon) Opens() time.Time {
	if !d.Clock.Trusted() {
		return time.Time{}
	}
	return d.Settings.Open.NextOpening(d.Now().Local())
}

// watchHours opens and closes the device with the opening hours until ctx ends.
func (d *Daemon) watchHours(ctx context.Context) {
	if len(d.Settings.Open) == 0 {
		return
	}
	var sent time.Time
	for {
		if opens := d.Opens(); !opens.Equal(sent) {
			d.Send(kiosk.ClosureChanged{Closure: kiosk.OutsideHours, On: !opens.IsZero()}) // repeated for another time on the screen
			sent = opens
		}
		if !wait.For(ctx, hoursPeriod-time.Duration(d.Now().Second())*time.Second) {
			return
		}
	}
}
