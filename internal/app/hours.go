package app

import (
	"context"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// hoursEvery is how often the clock is looked at for the opening hours: as fine as they
// are, so that a clock that was set meanwhile is noticed as soon as one that ran.
const hoursEvery = time.Minute

// opens is when the device serves again by KIOSK_OPEN, in the time of the place; zero
// while it does, and while nobody knows the time: better open too long than never.
func (r *resident) opens() time.Time {
	if !r.app.clock.Trusted() {
		return time.Time{}
	}
	return r.app.settings.Open.Opens(r.app.time.Now().Local())
}

// keepHours opens and closes the device by KIOSK_OPEN, until ctx ends.
func (r *resident) keepHours(ctx context.Context) {
	if len(r.app.settings.Open) == 0 {
		return
	}
	was := time.Time{}
	for {
		if opens := r.opens(); !opens.Equal(was) {
			r.tell(kiosk.ClosureChanged{Closure: kiosk.OutsideHours, On: !opens.IsZero()}) // again for another time on the screen
			was = opens
		}
		if !wait(ctx, hoursEvery-time.Duration(r.app.time.Now().Second())*time.Second) {
			return
		}
	}
}
