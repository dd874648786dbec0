package kiosk

import "time"

// This file has the transitions from the approval to the wiped screen, and what
// silence does on the way.

func (m *move) checking(e Event) {
	switch e := e.(type) {
	case Verified:
		switch {
		case !m.answered(e.Number):
		case m.s.Technician:
			m.admit()
		default:
			m.enter(Fetching)
			m.do(Fetch{Number: m.ask(), Request: m.s.Request})
		}
	default:
		m.serve(e, Unreachable)
	}
}

func (m *move) fetching(e Event) {
	switch e := e.(type) {
	case Fetched:
		if m.answered(e.Number) {
			m.enter(Shown)
			m.do(Commit{m.record(StageShown, NoReason)})
			// Nothing needs the tokens any more, and no record has them: a power cut
			// while somebody reads must not leave them good.
			m.giveBack()
			m.s.Redeemed = false
		}
	default:
		m.serve(e, ServiceDown)
	}
}

// serve is what Checking and Fetching have in common.
func (m *move) serve(e Event, silent Reason) {
	switch e := e.(type) {
	case Failed:
		if m.answered(e.Number) {
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

func (m *move) shown(e Event) {
	switch e := e.(type) {
	case Press:
		if m.extend(e) {
			return
		}
		m.s.Touched = m.now
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
		m.idle(m.s.Rules.Result)
	}
}

// turnPage turns the pages of what is being read.
func (m *move) turnPage(e Press) {
	switch {
	case e.Key == DownKey, e.Key == RightKey, e.Key == PageDownKey, e.Key == RuneKey && e.Rune == ' ':
		m.s.Page++
	case e.Key == UpKey, e.Key == LeftKey, e.Key == PageUpKey:
		m.s.Page--
	}
}

func (m *move) ended(e Event) {
	switch e := e.(type) {
	case Press:
		if m.extend(e) {
			return
		}
		m.s.Touched = m.now
		switch {
		case e.Key == RuneKey && e.Rune == '1' && m.s.CanAskAgain():
			if m.s.HeldFor(m.now) > 0 {
				return
			}
			m.s.Again++
			if m.s.Coded {
				m.prove() // a user code is never kept
				return
			}
			m.prepare(m.s.Request)
		case e.Key == RuneKey && e.Rune == '2' && m.s.OffersSecond():
			m.second()
		case e.Key == RuneKey && e.Rune == '3' && m.s.OffersReport():
			m.report()
		case e.Key == EscapeKey, e.Key == EnterKey, !m.s.CanAskAgain() && !m.s.OffersSecond() && !m.s.OffersReport():
			m.clear()
		}
	case Tick:
		switch {
		case m.s.Stopping:
			m.clear()
		case m.s.Reason == Cancelled:
			if m.now-m.s.Since >= m.s.Rules.Farewell {
				m.clear()
			}
		default:
			m.idle(m.s.endedFor())
		}
	}
}

// CanAskAgain says whether the same person may be asked again without retyping:
// only where a second try can end better, and not without end. Where the push
// guard held it back, it is once the wait is over (HeldFor), if that is short
// enough to stand there for.
func (s State) CanAskAgain() bool {
	if s.Phase != Ended || s.Again >= s.Rules.Again || s.Stopping {
		return false
	}
	switch s.Reason {
	case Declined, Expired, Unreachable:
		return true
	case HeldBack:
		return s.Hold.Wait <= s.Rules.Patience
	}
	return false
}

// HeldFor is how long the push guard still holds the request back; 0 once it may
// be tried again, and outside its screen.
func (s State) HeldFor(now time.Duration) time.Duration {
	if s.Phase != Ended || s.Reason != HeldBack {
		return 0
	}
	return max(s.Since+s.Hold.Wait-now, 0)
}

// endedFor is how much silence an ending allows: who waits for the push guard
// with nothing to press is not asked whether they are there.
func (s State) endedFor() time.Duration {
	limit := s.Rules.Result
	if s.Reason == HeldBack && s.CanAskAgain() {
		limit += max(s.Since+s.Hold.Wait-s.Touched, 0)
	}
	return limit
}

// OffersSecond says whether the second road may be taken now: while the phone
// should ring, and where the server would not ring it. Not after a refusal by the
// person, nor when nobody answered: both have a phone.
func (s State) OffersSecond() bool {
	if !s.Rules.Second || s.Road != Backchannel || s.Stopping {
		return false
	}
	return s.Phase == Waiting || s.Phase == Ended && s.Reason == Refused
}

// second takes the second road with the same person. The request that was under
// way is left: CIBA has no cancel, so it is polled no more, and tokens that a poll
// on its way still brings are given back.
func (m *move) second() {
	if m.s.Phase == Waiting {
		m.do(Commit{m.record(StageEnded, Cancelled)})
	}
	m.s.Road, m.s.Coded = DeviceGrant, false
	m.prepare(m.s.Request)
}

// idle counts silence: first "still there?", then the visit is cleared.
func (m *move) idle(limit time.Duration) {
	switch {
	case m.s.Still && m.now-m.s.StillAt >= m.s.Rules.Grace:
		m.clear()
	case !m.s.Still && m.now-m.s.Touched >= limit:
		m.s.Still, m.s.StillAt = true, m.now
	}
}

// extend takes the key that answers "still there?": it buys time and does
// nothing else, ten times; Escape leaves.
func (m *move) extend(e Press) bool {
	if !m.s.Still {
		return false
	}
	switch {
	case e.Key == EscapeKey:
		m.clear()
	case m.s.Extended < m.s.Rules.Extends:
		m.s.Still, m.s.Touched = false, m.now
		m.s.Extended++
	}
	return true
}
