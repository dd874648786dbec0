package kiosk

// This file has the transitions while the customer says who they are.

func (m *transition) ready(e Event) {
	if m.s.Stopping {
		return
	}
	switch e := e.(type) {
	case Press:
		if e.Key == EscapeKey {
			return // somebody leaves
		}
		m.begin()
		m.showKeypadOnTouch(e)
		switch {
		case e.Key == TabKey:
			m.nextLanguage()
		case e.Key == RuneKey && e.Rune != ' ':
			m.emit(EditInput{Rune: e.Rune}) // the first letter is not lost
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
		m.s.Idle.Prompted, m.s.LastInput = false, m.now
		m.emit(SetInput{Text: e.Identifier})
	case InputChanged:
		m.s.Masked = e.Masked
		m.inputChanged(e)
	default:
		m.editInput(e, Identifier)
	}
}

// enterUserCode is like identify, for the user code. The vault holds it as an input of its own; the identifier stays.
func (m *transition) enterUserCode(e Event) {
	switch e := e.(type) {
	case UserCodeEntered:
		if len(e.Code) == 0 {
			m.end(Refused) // the ending is on record already
			return
		}
		m.emit(SetInput{Text: e.Code, Item: UserCode})
	case IdentifierEntered: // a keypad that sends a whole line
		m.s.Idle.Prompted, m.s.LastInput = false, m.now
		m.emit(SetInput{Text: e.Identifier, Item: UserCode})
	case InputChanged:
		m.inputChanged(e)
	default:
		m.editInput(e, UserCode)
	}
}

// editInput handles the keys and the time that Identify and EnterUserCode have in common.
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

// submit prepares the request, or shows what is wrong with the input.
func (m *transition) submit() {
	switch {
	case m.s.Input.Problem != NoProblem:
		m.s.Input.ProblemShown = true
	case m.s.Phase == EnterUserCode:
		m.prepare(m.s.Request.Number)
	default:
		m.prepare(0)
	}
}

func (m *transition) resume(e Resumed) {
	if e.Request <= m.s.LastNumber {
		return
	}
	m.enter(Waiting)
	m.s.LastNumber, m.s.Masked = e.Request, e.Masked
	m.s.Request = RequestState{
		Number: e.Request, Visit: e.Visit, Code: e.Code,
		Schedule: NewPollSchedule(m.now, m.now, e.Left, e.Interval).DelayUntil(m.now + e.Pause),
	}
}
