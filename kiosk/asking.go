package kiosk

import "time"

// This file has the transitions from the submitted identifier to the acknowledged request.

// prepare begins a new request. from is the request that held the identifier before, or 0 if it has just been typed.
func (t *transition) prepare(from Number) {
	t.enter(Asking)
	n := t.nextQuestion()
	t.emit(Prepare{Number: n, From: from, Flow: t.s.Flow})
	t.s.Request, t.s.Ending = RequestState{Number: n}, Ending{}
}

func (t *transition) asking(e Event) {
	switch e := e.(type) {
	case Prepared:
		t.prepared(e)
	case Throttled:
		if t.s.Request.Visit == "" && t.takeAnswer(e.Number) {
			t.s.Repeats = max(t.s.Repeats-1, 0) // nobody was asked
			t.s.Ending.Throttle = e.Throttle
			t.finish(StageEnded, HeldBack)
		}
	case Failed:
		switch {
		case !t.takeAnswer(e.Number):
		case e.Reason == Refused:
			t.s.Request.RefusalAt = t.s.quantizeRefusal(t.now)
		default:
			t.s.Request.Unsent = e.Unsent
			t.finish(StageEnded, e.Reason)
		}
	case InputRequired:
		if t.s.Request.Visit != "" && t.takeAnswer(e.Number) {
			t.requireInput(e.Input)
		}
	case Acknowledged:
		t.acknowledged(e)
	case Press:
		if e.Key == EscapeKey {
			t.finish(StageAbandoned, Cancelled)
		}
	case Tick:
		switch {
		case t.s.Request.RefusalAt > 0:
			if t.now >= t.s.Request.RefusalAt {
				t.finish(StageEnded, Refused)
			}
		case t.now-t.s.Since >= t.s.Rules.AskLimit:
			t.finish(StageAbandoned, Unreachable)
		}
	}
}

func (t *transition) prepared(e Prepared) {
	request := &t.s.Request
	if request.Visit != "" || !t.takeAnswer(e.Number) {
		return
	}
	request.Visit = e.Visit
	if t.s.Flow == Backchannel {
		request.Code = e.Code // in the device flow the customer compares the server's own code
	}
	t.s.Question = request.Number
	request.Schedule.RequestSent = t.now
	t.emit(Commit{t.record(StageAsking, NoReason)}, Ask{Number: request.Number, Code: request.Code, Flow: t.s.Flow})
}

func (t *transition) acknowledged(e Acknowledged) {
	request := &t.s.Request
	if request.Visit == "" || !t.takeAnswer(e.Number) {
		return
	}
	sent := request.Schedule.RequestSent
	if e.Age > 0 {
		// The expiry counts from when the server received the request. That can be later than when it was prepared, because
		// metadata may have been fetched first.
		sent = max(sent, t.now-e.Age)
	}
	interval := e.Interval
	if interval <= 0 {
		interval = t.s.Rules.MinInterval
	}
	t.enter(Waiting)
	request.BindingMessage, request.AmbiguousDenial, request.PhoneHint = e.BindingMessage, e.AmbiguousDenial, e.PhoneHint
	if e.ServerChose {
		request.Code = e.BindingMessage
	}
	request.Schedule = NewPollSchedule(sent, t.now, e.Expires, interval)
	pinged := request.Pinged
	request.Pinged = false
	t.emit(Commit{t.record(StageAcknowledged, NoReason)})
	if pinged {
		request.Schedule = request.Schedule.PingReceived(t.now)
		t.advancePolling()
	}
}

// quantizeRefusal returns when a refusal that came now is shown. Servers refuse unknown people and people without a phone
// after different times; nobody at the kiosk must be able to tell them apart by that. An acknowledgement cannot be
// delayed in the same way: the phone is ringing by then.
func (s State) quantizeRefusal(now time.Duration) time.Duration {
	step, sent := max(s.Rules.RefusalQuantum, 1), s.Request.Schedule.RequestSent
	return sent + ((now-sent)/step+1)*step
}

// requireInput ends a request that rang nobody because the server first requires something of the customer. Their input
// makes another request, with a record of its own.
func (t *transition) requireInput(what RequiredInput) {
	if what == FreshHintRequired {
		t.s.Request.HintExpired, t.s.Request.RefusalAt = true, t.s.quantizeRefusal(t.now)
		return
	}
	if t.s.UserCode.Required {
		t.s.UserCode.Tries++ // a code was sent, and it was wrong
	}
	t.s.UserCode.Required = true
	if t.s.UserCode.Tries >= t.s.Rules.MaxCodeTries {
		t.s.Request.RefusalAt = t.s.quantizeRefusal(t.now)
		return
	}
	t.emit(Commit{t.record(StageEnded, NoReason)})
	t.askForUserCode()
}

func (t *transition) askForUserCode() {
	t.enter(EnterUserCode)
	t.s.Input = Input{Problem: Empty}
	t.s.Keypad = KeypadState{On: t.s.Keypad.On} // the layout may differ
}
