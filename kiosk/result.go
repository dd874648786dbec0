package kiosk

// This file has the transitions from the approval to the end of the result.

func (t *transition) checking(e Event) {
	switch e := e.(type) {
	case Verified:
		switch {
		case !t.takeAnswer(e.Number):
		case t.s.Technician:
			t.openMenu()
		default:
			t.enter(Fetching)
			t.emit(Fetch{Number: t.nextQuestion(), Request: t.s.Request.Number})
		}
	default:
		t.whileCalling(e, Unreachable)
	}
}

func (t *transition) fetching(e Event) {
	switch e := e.(type) {
	case Fetched:
		if t.takeAnswer(e.Number) {
			t.enter(Shown)
			t.emit(Commit{t.record(StageShown, NoReason)})
			// No record contains the tokens any more: a power cut while somebody reads must not leave them valid.
			t.revokeTokens()
			t.s.Request.TokensIssued = false
		}
	default:
		t.whileCalling(e, ServiceDown)
	}
}

// whileCalling handles what Checking and Fetching have in common. noAnswer is the reason if no answer comes.
func (t *transition) whileCalling(e Event, noAnswer Reason) {
	switch e := e.(type) {
	case Failed:
		if t.takeAnswer(e.Number) {
			t.finish(StageEnded, e.Reason)
		}
	case Press:
		if e.Key == EscapeKey {
			t.finish(StageEnded, Cancelled)
		}
	case Tick:
		if t.now-t.s.Since >= t.s.Rules.CallLimit {
			t.finish(StageEnded, noAnswer)
		}
	}
}

func (t *transition) shown(e Event) {
	switch e := e.(type) {
	case Press:
		if t.answerIdlePrompt(e) {
			return
		}
		t.s.LastInput = t.now
		switch {
		case e.Key == EscapeKey:
			t.clear()
		case !t.s.Reading.Revealed:
			t.s.Reading.Revealed = true
		case e.Key == EnterKey:
			t.clear()
		default:
			t.turnPage(e)
		}
	case Tick:
		t.checkIdle(t.s.Rules.ResultLimit)
	}
}

func (t *transition) turnPage(e Press) {
	switch {
	case e.Key == DownKey, e.Key == RightKey, e.Key == PageDownKey, e.Key == RuneKey && e.Rune == ' ':
		t.s.Reading.Page++
	case e.Key == UpKey, e.Key == LeftKey, e.Key == PageUpKey:
		t.s.Reading.Page--
	}
}
