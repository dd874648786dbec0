package kiosk

import "time"

// This file has the transitions from the submitted identifier to the acknowledged request.

// prepare begins a new request. from is the request that held the identifier before, or 0 if it has just been typed.
func (m *transition) prepare(from Number) {
	m.enter(Asking)
	n := m.nextQuestion()
	m.emit(Prepare{Number: n, From: from, Flow: m.s.Flow})
	m.s.Request, m.s.Ending = RequestState{Number: n}, Ending{}
}

func (m *transition) asking(e Event) {
	switch e := e.(type) {
	case Prepared:
		m.prepared(e)
	case Throttled:
		if m.s.Request.Visit == "" && m.takeAnswer(e.Number) {
			m.s.Repeats = max(m.s.Repeats-1, 0) // nobody was asked
			m.s.Ending.Throttle = e.Throttle
			m.finish(StageEnded, HeldBack)
		}
	case Failed:
		switch {
		case !m.takeAnswer(e.Number):
		case e.Reason == Refused:
			m.s.Request.RefusalAt = m.s.quantizeRefusal(m.now)
		default:
			m.finish(StageEnded, e.Reason)
		}
	case InputRequired:
		if m.s.Request.Visit != "" && m.takeAnswer(e.Number) {
			m.requireInput(e.Input)
		}
	case Acknowledged:
		m.acknowledged(e)
	case Press:
		if e.Key == EscapeKey {
			m.finish(StageAbandoned, Cancelled)
		}
	case Tick:
		switch {
		case m.s.Request.RefusalAt > 0:
			if m.now >= m.s.Request.RefusalAt {
				m.finish(StageEnded, Refused)
			}
		case m.now-m.s.Since >= m.s.Rules.AskLimit:
			m.finish(StageAbandoned, Unreachable)
		}
	}
}

func (m *transition) prepared(e Prepared) {
	request := &m.s.Request
	if request.Visit != "" || !m.takeAnswer(e.Number) {
		return
	}
	request.Visit = e.Visit
	if m.s.Flow == Backchannel {
		request.Code = e.Code // in the device flow the customer compares the server's own code
	}
	m.s.Question = request.Number
	request.Schedule.RequestSent = m.now
	m.emit(Commit{m.record(StageAsking, NoReason)}, Ask{Number: request.Number, Code: request.Code, Flow: m.s.Flow})
}

func (m *transition) acknowledged(e Acknowledged) {
	request := &m.s.Request
	if request.Visit == "" || !m.takeAnswer(e.Number) {
		return
	}
	sent := request.Schedule.RequestSent
	if e.Age > 0 {
		// The expiry counts from when the server received the request. That can be later than when it was prepared, because
		// metadata may have been fetched first.
		sent = max(sent, m.now-e.Age)
	}
	interval := e.Interval
	if interval <= 0 {
		interval = m.s.Rules.MinInterval
	}
	m.enter(Waiting)
	request.BindingMessage, request.AmbiguousDenial, request.PhoneHint = e.BindingMessage, e.AmbiguousDenial, e.PhoneHint
	request.Schedule = NewPollSchedule(sent, m.now, e.Expires, interval)
	pinged := request.Pinged
	request.Pinged = false
	m.emit(Commit{m.record(StageAcknowledged, NoReason)})
	if pinged {
		request.Schedule = request.Schedule.PingReceived(m.now)
		m.advancePolling()
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
func (m *transition) requireInput(what RequiredInput) {
	if what == FreshHintRequired {
		m.s.Request.HintExpired, m.s.Request.RefusalAt = true, m.s.quantizeRefusal(m.now)
		return
	}
	if m.s.UserCode.Required {
		m.s.UserCode.Tries++ // a code was sent, and it was wrong
	}
	m.s.UserCode.Required = true
	if m.s.UserCode.Tries >= m.s.Rules.MaxCodeTries {
		m.s.Request.RefusalAt = m.s.quantizeRefusal(m.now)
		return
	}
	m.emit(Commit{m.record(StageEnded, NoReason)})
	m.askForUserCode()
}

func (m *transition) askForUserCode() {
	m.enter(EnterUserCode)
	m.s.Input = Input{Problem: Empty}
	m.s.Keypad = KeypadState{On: m.s.Keypad.On} // the layout may differ
}
