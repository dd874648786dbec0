package kiosk

import "time"

// Step is the visit's transition table: given where the visit stands and what
// happened now, it says where the visit stands then and what is to be done. It
// is a plain function. now is uptime and never goes back.
func Step(s State, now time.Duration, e Event) (State, []Effect) {
	m := move{s: s, now: now}
	switch e := e.(type) {
	case Closing:
		m.closing(e)
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
		if meant(e, m.s.Phase) && !m.technician(e) && table[m.s.Phase] != nil && !m.help(e) {
			table[m.s.Phase](&m, e)
		}
	case Given:
		if meant(Press{Seen: e.Seen}, m.s.Phase) && table[m.s.Phase] != nil {
			table[m.s.Phase](&m, e)
		}
	default:
		if handle := table[m.s.Phase]; handle != nil {
			handle(&m, e)
		}
	}
	return m.s, m.out
}

// meant says whether a key was pressed for this phase. Who types on Ready is
// already identifying themselves; Escape ends a visit that is under way from
// whichever of its screens it was pressed on.
func meant(e Press, p Phase) bool {
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

// table has what each phase does with keys, time and the answers it waits for.
// Clearing is not in it: no key of the last customer reaches the next.
var table = [...]func(*move, Event){
	Ready:    (*move).ready,
	Closed:   nil,
	Identify: (*move).identify,
	Prove:    (*move).proving,
	Asking:   (*move).asking,
	Waiting:  (*move).waiting,
	Checking: (*move).checking,
	Fetching: (*move).fetching,
	Shown:    (*move).shown,
	Ended:    (*move).ended,
	Menu:     (*move).menu,
	Clearing: nil,
}

// move is one step in the making.
type move struct {
	s   State
	now time.Duration
	out []Effect
}

func (m *move) do(e ...Effect) { m.out = append(m.out, e...) }

func (m *move) enter(p Phase) {
	m.s.Phase, m.s.Since, m.s.Touched = p, m.now, m.now
	m.s.Still, m.s.Help = false, false
	m.s.Refusal = 0
	m.s.Question = 0
}

// ask numbers the next question; its answer must carry the number.
func (m *move) ask() Number {
	m.s.Last++
	m.s.Question = m.s.Last
	return m.s.Last
}

// answered says whether n answers the question that is out, and if so takes it off.
func (m *move) answered(n Number) bool {
	if n == 0 || n != m.s.Question {
		return false
	}
	m.s.Question = 0
	return true
}

func (m *move) record(stage Stage, r Reason) Record {
	rec := Record{Visit: m.s.Visit, Stage: stage, Reason: r, Code: m.s.Code, Technician: m.s.Technician}
	if stage == StageAsked {
		rec.Interval = max(m.s.Pace.Interval, m.s.Pace.Patience)
		rec.Expires = m.s.Pace.Deadline - m.s.Pace.Sent
		rec.Sent = m.s.Pace.Sent
		rec.Pause = max(m.s.Pace.Next-m.now, 0)
	}
	return rec
}

// finish ends the visit for a reason, with the journal's word for it. The
// customer is told; what the server gave is given back.
func (m *move) finish(stage Stage, r Reason) {
	m.giveBack()
	if m.s.Visit != "" {
		m.do(Commit{m.record(stage, r)})
	}
	m.end(r)
}

func (m *move) giveBack() {
	if m.s.Redeemed {
		m.do(Revoke{m.s.Request})
	}
}

// end tells the customer why the visit ended.
func (m *move) end(r Reason) {
	m.enter(Ended)
	m.s.Reason = r
	if !m.s.CanAskAgain() && !m.s.OffersSecond() {
		m.do(Wipe{m.s.Request})
	}
}

// clear leaves the visit: whatever the vault still holds is wiped.
func (m *move) clear() {
	m.enter(Clearing)
	m.do(Wipe{m.s.Request})
}

func (m *move) closing(e Closing) {
	if e.On {
		m.s.Closures |= e.Why
	} else {
		m.s.Closures &^= e.Why
	}
	if !m.s.Busy() {
		m.s = m.s.Fresh()
	}
}

func (m *move) stop() {
	m.s.Stopping = true
	switch m.s.Phase {
	case Identify, Prove, Shown, Menu:
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
func (m *move) unrecorded(e Unrecorded) {
	switch {
	case e.Stage == StageShown || e.Stage.Final():
		// The result is on this screen only, and an ending needs no permission.
	case e.Stage == StageAsked && m.s.Pace.Polls > 0:
		// Only the new pace is not on record: after a crash we would be less patient.
	case m.s.Phase == Asking || m.s.Phase == Waiting || m.s.Phase == Checking:
		m.giveBack()
		m.end(Internal) // no ending can be written either
	}
}
