package screen

import (
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Bells is how often the bell sounds, for those who look at their phone and not at the
// screen (KIOSK_SOUND). The number is the meaning; nothing is said by sound alone.
type Bells int

// The bells.
const (
	Quiet        Bells = 0
	PhoneRings   Bells = 1 // the phone has been asked
	PhoneDone    Bells = 2 // approved: what they came for is here
	TimeRunsOut  Bells = 3 // soon it is too late to approve
	VisitStopped Bells = 4 // ended without a result
)

// hurryTime is when time runs out: enough to unlock a phone and to look for the question.
const hurryTime = 20 * time.Second

// Sound is what is to be heard where a state follows another, at the given times. Who
// cancels knows it; an ending that nobody waited for makes no noise.
func Sound(was kiosk.State, before time.Duration, is kiosk.State, now time.Duration) Bells {
	switch {
	case is.Phase == kiosk.Waiting && was.Phase != kiosk.Waiting:
		return PhoneRings
	case is.Phase == kiosk.Waiting && is.Request.Schedule.Deadline-now <= hurryTime && was.Request.Schedule.Deadline-before > hurryTime:
		return TimeRunsOut
	case is.Phase == kiosk.Shown && was.Phase != kiosk.Shown, is.Phase == kiosk.Menu && was.Phase == kiosk.Checking:
		return PhoneDone
	case is.Phase == kiosk.Ended && was.Phase != kiosk.Ended && is.Ending.Reason != kiosk.Cancelled:
		return VisitStopped
	}
	return Quiet
}
