package screen

import (
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Bells is how often the bell sounds, for customers who look at their phone instead of the screen (KIOSK_SOUND). The number is
// the message; the screen always says the same.
type Bells int

// The bells.
const (
	Quiet        Bells = 0
	PhoneRings   Bells = 1 // the server has acknowledged the request
	PhoneDone    Bells = 2 // approved, and the result is there
	TimeRunsOut  Bells = 3 // the request expires soon
	VisitStopped Bells = 4 // ended without a result
)

// hurryTime before the expiry the bell warns: enough to unlock a phone and find the request.
const hurryTime = 20 * time.Second

// Sound returns the sound of a change from one state to another, each at its uptime. A cancellation is silent.
func Sound(before kiosk.State, beforeAt time.Duration, after kiosk.State, now time.Duration) Bells {
	switch {
	case after.Phase == kiosk.Waiting && before.Phase != kiosk.Waiting:
		return PhoneRings
	case after.Phase == kiosk.Waiting && after.Request.Schedule.Deadline-now <= hurryTime && before.Request.Schedule.Deadline-beforeAt > hurryTime:
		return TimeRunsOut
	case after.Phase == kiosk.Shown && before.Phase != kiosk.Shown, after.Phase == kiosk.Menu && before.Phase == kiosk.Checking:
		return PhoneDone
	case after.Phase == kiosk.Ended && before.Phase != kiosk.Ended && after.Ending.Reason != kiosk.Cancelled:
		return VisitStopped
	}
	return Quiet
}
