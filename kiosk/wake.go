package kiosk

import "time"

// Wake says when the next Tick is due, as uptime, and false if none is: an idle
// device sleeps until somebody presses a key.
func Wake(s State, now time.Duration) (time.Duration, bool) {
	var at time.Duration
	switch s.Phase {
	case Identify, Prove:
		at = s.idleAt(s.Rules.Idle, now)
	case Shown:
		at = s.idleAt(s.Rules.Result, now)
	case Ended:
		switch {
		case s.Stopping:
			at = now
		case s.Reason == Cancelled:
			at = s.Since + s.Rules.Farewell
		default:
			at = s.idleAt(s.endedFor(), now)
			if s.HeldFor(now) > 0 {
				at = min(at, s.count(s.Since+s.Hold.Wait, now)) // the wait is on screen
			}
		}
	case Menu:
		at = s.idleAt(s.Rules.Idle, now)
		if s.Question != 0 {
			at = s.Touched + s.Rules.TaskLimit
		}
		at = min(at, s.Since+s.Rules.MenuLimit)
	case Asking:
		at = s.Since + s.Rules.AskLimit
		if s.Refusal > 0 {
			at = s.Refusal
		}
	case Checking, Fetching:
		at = s.Since + s.Rules.CallLimit
	case Waiting:
		if s.Question != 0 {
			at = max(s.Pace.Deadline, s.Pace.Polled) + s.Rules.CallLimit
		} else {
			at = s.Pace.Wake()
		}
		at = min(at, s.count(s.Pace.Deadline, now)) // the time left is on screen
	default:
		return 0, false
	}
	return max(at, now), true
}

func (s State) idleAt(limit, now time.Duration) time.Duration {
	if s.Still {
		return min(s.StillAt+s.Rules.Grace, s.count(s.StillAt+s.Rules.Grace, now))
	}
	return s.Touched + limit
}

// count is when the seconds left until end have to be drawn anew; never where nobody
// sees them.
func (s State) count(end, now time.Duration) time.Duration {
	if s.Rules.Unseen {
		return never
	}
	return nextSecond(end, now)
}

// never is later than any instant.
const never = time.Duration(1<<63 - 1)

// nextSecond is the next instant after now at which the whole seconds left until
// end change; after end there is none to wait for.
func nextSecond(end, now time.Duration) time.Duration {
	left := end - now
	if left <= 0 {
		return never
	}
	if part := left % time.Second; part > 0 {
		return now + part
	}
	return now + time.Second
}
