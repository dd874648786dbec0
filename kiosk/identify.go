package kiosk

// This file has the transitions while the customer says who they are.

func (t *transition) ready(e Event) {
	if t.s.Stopping {
		return
	}
	switch e := e.(type) {
	case Press:
		if e.Key == EscapeKey {
			return // somebody leaves
		}
		t.begin()
		t.showKeypadOnTouch(e)
		switch {
		case e.Key == TabKey:
			t.nextLanguage()
		case e.Key == RuneKey && e.Rune != ' ' && !t.s.OnlyScans():
			t.emit(EditInput{Rune: e.Rune}) // the first letter is not lost
		}
	case IdentifierEntered:
		t.begin()
		t.emit(SetInput{Text: e.Identifier})
	case Resumed:
		t.resume(e)
	}
}

func (t *transition) begin() {
	t.enter(Identify)
	t.s.Input = Input{Problem: Empty}
	t.s.Keypad.On = t.s.Rules.Keypad == KeypadAlways && !t.s.OnlyScans()
}

// OnlyScans reports whether nothing that is typed identifies the person who stands here. Technicians may type: they have no
// customer's card.
func (s State) OnlyScans() bool { return s.Rules.ScanOnly && !s.Technician }

func (t *transition) nextLanguage() { t.s.Language = (t.s.Language + 1) % max(t.s.Rules.Languages, 1) }

func (t *transition) identify(e Event) {
	switch e := e.(type) {
	case IdentifierEntered:
		t.s.Idle.Prompted, t.s.LastInput = false, t.now
		t.emit(SetInput{Text: e.Identifier})
	case InputChanged:
		t.s.Masked = e.Masked
		t.inputChanged(e)
	default:
		t.editInput(e, Identifier)
	}
}

// enterUserCode is like identify, for the user code. The vault holds it as an input of its own; the identifier stays.
func (t *transition) enterUserCode(e Event) {
	switch e := e.(type) {
	case UserCodeEntered:
		if len(e.Code) == 0 {
			t.end(Refused) // the ending is on record already
			return
		}
		t.emit(SetInput{Text: e.Code, Item: UserCode})
	case IdentifierEntered: // a keypad that sends a whole line
		t.s.Idle.Prompted, t.s.LastInput = false, t.now
		t.emit(SetInput{Text: e.Identifier, Item: UserCode})
	case InputChanged:
		t.inputChanged(e)
	default:
		t.editInput(e, UserCode)
	}
}

// editInput handles the keys and the time that Identify and EnterUserCode have in common.
func (t *transition) editInput(e Event, i Item) {
	switch e := e.(type) {
	case Press:
		if t.answerIdlePrompt(e) {
			return
		}
		t.s.LastInput = t.now
		if i == Identifier && t.s.OnlyScans() && e.Key != EscapeKey && e.Key != TabKey {
			return
		}
		t.showKeypadOnTouch(e)
		switch e = t.selectedKey(e); e.Key {
		case EscapeKey:
			t.clear()
		case EnterKey:
			t.submit()
		case BackspaceKey:
			t.emit(EditInput{Item: i, Erase: true})
		case TabKey:
			t.nextLanguage()
		case RuneKey:
			t.emit(EditInput{Item: i, Rune: e.Rune})
		case ShiftKey:
			t.s.Keypad.Upper = !t.s.Keypad.Upper
		case UpKey, DownKey, LeftKey, RightKey:
			t.moveSelection(e.Key)
		}
	case Tick:
		t.checkIdle(t.s.Rules.IdleLimit)
	}
}

func (t *transition) inputChanged(e InputChanged) {
	t.s.Input = Input{Length: e.Length, Problem: e.Problem}
	if e.Complete {
		t.submit()
	}
}

// submit prepares the request, or shows what is wrong with the input.
func (t *transition) submit() {
	switch {
	case t.s.Input.Problem != NoProblem:
		t.s.Input.ProblemShown = true
	case t.s.Phase == EnterUserCode:
		t.prepare(t.s.Request.Number)
	default:
		t.prepare(0)
	}
}

func (t *transition) resume(e Resumed) {
	if e.Request <= t.s.LastNumber {
		return
	}
	t.enter(Waiting)
	t.s.LastNumber, t.s.Masked = e.Request, e.Masked
	t.s.Request = RequestState{
		Number: e.Request, Visit: e.Visit, Code: e.Code,
		Schedule: NewPollSchedule(t.now, t.now, e.Left, e.Interval).DelayUntil(t.now + e.Pause),
	}
}
