package kiosk

import "time"

// Step is the visit's transition table: given where the visit stands and what
// happened now, it says where the visit stands then and what is to be done. It
// is a plain function. now is uptime and never goes back.
func Step(s State, now time.Duration, e Event) (State, []Effect) {
	m := transition{s: s, now: now}
	switch e := e.(type) {
	case ClosureChanged:
		m.changeClosure(e)
	case Stop:
		m.stop()
	case Polled:
		m.polled(e)
	case Pinged:
		m.pinged(e)
	case Unrecorded:
		m.unrecorded(e)
	case Wiped:
		if m.s.Phase == Clearing && e.Request == m.s.Request {
			m.s = m.s.Fresh()
		}
	case Press:
		if isMeantFor(e, m.s.Phase) && !m.technicianKey(e) && phaseHandlers[m.s.Phase] != nil && !m.help(e) {
			phaseHandlers[m.s.Phase](&m, e)
		}
	case IdentifierEntered:
		if isMeantFor(Press{Seen: e.Seen}, m.s.Phase) && phaseHandlers[m.s.Phase] != nil {
			phaseHandlers[m.s.Phase](&m, e)
		}
	default:
		if handle := phaseHandlers[m.s.Phase]; handle != nil {
			handle(&m, e)
		}
	}
	return m.s, m.out
}

// isMeantFor says whether a key was pressed for this phase. Who types on Ready is
// already identifying themselves; Escape ends a visit that is under way from
// whichever of its screens it was pressed on.
func isMeantFor(e Press, p Phase) bool {
	switch {
	case e.Seen == p:
		return true
	case p == Identify:
		return e.Seen == Ready
	case p == Asking, p == Waiting, p == Checking, p == Fetching:
		return e.Key == EscapeKey && e.Seen != Ready
	}
	return false
}

// phaseHandlers has what each phase does with keys, time and the answers it waits for.
// Clearing is not in it: no key of the last customer reaches the next.
var phaseHandlers = [...]func(*transition, Event){
	Ready:         (*transition).ready,
	Closed:        nil,
	Identify:      (*transition).identify,
	EnterUserCode: (*transition).enterUserCode,
	Asking:        (*transition).asking,
	Waiting:       (*transition).waiting,
	Checking:      (*transition).checking,
	Fetching:      (*transition).fetching,
	Shown:         (*transition).shown,
	Ended:         (*transition).ended,
	Menu:          (*transition).menu,
	Clearing:      nil,
}

// transition is one step in the making.
type transition struct {
	s   State
	now time.Duration
	out []Effect
}

func (m *transition) emit(e ...Effect) { m.out = append(m.out, e...) }

func (m *transition) enter(p Phase) {
	m.s.Phase, m.s.Since, m.s.LastInput = p, m.now, m.now
	m.s.IdlePrompt, m.s.Help = false, false
	m.s.Refusal = 0
	m.s.Question = 0
}

// ask numbers the next question; its answer must carry the number.
func (m *transition) nextQuestion() Number {
	m.s.Last++
	m.s.Question = m.s.Last
	return m.s.Last
}

// answered says whether n answers the question that is out, and if so takes it off.
func (m *transition) takeAnswer(n Number) bool {
	if n == 0 || n != m.s.Question {
		return false
	}
	m.s.Question = 0
	return true
}

func (m *transition) record(stage Stage, r Reason) Record {
	rec := Record{Visit: m.s.Visit, Stage: stage, Reason: r, Code: m.s.Code, Technician: m.s.Technician}
	if stage == StageAcknowledged {
		rec.Interval = max(m.s.Pace.Interval, m.s.Pace.LongestPause)
		rec.Expires = m.s.Pace.Deadline - m.s.Pace.RequestSent
		rec.Sent = m.s.Pace.RequestSent
		rec.Pause = max(m.s.Pace.NextPoll-m.now, 0)
	}
	return rec
}

// finish ends the visit for a reason, with the journal's word for it. The
// customer is told; what the server gave is given back.
func (m *transition) finish(stage Stage, r Reason) {
	m.revokeTokens()
	if m.s.Visit != "" {
		m.emit(Commit{m.record(stage, r)})
	}
	m.end(r)
}

func (m *transition) revokeTokens() {
	if m.s.TokensIssued {
		m.emit(Revoke{m.s.Request})
	}
}

// end tells the customer why the visit ended.
func (m *transition) end(r Reason) {
	m.enter(Ended)
	m.s.Reason = r
	if !m.s.CanAskAgain() && !m.s.OffersDeviceFlow() {
		m.emit(Wipe{m.s.Request})
	}
}

// clear leaves the visit: whatever the vault still holds is wiped.
func (m *transition) clear() {
	m.enter(Clearing)
	m.emit(Wipe{m.s.Request})
}

func (m *transition) changeClosure(e ClosureChanged) {
	if e.On {
		m.s.Closures |= e.Closure
	} else {
		m.s.Closures &^= e.Closure
	}
	if !m.s.Busy() {
		m.s = m.s.Fresh()
	}
}

func (m *transition) stop() {
	m.s.Stopping = true
	switch m.s.Phase {
	case Identify, EnterUserCode, Shown, Menu:
		m.clear()
	case Asking:
		m.finish(StageAbandoned, Cancelled)
	case Waiting, Checking, Fetching:
		m.finish(StageEnded, Cancelled)
	case Ended:
		m.clear()
	}
}

// unrecorded: the card is full or gone. Nothing that others could see has
// happened behind the record; what had been given is given back.
func (m *transition) unrecorded(e Unrecorded) {
	switch {
	case e.Stage == StageShown || e.Stage.Final():
		// The result is on this screen only, and an ending needs no permission.
	case e.Stage == StageAcknowledged && m.s.Pace.Polls > 0:
		// Only the new pace is not on record: after a crash we would be less patient.
	case m.s.Phase == Asking || m.s.Phase == Waiting || m.s.Phase == Checking:
		m.revokeTokens()
		m.end(Internal) // no ending can be written either
	}
}
