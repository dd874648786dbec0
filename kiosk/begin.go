package kiosk

import "time"

// This file has the transitions from Ready to the moment the phone rings.

func (m *transition) ready(e Event) {
	if m.s.Stopping {
		return
	}
	switch e := e.(type) {
	case Press:
		if e.Key == EscapeKey {
			return // somebody leaving, not beginning
		}
		m.begin()
		m.showKeypadOnTouch(e)
		switch {
		case e.Key == TabKey:
			m.nextLanguage()
		case e.Key == RuneKey && e.Rune != ' ':
			// Who begins to type instead of pressing any key loses no letter.
			m.emit(EditInput{Rune: e.Rune})
		}
	case IdentifierEntered:
		m.begin()
		m.emit(SetInput{Text: e.Identifier})
	case Resumed:
		m.resume(e)
	}
}

func (m *transition) begin() {
	m.enter(Identify)
	m.s.Input = Input{Problem: Empty}
	m.s.Keypad.On = m.s.Rules.Keypad == KeypadAlways
}

func (m *transition) nextLanguage() { m.s.Language = (m.s.Language + 1) % max(m.s.Rules.Languages, 1) }

func (m *transition) identify(e Event) {
	switch e := e.(type) {
	case IdentifierEntered:
		m.s.IdlePrompt, m.s.LastInput = false, m.now
		m.emit(SetInput{Text: e.Identifier})
	case InputChanged:
		m.s.Masked = e.Masked
		m.inputChanged(e)
	default:
		m.editInput(e, Identifier)
	}
}

// proving is Identify once more, for the user code: it lies in the vault as a
// draft of its own, and what was said of the identifier stays.
func (m *transition) enterUserCode(e Event) {
	switch e := e.(type) {
	case UserCodeEntered:
		if len(e.Code) == 0 {
			m.end(Refused) // the ending is on record already
			return
		}
		m.emit(SetInput{Text: e.Code, Item: UserCode})
	case IdentifierEntered: // by a keypad of its own that sends all at once
		m.s.IdlePrompt, m.s.LastInput = false, m.now
		m.emit(SetInput{Text: e.Identifier, Item: UserCode})
	case InputChanged:
		m.inputChanged(e)
	default:
		m.editInput(e, UserCode)
	}
}

// typing is what Identify and EnterUserCode have in common.
func (m *transition) editInput(e Event, i Item) {
	switch e := e.(type) {
	case Press:
		if m.answerIdlePrompt(e) {
			return
		}
		m.s.LastInput = m.now
		m.showKeypadOnTouch(e)
		switch e = m.selectedKey(e); e.Key {
		case EscapeKey:
			m.clear()
		case EnterKey:
			m.submit()
		case BackspaceKey:
			m.emit(EditInput{Item: i, Erase: true})
		case TabKey:
			m.nextLanguage()
		case RuneKey:
			m.emit(EditInput{Item: i, Rune: e.Rune})
		case ShiftKey:
			m.s.Keypad.Upper = !m.s.Keypad.Upper
		case UpKey, DownKey, LeftKey, RightKey:
			m.moveSelection(e.Key)
		}
	case Tick:
		m.checkIdle(m.s.Rules.IdleLimit)
	}
}

func (m *transition) inputChanged(e InputChanged) {
	m.s.Input = Input{Length: e.Length, Problem: e.Problem}
	if e.Complete {
		m.submit()
	}
}

// submit sends the draft on its way, or says what is wrong with it.
func (m *transition) submit() {
	switch {
	case m.s.Input.Problem != NoProblem:
		m.s.Input.ProblemShown = true
	case m.s.Phase == EnterUserCode:
		m.prepare(m.s.Request)
	default:
		m.prepare(0)
	}
}

func (m *transition) prepare(from Number) {
	m.enter(Asking)
	n := m.nextQuestion()
	m.s.Visit, m.s.Code, m.s.BindingMessage = "", "", ""
	m.s.Pace, m.s.AmbiguousDenial, m.s.PhoneHint, m.s.TokensIssued, m.s.Ambiguous, m.s.Reason = PollSchedule{}, false, AnyApp, false, false, NoReason
	m.s.Throttle = Throttle{}
	m.s.HintExpired, m.s.Pinged = false, false
	m.emit(Prepare{Number: n, From: from, Road: m.s.Road})
	m.s.Request = n
}

func (m *transition) asking(e Event) {
	switch e := e.(type) {
	case Prepared:
		if m.s.Visit != "" || !m.takeAnswer(e.Number) {
			return
		}
		m.s.Visit, m.s.Code = e.Visit, e.Code
		if m.s.Road == DeviceFlow {
			m.s.Code = "" // what is compared there is the server's own code
		}
		m.s.Question = m.s.Request
		m.s.Pace.RequestSent = m.now
		m.emit(Commit{m.record(StageAsking, NoReason)}, Ask{Number: m.s.Request, Code: m.s.Code, Road: m.s.Road})
	case Throttled:
		if m.s.Visit == "" && m.takeAnswer(e.Number) {
			if m.s.Repeats > 0 {
				m.s.Repeats-- // nobody was asked
			}
			m.s.Throttle = e.Throttle
			m.finish(StageEnded, HeldBack)
		}
	case Failed:
		switch {
		case !m.takeAnswer(e.Number):
		case e.Reason == Refused:
			m.s.Refusal = m.s.quantizeRefusal(m.now)
		default:
			m.finish(StageEnded, e.Reason)
		}
	case InputRequired:
		if m.s.Visit != "" && m.takeAnswer(e.Number) {
			m.requireInput(e.Input)
		}
	case Acknowledged:
		if m.s.Visit == "" || !m.takeAnswer(e.Number) {
			return
		}
		sent := m.s.Pace.RequestSent
		if e.Age > 0 {
			// Expiry counts from when the server got the request, which can be later
			// than when it was decided: metadata may have had to be fetched first.
			sent = max(sent, m.now-e.Age)
		}
		interval := e.Interval
		if interval <= 0 {
			interval = m.s.Rules.MinInterval
		}
		m.enter(Waiting)
		m.s.BindingMessage, m.s.AmbiguousDenial, m.s.PhoneHint = e.BindingMessage, e.AmbiguousDenial, e.PhoneHint
		m.s.Pace = NewPollSchedule(sent, m.now, e.Expires, interval)
		pinged := m.s.Pinged
		m.s.Pinged = false
		m.emit(Commit{m.record(StageAcknowledged, NoReason)})
		if pinged {
			m.s.Pace = m.s.Pace.PingReceived(m.now)
			m.advancePolling()
		}
	case Press:
		if e.Key == EscapeKey {
			m.finish(StageAbandoned, Cancelled)
		}
	case Tick:
		switch {
		case m.s.Refusal > 0:
			if m.now >= m.s.Refusal {
				m.finish(StageEnded, Refused)
			}
		case m.now-m.s.Since >= m.s.Rules.AskLimit:
			m.finish(StageAbandoned, Unreachable)
		}
	}
}

// even is when a refusal that came now is shown. A server refuses somebody it does
// not know sooner than somebody without a phone, or later; who stands at the
// kiosk, or watches, must not tell them apart by that. An acknowledgement cannot
// be put off likewise: the phone rings by then.
func (s State) quantizeRefusal(now time.Duration) time.Duration {
	step := max(s.Rules.RefusalQuantum, 1)
	return s.Pace.RequestSent + ((now-s.Pace.RequestSent)/step+1)*step
}

// wanted: the server rang nobody. The request is over; what it wants is asked of
// the customer, whose next key makes another request, with a record of its own.
func (m *transition) requireInput(w RequiredInput) {
	if w == FreshHintRequired {
		m.s.HintExpired, m.s.Refusal = true, m.s.quantizeRefusal(m.now)
		return
	}
	if m.s.NeedsUserCode {
		m.s.CodeTries++ // one was sent
	}
	m.s.NeedsUserCode = true
	if m.s.CodeTries >= m.s.Rules.MaxCodeTries {
		m.s.Refusal = m.s.quantizeRefusal(m.now)
		return
	}
	m.emit(Commit{m.record(StageEnded, NoReason)})
	m.askForUserCode()
}

func (m *transition) askForUserCode() {
	m.enter(EnterUserCode)
	m.s.Input = Input{Problem: Empty}
	m.s.Keypad = KeypadState{On: m.s.Keypad.On} // another layout, perhaps
}

func (m *transition) resume(e Resumed) {
	if e.Request <= m.s.Last {
		return
	}
	m.enter(Waiting)
	m.s.Last, m.s.Request = e.Request, e.Request
	m.s.Visit, m.s.Code, m.s.Masked = e.Visit, e.Code, e.Masked
	m.s.Pace = NewPollSchedule(m.now, m.now, e.Left, e.Interval).DelayUntil(m.now + e.Pause)
}
