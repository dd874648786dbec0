package kiosk

// This file has the transitions from the approval to the end of the result.

func (m *transition) checking(e Event) {
	switch e := e.(type) {
	case Verified:
		switch {
		case !m.takeAnswer(e.Number):
		case m.s.Technician:
			m.openMenu()
		default:
			m.enter(Fetching)
			m.emit(Fetch{Number: m.nextQuestion(), Request: m.s.Request.Number})
		}
	default:
		m.whileCalling(e, Unreachable)
	}
}

func (m *transition) fetching(e Event) {
	switch e := e.(type) {
	case Fetched:
		if m.takeAnswer(e.Number) {
			m.enter(Shown)
			m.emit(Commit{m.record(StageShown, NoReason)})
			// No record contains the tokens any more: a power cut while somebody reads must not leave them valid.
			m.revokeTokens()
			m.s.Request.TokensIssued = false
		}
	default:
		m.whileCalling(e, ServiceDown)
	}
}

// whileCalling handles what Checking and Fetching have in common. noAnswer is the reason if no answer comes.
func (m *transition) whileCalling(e Event, noAnswer Reason) {
	switch e := e.(type) {
	case Failed:
		if m.takeAnswer(e.Number) {
			m.finish(StageEnded, e.Reason)
		}
	case Press:
		if e.Key == EscapeKey {
			m.finish(StageEnded, Cancelled)
		}
	case Tick:
		if m.now-m.s.Since >= m.s.Rules.CallLimit {
			m.finish(StageEnded, noAnswer)
		}
	}
}

func (m *transition) shown(e Event) {
	switch e := e.(type) {
	case Press:
		if m.answerIdlePrompt(e) {
			return
		}
		m.s.LastInput = m.now
		switch {
		case e.Key == EscapeKey:
			m.clear()
		case !m.s.Reading.Revealed:
			m.s.Reading.Revealed = true
		case e.Key == EnterKey:
			m.clear()
		default:
			m.turnPage(e)
		}
	case Tick:
		m.checkIdle(m.s.Rules.ResultLimit)
	}
}

func (m *transition) turnPage(e Press) {
	switch {
	case e.Key == DownKey, e.Key == RightKey, e.Key == PageDownKey, e.Key == RuneKey && e.Rune == ' ':
		m.s.Reading.Page++
	case e.Key == UpKey, e.Key == LeftKey, e.Key == PageUpKey:
		m.s.Reading.Page--
	}
}
