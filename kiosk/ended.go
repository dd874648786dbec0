package kiosk

import "time"

// This file has the transitions after an ending, and what silence does in every phase.

func (m *transition) ended(e Event) {
	switch e := e.(type) {
	case Press:
		m.endedKey(e)
	case Tick:
		switch {
		case m.s.Stopping:
			m.clear()
		case m.s.Ending.Reason == Cancelled:
			if m.now-m.s.Since >= m.s.Rules.CancelNotice {
				m.clear()
			}
		default:
			m.checkIdle(m.s.endedIdleLimit())
		}
	}
}

func (m *transition) endedKey(e Press) {
	if m.answerIdlePrompt(e) {
		return
	}
	m.s.LastInput = m.now
	digit := func(r rune) bool { return e.Key == RuneKey && e.Rune == r }
	switch {
	case digit('1') && m.s.CanAskAgain():
		if m.s.ThrottledFor(m.now) > 0 {
			return
		}
		m.s.Repeats++
		if m.s.UserCode.Required {
			m.askForUserCode() // a user code is never kept
			return
		}
		m.prepare(m.s.Request.Number)
	case digit('2') && m.s.OffersDeviceFlow():
		m.switchToDeviceFlow()
	case digit('3') && m.s.OffersDiagnosis():
		m.openDiagnosis()
	case e.Key == EscapeKey, e.Key == EnterKey, !m.s.CanAskAgain() && !m.s.OffersDeviceFlow() && !m.s.OffersDiagnosis():
		m.clear()
	}
}

// CanAskAgain reports whether the same person may be asked again without retyping: only after endings that a second request
// can improve, and Rules.MaxRepeats times at most. After HeldBack it is possible once ThrottledFor is 0, if the pause is
// short enough to wait for.
func (s State) CanAskAgain() bool {
	if s.Phase != Ended || s.Repeats >= s.Rules.MaxRepeats || s.Stopping {
		return false
	}
	switch s.Ending.Reason {
	case Declined, Expired, Unreachable:
		return true
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
func (m *transition) checkIdle(limit time.Duration) {
	switch {
	case m.s.Idle.Prompted && m.now-m.s.Idle.PromptedAt >= m.s.Rules.PromptTime:
		m.clear()
	case !m.s.Idle.Prompted && m.now-m.s.LastInput >= limit:
		m.s.Idle.Prompted, m.s.Idle.PromptedAt = true, m.now
	}
}

// answerIdlePrompt handles the key that answers "still there?" and reports whether the question was open. Escape leaves;
// any other key buys time, Rules.MaxExtensions times at most, and does nothing else.
func (m *transition) answerIdlePrompt(e Press) bool {
	if !m.s.Idle.Prompted {
		return false
	}
	switch {
	case e.Key == EscapeKey:
		m.clear()
	case m.s.Idle.Extensions < m.s.Rules.MaxExtensions:
		m.s.Idle.Prompted, m.s.LastInput = false, m.now
		m.s.Idle.Extensions++
	}
	return true
}
