package kiosk

import "time"

// Wake returns the uptime at which the next Tick is due, and false if none is: an idle device sleeps until somebody presses
// a key.
func Wake(s State, now time.Duration) (time.Duration, bool) {
	var at time.Duration
	switch s.Phase {
	case Identify, EnterUserCode:
		at = s.idleAt(s.Rules.IdleLimit, now)
	case Shown:
		at = s.idleAt(s.Rules.ResultLimit, now)
	case Ended:
		at = s.wakeEnded(now)
	case Menu:
		at = s.idleAt(s.Rules.IdleLimit, now)
		if s.Question != 0 {
			at = s.LastInput + s.Rules.TaskLimit
		}
		at = min(at, s.Since+s.Rules.MenuLimit)
	case Asking:
		at = s.Since + s.Rules.AskLimit
		if s.Request.RefusalAt > 0 {
			at = s.Request.RefusalAt
		}
	case Checking, Fetching:
		at = s.Since + s.Rules.CallLimit
	case Waiting:
		schedule := s.Request.Schedule
		at = schedule.Wake()
		if s.Question != 0 {
			at = max(schedule.Deadline, schedule.LastPoll) + s.Rules.CallLimit
		}
		at = min(at, s.nextRedraw(schedule.Deadline, now)) // the time left is on the screen
	default:
		return 0, false
	}
	return max(at, now), true
}

func (s State) wakeEnded(now time.Duration) time.Duration {
	switch {
	case s.Stopping:
		return now
	case s.Ending.Reason == Cancelled:
		return s.Since + s.Rules.CancelNotice
	}
	at := s.idleAt(s.endedIdleLimit(), now)
	if s.ThrottledFor(now) > 0 {
		at = min(at, s.nextRedraw(s.Since+s.Ending.Throttle.Wait, now)) // the pause is on the screen
	}
	return at
}

// idleAt returns when silence leads to the next change: the prompt, its countdown or its end.
func (s State) idleAt(limit, now time.Duration) time.Duration {
	if s.Idle.Prompted {
		end := s.Idle.PromptedAt + s.Rules.PromptTime
		return min(end, s.nextRedraw(end, now))
	}
	return s.LastInput + limit
}

// nextRedraw returns when a countdown to end has to be drawn again, or never if nobody sees it.
func (s State) nextRedraw(end, now time.Duration) time.Duration {
	if s.Rules.NoScreen {
		return never
	}
	return nextSecond(end, now)
}

// never is later than any other time.
const never = time.Duration(1<<63 - 1)

// nextSecond returns the next time after now at which the whole seconds left until end change; never if end has passed.
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
