package kiosk

import "time"

// This file has the transitions after an ending, and what silence does in every phase.

func (t *transition) ended(e Event) {
	switch e := e.(type) {
	case Press:
		t.endedKey(e)
	case Tick:
		switch {
		case t.s.Stopping:
			t.clear()
		case t.s.Ending.Reason == Cancelled:
			if t.now-t.s.Since >= t.s.Rules.CancelNotice {
				t.clear()
			}
		default:
			t.checkIdle(t.s.endedIdleLimit())
		}
	}
}

func (t *transition) endedKey(e Press) {
	if t.answerIdlePrompt(e) {
		return
	}
	t.s.LastInput = t.now
	digit := func(r rune) bool { return e.Key == RuneKey && e.Rune == r }
	switch {
	case digit('1') && t.s.CanAskAgain():
		if t.s.ThrottledFor(t.now) > 0 {
			return
		}
		t.s.Repeats++
		if t.s.UserCode.Required {
			t.askForUserCode() // a user code is never kept
			return
		}
		t.prepare(t.s.Request.Number)
	case digit('2') && t.s.OffersDeviceFlow():
		t.switchToDeviceFlow()
	case digit('3') && t.s.OffersDiagnosis():
		t.openDiagnosis()
	case e.Key == EscapeKey, e.Key == EnterKey, !t.s.CanAskAgain() && !t.s.OffersDeviceFlow() && !t.s.OffersDiagnosis():
		t.clear()
	}
}

// CanAskAgain reports whether the same person may be asked again without retyping: only after endings that a second request
// can improve, and Rules.MaxRepeats times at most. A refusal is repeated whatever its cause, which stays unknown, unless the
// scanned hint token has expired, the user codes are used up or the device flow was refused: these would be refused again.
// After HeldBack it is possible once ThrottledFor is 0, if the pause is short enough to wait for.
func (s State) CanAskAgain() bool {
	if s.Phase != Ended || s.Repeats >= s.Rules.MaxRepeats || s.Stopping {
		return false
	}
	switch s.Ending.Reason {
	case Declined, Expired, Unreachable, WrongPerson:
		return true
	case Refused:
		return s.Flow == Backchannel && !s.Request.HintExpired && s.UserCode.Tries < s.Rules.MaxCodeTries
	case HeldBack:
		return s.Ending.Throttle.Wait <= s.Rules.ThrottlePatience
	}
	return false
}

// ThrottledFor returns how long the push guard still holds the request back; 0 after that and after other endings.
func (s State) ThrottledFor(now time.Duration) time.Duration {
	if s.Phase != Ended || s.Ending.Reason != HeldBack {
		return 0
	}
	return max(s.Since+s.Ending.Throttle.Wait-now, 0)
}

// endedIdleLimit returns how much silence an ending allows. A customer who waits for the push guard has nothing to press, so
// the pause does not count as silence.
func (s State) endedIdleLimit() time.Duration {
	limit := s.Rules.ResultLimit
	if s.Ending.Reason == HeldBack && s.CanAskAgain() {
		limit += max(s.Since+s.Ending.Throttle.Wait-s.LastInput, 0)
	}
	return limit
}

// checkIdle counts silence: it first asks "still there?", then clears the visit.
func (t *transition) checkIdle(limit time.Duration) {
	switch {
	case t.s.Idle.Prompted && t.now-t.s.Idle.PromptedAt >= t.s.Rules.PromptTime:
		t.clear()
	case !t.s.Idle.Prompted && t.now-t.s.LastInput >= limit:
		t.s.Idle.Prompted, t.s.Idle.PromptedAt = true, t.now
	}
}

// answerIdlePrompt handles the key that answers "still there?" and reports whether the question was open. Escape leaves;
// any other key extends the time, Rules.MaxExtensions times at most, and does nothing else.
func (t *transition) answerIdlePrompt(e Press) bool {
	if !t.s.Idle.Prompted {
		return false
	}
	switch {
	case e.Key == EscapeKey:
		t.clear()
	case t.s.Idle.Extensions < t.s.Rules.MaxExtensions:
		t.s.Idle.Prompted, t.s.LastInput = false, t.now
		t.s.Idle.Extensions++
	}
	return true
}
