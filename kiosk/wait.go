package kiosk

import "time"

// This file has the transitions while the phone rings.

func (m *transition) waiting(e Event) {
	switch e := e.(type) {
	case Press:
		m.s.LastInput = m.now
		switch {
		case e.Key == EscapeKey:
			m.finish(StageEnded, Cancelled)
		case e.Key == RuneKey && e.Rune == '2' && m.s.OffersDeviceFlow():
			m.switchToDeviceFlow()
		}
	case Tick:
		m.advancePolling()
	}
}

// turn does what is due on Waiting: a poll, the end, the help.
func (m *transition) advancePolling() {
	p := m.s.Pace
	switch {
	case m.s.Question != 0:
		// Never two polls at once. One that never comes back is given up
		// when even a slow answer to an approval in the last second would be here.
		if m.now >= max(p.Deadline, p.LastPoll)+m.s.Rules.CallLimit {
			m.finish(StageEnded, Unreachable)
		}
	case p.IsDue(m.now):
		m.s.Pace = p.Sent(m.now)
		m.emit(Poll{Number: m.nextQuestion(), Request: m.s.Request})
	case p.Exhausted(m.now):
		m.expire()
	case !m.s.Help && m.s.Road == Backchannel && m.now-m.s.Since >= m.s.Rules.HelpAfter && m.s.LastInput == m.s.Since:
		m.s.Help = true
		m.s.LastInput = m.now
	}
}

// pinged: the server has an answer ready, so it is fetched at once. A ping says no
// more than that: what the answer is, and whether it is one, the poll finds out.
// Another for the same request makes no further poll.
func (m *transition) pinged(e Pinged) {
	if e.Request == 0 || e.Request != m.s.Request {
		return
	}
	switch {
	case m.s.Phase == Asking && m.s.Visit != "":
		m.s.Pinged = true
	case m.s.Phase == Waiting && !m.s.Pace.Pinged:
		m.s.Pace = m.s.Pace.PingReceived(m.now)
		m.advancePolling()
	}
}

// runOut: the time is up. Whether nobody answered or nobody could have been
// heard is not the same to the customer.
func (m *transition) expire() {
	if m.s.Pace.Faults > 0 {
		m.finish(StageEnded, Unreachable)
		return
	}
	m.finish(StageEnded, Expired)
}

// polled takes in a poll's answer. Tokens that come too late are given back:
// the next customer must not see them, and nobody else may use them.
func (m *transition) polled(e Polled) {
	if m.s.Phase != Waiting || !m.takeAnswer(e.Number) {
		if (e.Verdict == Granted || e.Tokens) && !(e.Request == m.s.Request && m.s.usesTokens()) {
			m.emit(Revoke{e.Request})
		}
		return
	}
	p := m.s.Pace
	switch e.Verdict {
	case Granted:
		m.s.TokensIssued = true
		m.enter(Checking)
		m.emit(Commit{m.record(StageGranted, NoReason)}, Verify{Number: m.nextQuestion(), Request: m.s.Request})
	case Denied:
		m.denied()
	case TimedOut:
		m.finish(StageEnded, Expired)
	case UnknownRequest:
		m.finish(StageEnded, p.UnknownRequestReason(m.now))
	case Fatal:
		r := e.Reason
		if r == NoReason {
			r = Refused
		}
		m.s.TokensIssued = e.Tokens
		m.finish(StageEnded, r)
	default:
		m.s.Pace = p.Reschedule(m.now, e)
		if m.s.Pace.isSlowerThan(p) && !m.s.Pace.Exhausted(m.now) {
			m.emit(Commit{m.record(StageAcknowledged, NoReason)})
		}
		m.advancePolling()
	}
}

// inUse says whether the present request's tokens are being used for the customer.
func (s State) usesTokens() bool {
	return s.Phase == Checking || s.Phase == Fetching
}

// denied tells refused from run out where the server sends one code for both
// (Auth0): well before the deadline it can only be a refusal.
func (m *transition) denied() {
	p := m.s.Pace
	switch {
	case !m.s.AmbiguousDenial || m.now < p.Deadline-p.Interval:
		m.finish(StageEnded, Declined)
	case m.now >= p.Deadline:
		m.finish(StageEnded, Expired)
	default:
		m.finish(StageEnded, Declined)
		m.s.Ambiguous = true
	}
}

// Left is how long the present request still lives, in whole seconds rounded
// up; 0 once it has expired or outside Waiting.
func (s State) Left(now time.Duration) int {
	if s.Phase != Waiting || now >= s.Pace.Deadline {
		return 0
	}
	return int((s.Pace.Deadline - now + time.Second - 1) / time.Second)
}
