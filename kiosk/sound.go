package kiosk

import "time"

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
func Sound(was State, before time.Duration, is State, now time.Duration) Bells {
	switch {
	case is.Phase == Waiting && was.Phase != Waiting:
		return PhoneRings
	case is.Phase == Waiting && is.Pace.Deadline-now <= hurryTime && was.Pace.Deadline-before > hurryTime:
		return TimeRunsOut
	case is.Phase == Shown && was.Phase != Shown, is.Phase == Menu && was.Phase == Checking:
		return PhoneDone
	case is.Phase == Ended && was.Phase != Ended && is.Reason != Cancelled:
		return VisitStopped
	}
	return Quiet
}
