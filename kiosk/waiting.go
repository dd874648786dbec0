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

// advancePolling does what is due in Waiting: it sends a poll, ends the visit or opens the help.
func (m *transition) advancePolling() {
	schedule := m.s.Request.Schedule
	switch {
	case m.s.Question != 0:
		// Never two polls at once. A poll without an answer has failed when even a slow answer to an approval in the last
		// second would have arrived.
		if m.now >= max(schedule.Deadline, schedule.LastPoll)+m.s.Rules.CallLimit {
			m.finish(StageEnded, Unreachable)
		}
	case schedule.IsDue(m.now):
		m.s.Request.Schedule = schedule.Sent(m.now)
		m.emit(Poll{Number: m.nextQuestion(), Request: m.s.Request.Number})
	case schedule.Exhausted(m.now):
		m.expire()
	case !m.s.Help && m.s.Flow == Backchannel && m.now-m.s.Since >= m.s.Rules.HelpAfter && m.s.LastInput == m.s.Since:
		m.s.Help = true
		m.s.LastInput = m.now
	}
}

// pinged polls at once: the server has an answer ready. Only the poll tells what the answer is. A second ping for the same
// request does nothing.
func (m *transition) pinged(e Pinged) {
	if e.Request == 0 || e.Request != m.s.Request.Number {
		return
	}
	switch {
	case m.s.Phase == Asking && m.s.Request.Visit != "":
		m.s.Request.Pinged = true
	case m.s.Phase == Waiting && !m.s.Request.Schedule.Pinged:
		m.s.Request.Schedule = m.s.Request.Schedule.PingReceived(m.now)
		m.advancePolling()
	}
}

// expire ends a visit whose time is over. If the last polls failed, an approval may have been lost on the way.
func (m *transition) expire() {
	if m.s.Request.Schedule.Faults > 0 {
		m.finish(StageEnded, Unreachable)
		return
	}
	m.finish(StageEnded, Expired)
}

// polled handles the answer to a poll. Tokens that nobody waits for any more are revoked.
func (m *transition) polled(e Polled) {
	if m.s.Phase != Waiting || !m.takeAnswer(e.Number) {
		if (e.Verdict == Granted || e.Tokens) && !(e.Request == m.s.Request.Number && m.s.usesTokens()) {
			m.emit(Revoke{e.Request})
		}
		return
	}
	schedule := m.s.Request.Schedule
	switch e.Verdict {
	case Granted:
		m.s.Request.TokensIssued = true
		m.enter(Checking)
		m.emit(Commit{m.record(StageGranted, NoReason)}, Verify{Number: m.nextQuestion(), Request: m.s.Request.Number})
	case Denied:
		m.denied()
	case TimedOut:
		m.finish(StageEnded, Expired)
	case UnknownRequest:
		m.finish(StageEnded, schedule.UnknownRequestReason(m.now))
	case Fatal:
		r := e.Reason
		if r == NoReason {
			r = Refused
		}
		m.s.Request.TokensIssued = e.Tokens
		m.finish(StageEnded, r)
	default:
		m.s.Request.Schedule = schedule.Reschedule(m.now, e)
		if m.s.Request.Schedule.isSlowerThan(schedule) && !m.s.Request.Schedule.Exhausted(m.now) {
			m.emit(Commit{m.record(StageAcknowledged, NoReason)})
		}
		m.advancePolling()
	}
}

// usesTokens reports whether the tokens of the present request are being used for the customer.
func (s State) usesTokens() bool { return s.Phase == Checking || s.Phase == Fetching }

// denied tells declined from expired for servers that send one code for both (Auth0): well before the deadline it can only
// be a refusal.
func (m *transition) denied() {
	schedule := m.s.Request.Schedule
	switch {
	case !m.s.Request.AmbiguousDenial || m.now < schedule.Deadline-schedule.Interval:
		m.finish(StageEnded, Declined)
	case m.now >= schedule.Deadline:
		m.finish(StageEnded, Expired)
	default:
		m.finish(StageEnded, Declined)
		m.s.Ending.Ambiguous = true
	}
}

// OffersDeviceFlow reports whether the customer may switch to the device flow now: while the phone should ring, and after
// the server refused the request. Not after a person declined or did not answer: both have a phone that rings.
func (s State) OffersDeviceFlow() bool {
	if !s.Rules.DeviceFlow || s.Flow != Backchannel || s.Stopping {
		return false
	}
	return s.Phase == Waiting || s.Phase == Ended && s.Ending.Reason == Refused
}

// switchToDeviceFlow asks the same person by the device flow. CIBA has no cancellation, so the request in progress is no
// longer polled, and tokens that a poll in flight still brings are revoked.
func (m *transition) switchToDeviceFlow() {
	if m.s.Phase == Waiting {
		m.emit(Commit{m.record(StageEnded, Cancelled)})
	}
	m.s.Flow, m.s.UserCode.Required = DeviceFlow, false
	m.prepare(m.s.Request.Number)
}

// Left returns the whole seconds, rounded up, that the present request still lives; 0 after its expiry and outside Waiting.
func (s State) Left(now time.Duration) int {
	deadline := s.Request.Schedule.Deadline
	if s.Phase != Waiting || now >= deadline {
		return 0
	}
	return int((deadline - now + time.Second - 1) / time.Second)
}
