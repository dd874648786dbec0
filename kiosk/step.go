package kiosk

import "time"

// Step is the transition table of a visit: it returns the next state and the effects to carry out. It is a plain function.
// now is the uptime and never decreases.
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
		if m.s.Phase == Clearing && e.Request == m.s.Request.Number {
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
	return m.s, m.effects
}

// isMeantFor reports whether a key was pressed for this phase. Typing in Ready already belongs to Identify. Escape ends a
// visit from whichever of its screens it was pressed on.
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

// phaseHandlers handle keys, time and answers in each phase. Clearing has none: no key of the last customer reaches the
// next.
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

// transition is one step while it is computed.
type transition struct {
	s       State
	now     time.Duration
	effects []Effect
}

func (m *transition) emit(e ...Effect) { m.effects = append(m.effects, e...) }

func (m *transition) enter(p Phase) {
	m.s.Phase, m.s.Since, m.s.LastInput = p, m.now, m.now
	m.s.Idle.Prompted, m.s.Help = false, false
	m.s.Request.RefusalAt = 0
	m.s.Question = 0
}

// nextQuestion opens the next question and returns its number.
func (m *transition) nextQuestion() Number {
	m.s.LastNumber++
	m.s.Question = m.s.LastNumber
	return m.s.LastNumber
}

// takeAnswer closes the open question if n is its number, and reports whether it is.
func (m *transition) takeAnswer(n Number) bool {
	if n == 0 || n != m.s.Question {
		return false
	}
	m.s.Question = 0
	return true
}

func (m *transition) record(stage Stage, r Reason) Record {
	request := m.s.Request
	rec := Record{Visit: request.Visit, Stage: stage, Reason: r, Code: request.Code, Technician: m.s.Technician}
	if stage == StageAcknowledged {
		schedule := request.Schedule
		rec.Interval = max(schedule.Interval, schedule.LongestPause)
		rec.Expires = schedule.Deadline - schedule.RequestSent
		rec.Sent = schedule.RequestSent
		rec.Pause = max(schedule.NextPoll-m.now, 0)
	}
	return rec
}

// finish records the end of the visit, revokes tokens that came, and shows the reason.
func (m *transition) finish(stage Stage, r Reason) {
	m.revokeTokens()
	if m.s.Request.Visit != "" {
		m.emit(Commit{m.record(stage, r)})
	}
	m.end(r)
}

func (m *transition) revokeTokens() {
	if m.s.Request.TokensIssued {
		m.emit(Revoke{m.s.Request.Number})
	}
}

// end shows why the visit ended. The identifier is kept only if the same person can be asked again.
func (m *transition) end(r Reason) {
	m.enter(Ended)
	m.s.Ending.Reason = r
	if !m.s.CanAskAgain() && !m.s.OffersDeviceFlow() {
		m.emit(Wipe{m.s.Request.Number})
	}
}

// clear leaves the visit and wipes the vault.
func (m *transition) clear() {
	m.enter(Clearing)
	m.emit(Wipe{m.s.Request.Number})
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
	case Identify, EnterUserCode, Shown, Menu, Ended:
		m.clear()
	case Asking:
		m.finish(StageAbandoned, Cancelled)
	case Waiting, Checking, Fetching:
		m.finish(StageEnded, Cancelled)
	}
}

// unrecorded handles a record that could not be written. Nothing that others can see has happened after it; tokens that
// came are revoked.
func (m *transition) unrecorded(e Unrecorded) {
	switch {
	case e.Stage == StageShown || e.Stage.Final():
		// The result is on this screen only, and an ending needs no permission.
	case e.Stage == StageAcknowledged && m.s.Request.Schedule.Polls > 0:
		// Only a slower schedule is not on record: after a crash the polls would come a little earlier.
	case m.s.Phase == Asking || m.s.Phase == Waiting || m.s.Phase == Checking:
		m.revokeTokens()
		m.end(Internal) // the ending cannot be written either
	}
}
