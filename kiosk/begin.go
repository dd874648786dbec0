package kiosk

import "time"

// This file has the transitions from Ready to the moment the phone rings.

func (m *move) ready(e Event) {
	if m.s.Stopping {
		return
	}
	switch e := e.(type) {
	case Press:
		if e.Key == EscapeKey {
			return // somebody leaving, not beginning
		}
		m.begin()
		m.touched(e)
		switch {
		case e.Key == TabKey:
			m.nextLanguage()
		case e.Key == RuneKey && e.Rune != ' ':
			// Who begins to type instead of pressing any key loses no letter.
			m.do(Edit{Rune: e.Rune})
		}
	case Given:
		m.begin()
		m.do(Fill{Text: e.Identifier})
	case Resumed:
		m.resume(e)
	}
}

func (m *move) begin() {
	m.enter(Identify)
	m.s.Draft = Draft{Problem: Empty}
	m.s.Pad.On = m.s.Rules.Pad == PadAlways
}

func (m *move) nextLanguage() { m.s.Language = (m.s.Language + 1) % max(m.s.Rules.Languages, 1) }

func (m *move) identify(e Event) {
	switch e := e.(type) {
	case Given:
		m.s.Still, m.s.Touched = false, m.now
		m.do(Fill{Text: e.Identifier})
	case Drafted:
		m.s.Masked = e.Masked
		m.drafted(e)
	default:
		m.typing(e, Identifier)
	}
}

// proving is Identify once more, for the user code: it lies in the vault as a
// draft of its own, and what was said of the identifier stays.
func (m *move) proving(e Event) {
	switch e := e.(type) {
	case Coded:
		if len(e.Code) == 0 {
			m.end(Refused) // the ending is on record already
			return
		}
		m.do(Fill{Text: e.Code, Item: UserCode})
	case Given: // by a keypad of its own that sends all at once
		m.s.Still, m.s.Touched = false, m.now
		m.do(Fill{Text: e.Identifier, Item: UserCode})
	case Drafted:
		m.drafted(e)
	default:
		m.typing(e, UserCode)
	}
}

// typing is what Identify and Prove have in common.
func (m *move) typing(e Event, i Item) {
	switch e := e.(type) {
	case Press:
		if m.extend(e) {
			return
		}
		m.s.Touched = m.now
		m.touched(e)
		switch e = m.aimedAt(e); e.Key {
		case EscapeKey:
			m.clear()
		case EnterKey:
			m.submit()
		case BackspaceKey:
			m.do(Edit{Item: i, Erase: true})
		case TabKey:
			m.nextLanguage()
		case RuneKey:
			m.do(Edit{Item: i, Rune: e.Rune})
		case ShiftKey:
			m.s.Pad.Upper = !m.s.Pad.Upper
		case UpKey, DownKey, LeftKey, RightKey:
			m.aim(e.Key)
		}
	case Tick:
		m.idle(m.s.Rules.Idle)
	}
}

func (m *move) drafted(e Drafted) {
	m.s.Draft = Draft{Length: e.Length, Problem: e.Problem}
	if e.Whole {
		m.submit()
	}
}

// submit sends the draft on its way, or says what is wrong with it.
func (m *move) submit() {
	switch {
	case m.s.Draft.Problem != NoProblem:
		m.s.Draft.Shown = true
	case m.s.Phase == Prove:
		m.prepare(m.s.Request)
	default:
		m.prepare(0)
	}
}

func (m *move) prepare(from Number) {
	m.enter(Asking)
	n := m.ask()
	m.s.Visit, m.s.Code, m.s.Binding = "", "", ""
	m.s.Pace, m.s.Merges, m.s.Look, m.s.Redeemed, m.s.Unsure, m.s.Reason = Pace{}, false, "", false, false, NoReason
	m.s.Hold = Hold{}
	m.s.Stale, m.s.Pinged = false, false
	m.do(Prepare{Number: n, From: from, Road: m.s.Road})
	m.s.Request = n
}

func (m *move) asking(e Event) {
	switch e := e.(type) {
	case Prepared:
		if m.s.Visit != "" || !m.answered(e.Number) {
			return
		}
		m.s.Visit, m.s.Code = e.Visit, e.Code
		if m.s.Road == DeviceGrant {
			m.s.Code = "" // what is compared there is the server's own code
		}
		m.s.Question = m.s.Request
		m.s.Pace.Sent = m.now
		m.do(Commit{m.record(StageAsking, NoReason)}, Ask{Number: m.s.Request, Code: m.s.Code, Road: m.s.Road})
	case Held:
		if m.s.Visit == "" && m.answered(e.Number) {
			if m.s.Again > 0 {
				m.s.Again-- // nobody was asked
			}
			m.s.Hold = e.Hold
			m.finish(StageEnded, HeldBack)
		}
	case Failed:
		switch {
		case !m.answered(e.Number):
		case e.Reason == Refused:
			m.s.Refusal = m.s.even(m.now)
		default:
			m.finish(StageEnded, e.Reason)
		}
	case Wanted:
		if m.s.Visit != "" && m.answered(e.Number) {
			m.wanted(e.What)
		}
	case Asked:
		if m.s.Visit == "" || !m.answered(e.Number) {
			return
		}
		sent := m.s.Pace.Sent
		if e.Age > 0 {
			// Expiry counts from when the server got the request, which can be later
			// than when it was decided: metadata may have had to be fetched first.
			sent = max(sent, m.now-e.Age)
		}
		interval := e.Interval
		if interval <= 0 {
			interval = m.s.Rules.Floor
		}
		m.enter(Waiting)
		m.s.Binding, m.s.Merges, m.s.Look = e.Binding, e.Merges, e.Look
		m.s.Pace = StartPace(sent, m.now, e.Expires, interval)
		pinged := m.s.Pinged
		m.s.Pinged = false
		m.do(Commit{m.record(StageAsked, NoReason)})
		if pinged {
			m.s.Pace = m.s.Pace.Ping(m.now)
			m.turn()
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
func (s State) even(now time.Duration) time.Duration {
	step := max(s.Rules.Even, 1)
	return s.Pace.Sent + ((now-s.Pace.Sent)/step+1)*step
}

// wanted: the server rang nobody. The request is over; what it wants is asked of
// the customer, whose next key makes another request, with a record of its own.
func (m *move) wanted(w Want) {
	if w == WantScan {
		m.s.Stale, m.s.Refusal = true, m.s.even(m.now)
		return
	}
	if m.s.Coded {
		m.s.Tries++ // one was sent
	}
	m.s.Coded = true
	if m.s.Tries >= m.s.Rules.CodeTries {
		m.s.Refusal = m.s.even(m.now)
		return
	}
	m.do(Commit{m.record(StageEnded, NoReason)})
	m.prove()
}

func (m *move) prove() {
	m.enter(Prove)
	m.s.Draft = Draft{Problem: Empty}
	m.s.Pad = Pad{On: m.s.Pad.On} // another layout, perhaps
}

func (m *move) resume(e Resumed) {
	if e.Request <= m.s.Last {
		return
	}
	m.enter(Waiting)
	m.s.Last, m.s.Request = e.Request, e.Request
	m.s.Visit, m.s.Code, m.s.Masked = e.Visit, e.Code, e.Masked
	m.s.Pace = StartPace(m.now, m.now, e.Left, e.Interval).NotBefore(m.now + e.Pause)
}
