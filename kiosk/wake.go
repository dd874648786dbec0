package kiosk

import "time"

// Wake says when the next Tick is due, as uptime, and false if none is: an idle
// device sleeps until somebody presses a key.
func Wake(s State, now time.Duration) (time.Duration, bool) {
	var at time.Duration
	switch s.Phase {
	case Identify, EnterUserCode:
		at = s.idleAt(s.Rules.IdleLimit, now)
	case Shown:
		at = s.idleAt(s.Rules.ResultLimit, now)
	case Ended:
		switch {
		case s.Stopping:
			at = now
		case s.Reason == Cancelled:
			at = s.Since + s.Rules.CancelNotice
		default:
			at = s.idleAt(s.endedIdleLimit(), now)
			if s.ThrottledFor(now) > 0 {
				at = min(at, s.nextRedraw(s.Since+s.Throttle.Wait, now)) // the wait is on screen
			}
		}
	case Menu:
		at = s.idleAt(s.Rules.IdleLimit, now)
		if s.Question != 0 {
			at = s.LastInput + s.Rules.TaskLimit
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
			at = max(s.Pace.Deadline, s.Pace.LastPoll) + s.Rules.CallLimit
		} else {
			at = s.Pace.Wake()
		}
		at = min(at, s.nextRedraw(s.Pace.Deadline, now)) // the time left is on screen
	default:
		return 0, false
	}
	return max(at, now), true
}

func (s State) idleAt(limit, now time.Duration) time.Duration {
	if s.IdlePrompt {
		return min(s.IdlePromptAt+s.Rules.PromptTime, s.nextRedraw(s.IdlePromptAt+s.Rules.PromptTime, now))
	}
	return s.LastInput + limit
}

// count is when the seconds left until end have to be drawn anew; never where nobody
// sees them.
func (s State) nextRedraw(end, now time.Duration) time.Duration {
	if s.Rules.NoScreen {
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
