package kiosk

import "time"

// This file has the transitions from the approval to the wiped screen, and what
// silence does on the way.

func (m *transition) checking(e Event) {
	switch e := e.(type) {
	case Verified:
		switch {
		case !m.takeAnswer(e.Number):
		case m.s.Technician:
			m.admit()
		default:
			m.enter(Fetching)
			m.emit(Fetch{Number: m.nextQuestion(), Request: m.s.Request})
		}
	default:
		m.whileCalling(e, Unreachable)
	}
}

func (m *transition) fetching(e Event) {
	switch e := e.(type) {
	case Fetched:
		if m.takeAnswer(e.Number) {
			m.enter(Shown)
			m.emit(Commit{m.record(StageShown, NoReason)})
			// Nothing needs the tokens any more, and no record has them: a power cut
			// while somebody reads must not leave them good.
			m.revokeTokens()
			m.s.TokensIssued = false
		}
	default:
		m.whileCalling(e, ServiceDown)
	}
}

// serve is what Checking and Fetching have in common.
func (m *transition) whileCalling(e Event, silent Reason) {
	switch e := e.(type) {
	case Failed:
		if m.takeAnswer(e.Number) {
			m.finish(StageEnded, e.Reason)
		}
	case Press:
		if e.Key == EscapeKey {
			m.finish(StageEnded, Cancelled)
		}
	case Tick:
		if m.now-m.s.Since >= m.s.Rules.CallLimit {
			m.finish(StageEnded, silent)
		}
	}
}

func (m *transition) shown(e Event) {
	switch e := e.(type) {
	case Press:
		if m.answerIdlePrompt(e) {
			return
		}
		m.s.LastInput = m.now
		switch {
		case e.Key == EscapeKey:
			m.clear()
		case !m.s.Revealed:
			m.s.Revealed = true
		case e.Key == EnterKey:
			m.clear()
		default:
			m.turnPage(e)
		}
	case Tick:
		m.checkIdle(m.s.Rules.ResultLimit)
	}
}

// turnPage turns the pages of what is being read.
func (m *transition) turnPage(e Press) {
	switch {
	case e.Key == DownKey, e.Key == RightKey, e.Key == PageDownKey, e.Key == RuneKey && e.Rune == ' ':
		m.s.Page++
	case e.Key == UpKey, e.Key == LeftKey, e.Key == PageUpKey:
		m.s.Page--
	}
}

func (m *transition) ended(e Event) {
	switch e := e.(type) {
	case Press:
		if m.answerIdlePrompt(e) {
			return
		}
		m.s.LastInput = m.now
		switch {
		case e.Key == RuneKey && e.Rune == '1' && m.s.CanAskAgain():
			if m.s.ThrottledFor(m.now) > 0 {
				return
			}
			m.s.Repeats++
			if m.s.NeedsUserCode {
				m.askForUserCode() // a user code is never kept
				return
			}
			m.prepare(m.s.Request)
		case e.Key == RuneKey && e.Rune == '2' && m.s.OffersDeviceFlow():
			m.switchToDeviceFlow()
		case e.Key == RuneKey && e.Rune == '3' && m.s.OffersDiagnosis():
			m.openDiagnosis()
		case e.Key == EscapeKey, e.Key == EnterKey, !m.s.CanAskAgain() && !m.s.OffersDeviceFlow() && !m.s.OffersDiagnosis():
			m.clear()
		}
	case Tick:
		switch {
		case m.s.Stopping:
			m.clear()
		case m.s.Reason == Cancelled:
			if m.now-m.s.Since >= m.s.Rules.CancelNotice {
				m.clear()
			}
		default:
			m.checkIdle(m.s.endedIdleLimit())
		}
	}
}

// CanAskAgain says whether the same person may be asked again without retyping:
// only where a second try can end better, and not without end. Where the push
// guard held it back, it is once the wait is over (HeldFor), if that is short
// enough to stand there for.
func (s State) CanAskAgain() bool {
	if s.Phase != Ended || s.Repeats >= s.Rules.MaxRepeats || s.Stopping {
		return false
	}
	switch s.Reason {
	case Declined, Expired, Unreachable:
		return true
	case HeldBack:
		return s.Throttle.Wait <= s.Rules.ThrottlePatience
	}
	return false
}

// ThrottledFor is how long the push guard still holds the request back; 0 once it may
// be tried again, and outside its screen.
func (s State) ThrottledFor(now time.Duration) time.Duration {
	if s.Phase != Ended || s.Reason != HeldBack {
		return 0
	}
	return max(s.Since+s.Throttle.Wait-now, 0)
}

// endedFor is how much silence an ending allows: who waits for the push guard
// with nothing to press is not asked whether they are there.
func (s State) endedIdleLimit() time.Duration {
	limit := s.Rules.ResultLimit
	if s.Reason == HeldBack && s.CanAskAgain() {
		limit += max(s.Since+s.Throttle.Wait-s.LastInput, 0)
	}
	return limit
}

// OffersDeviceFlow says whether the second road may be taken now: while the phone
// should ring, and where the server would not ring it. Not after a refusal by the
// person, nor when nobody answered: both have a phone.
func (s State) OffersDeviceFlow() bool {
	if !s.Rules.DeviceFlow || s.Road != Backchannel || s.Stopping {
		return false
	}
	return s.Phase == Waiting || s.Phase == Ended && s.Reason == Refused
}

// second takes the second road with the same person. The request that was under
// way is left: CIBA has no cancel, so it is polled no more, and tokens that a poll
// on its way still brings are given back.
func (m *transition) switchToDeviceFlow() {
	if m.s.Phase == Waiting {
		m.emit(Commit{m.record(StageEnded, Cancelled)})
	}
	m.s.Road, m.s.NeedsUserCode = DeviceFlow, false
	m.prepare(m.s.Request)
}

// idle counts silence: first "still there?", then the visit is cleared.
func (m *transition) checkIdle(limit time.Duration) {
	switch {
	case m.s.IdlePrompt && m.now-m.s.IdlePromptAt >= m.s.Rules.PromptTime:
		m.clear()
	case !m.s.IdlePrompt && m.now-m.s.LastInput >= limit:
		m.s.IdlePrompt, m.s.IdlePromptAt = true, m.now
	}
}

// extend takes the key that answers "still there?": it buys time and does
// nothing else, ten times; Escape leaves.
func (m *transition) answerIdlePrompt(e Press) bool {
	if !m.s.IdlePrompt {
		return false
	}
	switch {
	case e.Key == EscapeKey:
		m.clear()
	case m.s.Extensions < m.s.Rules.MaxExtensions:
		m.s.IdlePrompt, m.s.LastInput = false, m.now
		m.s.Extensions++
	}
	return true
}
