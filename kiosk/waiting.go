package kiosk

import "time"

// This file has the transitions while the phone rings.

func (t *transition) waiting(e Event) {
	switch e := e.(type) {
	case Press:
		t.s.LastInput = t.now
		switch {
		case e.Key == EscapeKey:
			t.finish(StageEnded, Cancelled)
		case e.Key == RuneKey && e.Rune == '2' && t.s.OffersDeviceFlow():
			t.switchToDeviceFlow()
		}
	case Tick:
		t.advancePolling()
	}
}

// advancePolling does what is due in Waiting: it sends a poll, ends the visit or opens the help.
func (t *transition) advancePolling() {
	schedule := t.s.Request.Schedule
	switch {
	case t.s.Question != 0:
		// Never two polls at once. A poll without an answer has failed when even a slow answer to an approval in the last
		// second would have arrived.
		if t.now >= max(schedule.Deadline, schedule.LastPoll)+t.s.Rules.CallLimit {
			t.finish(StageEnded, Unreachable)
		}
	case schedule.IsDue(t.now):
		t.s.Request.Schedule = schedule.Sent(t.now)
		t.emit(Poll{Number: t.nextQuestion(), Request: t.s.Request.Number})
	case schedule.Exhausted(t.now):
		t.expire()
	case !t.s.Help && t.s.Flow == Backchannel && t.now-t.s.Since >= t.s.Rules.HelpAfter && t.s.LastInput == t.s.Since:
		t.s.Help = true
		t.s.LastInput = t.now
	}
}

// pinged polls at once: the server has an answer ready. Only the poll tells what the answer is. A second ping for the same
// request does nothing.
func (t *transition) pinged(e Pinged) {
	if e.Request == 0 || e.Request != t.s.Request.Number {
		return
	}
	switch {
	case t.s.Phase == Asking && t.s.Request.Visit != "":
		t.s.Request.Pinged = true
	case t.s.Phase == Waiting && !t.s.Request.Schedule.Pinged:
		t.s.Request.Schedule = t.s.Request.Schedule.PingReceived(t.now)
		t.advancePolling()
	}
}

// expire ends a visit at the deadline of its request. If the last polls failed, an approval may have been lost on the way.
func (t *transition) expire() {
	if t.s.Request.Schedule.Faults > 0 {
		t.finish(StageEnded, Unreachable)
		return
	}
	t.finish(StageEnded, Expired)
}

// polled handles the answer to a poll. Tokens that nobody waits for any more are revoked.
func (t *transition) polled(e Polled) {
	if t.s.Phase != Waiting || !t.takeAnswer(e.Number) {
		if (e.Verdict == Granted || e.Tokens) && !(e.Request == t.s.Request.Number && t.s.usesTokens()) {
			t.emit(Revoke{e.Request})
		}
		return
	}
	schedule := t.s.Request.Schedule
	switch e.Verdict {
	case Granted:
		t.s.Request.TokensIssued = true
		t.enter(Checking)
		t.emit(Commit{t.record(StageGranted, NoReason)}, Verify{Number: t.nextQuestion(), Request: t.s.Request.Number})
	case Denied:
		t.denied()
	case TimedOut:
		t.finish(StageEnded, Expired)
	case UnknownRequest:
		t.finish(StageEnded, schedule.UnknownRequestReason(t.now))
	case Fatal:
		r := e.Reason
		if r == NoReason {
			r = Refused
		}
		t.s.Request.TokensIssued = e.Tokens
		t.finish(StageEnded, r)
	default:
		t.s.Request.Schedule = schedule.Reschedule(t.now, e)
		if t.s.Request.Schedule.isSlowerThan(schedule) && !t.s.Request.Schedule.Exhausted(t.now) {
			t.emit(Commit{t.record(StageAcknowledged, NoReason)})
		}
		t.advancePolling()
	}
}

// usesTokens reports whether the tokens of the present request are being used for the customer.
func (s State) usesTokens() bool { return s.Phase == Checking || s.Phase == Fetching }

// denied distinguishes declined from expired for servers that send one code for both (Auth0): well before the deadline it can only
// be a refusal.
func (t *transition) denied() {
	schedule := t.s.Request.Schedule
	switch {
	case !t.s.Request.AmbiguousDenial || t.now < schedule.Deadline-schedule.Interval:
		t.finish(StageEnded, Declined)
	case t.now >= schedule.Deadline:
		t.finish(StageEnded, Expired)
	default:
		t.finish(StageEnded, Declined)
		t.s.Ending.Ambiguous = true
	}
}

// OffersDeviceFlow reports whether the customer may switch to the device flow now: while the phone should ring, and after
// the server refused the request. Not after a person declined or did not answer: both have a phone that rings.
func (s State) OffersDeviceFlow() bool {
	// Not for technicians: a link can be sent to one of them far away, who would open the menu for somebody else.
	if !s.Rules.DeviceFlow || s.Flow != Backchannel || s.Stopping || s.Technician {
		return false
	}
	return s.Phase == Waiting || s.Phase == Ended && s.Ending.Reason == Refused
}

// switchToDeviceFlow asks the same person by the device flow. CIBA has no cancellation, so the request in progress is no
// longer polled, and tokens that a poll in flight still brings are revoked.
func (t *transition) switchToDeviceFlow() {
	if t.s.Phase == Waiting {
		t.emit(Commit{t.record(StageEnded, Cancelled)})
	}
	t.s.Flow, t.s.UserCode.Required = DeviceFlow, false
	t.prepare(t.s.Request.Number)
}

// Left returns the whole seconds, rounded up, that the present request still lives; 0 after its expiry and outside Waiting.
func (s State) Left(now time.Duration) int {
	deadline := s.Request.Schedule.Deadline
	if s.Phase != Waiting || now >= deadline {
		return 0
	}
	return int((deadline - now + time.Second - 1) / time.Second)
}
