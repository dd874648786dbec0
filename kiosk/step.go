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
	case Unrecorded:
		m.unrecorded(e)
	case Wiped:
		if m.s.Phase == Clearing && e.Request == m.s.Request {
			m.s = m.s.Fresh()
		}
	case Press:
		if meant(e, m.s.Phase) && table[m.s.Phase] != nil {
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
	Asking:   (*move).asking,
	Waiting:  (*move).waiting,
	Checking: (*move).checking,
	Fetching: (*move).fetching,
	Shown:    (*move).shown,
	Ended:    (*move).ended,
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
	rec := Record{Visit: m.s.Visit, Stage: stage, Reason: r, Code: m.s.Code}
	if stage == StageAsked {
		rec.Interval = m.s.Pace.Interval
		rec.Expires = m.s.Pace.Deadline - m.s.Pace.Sent
		rec.Sent = m.s.Pace.Sent
	}
	return rec
}

// finish ends the visit for a reason, with the journal's word for it. The
// customer is told; what the server gave is given back.
func (m *move) finish(stage Stage, r Reason) {
	if m.s.Redeemed {
		m.do(Revoke{m.s.Request})
	}
	if m.s.Visit != "" {
		m.do(Commit{m.record(stage, r)})
	}
	m.enter(Ended)
	m.s.Reason = r
	if !m.s.CanAskAgain() {
		m.do(Wipe{m.s.Request})
	}
}

// clear leaves the visit: whatever the vault still holds is wiped.
func (m *move) clear() {
	if m.s.Phase == Shown {
		m.do(Revoke{m.s.Request})
	}
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
	case Identify, Shown:
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
	case m.s.Phase == Asking || m.s.Phase == Waiting || m.s.Phase == Checking:
		m.s.Visit = "" // no ending can be written either
		m.finish(StageEnded, Internal)
	}
}

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
		switch {
		case e.Key == TabKey:
			m.nextLanguage()
		case e.Key == RuneKey && e.Rune != ' ':
			// Who begins to type instead of pressing any key loses no letter.
			m.do(Edit{Rune: e.Rune})
		}
	case Given:
		m.begin()
		m.do(Fill{e.Identifier})
	case Resumed:
		m.resume(e)
	}
}

func (m *move) begin() {
	m.enter(Identify)
	m.s.Draft = Draft{Problem: Empty}
}

func (m *move) nextLanguage() { m.s.Language = (m.s.Language + 1) % max(m.s.Rules.Languages, 1) }

func (m *move) identify(e Event) {
	switch e := e.(type) {
	case Press:
		if m.extend(e) {
			return
		}
		m.s.Touched = m.now
		switch e.Key {
		case EscapeKey:
			m.clear()
		case EnterKey:
			m.submit()
		case BackspaceKey:
			m.do(Edit{Erase: true})
		case TabKey:
			m.nextLanguage()
		case RuneKey:
			m.do(Edit{Rune: e.Rune})
		}
	case Given:
		m.s.Still, m.s.Touched = false, m.now
		m.do(Fill{e.Identifier})
	case Drafted:
		m.s.Draft = Draft{Length: e.Length, Problem: e.Problem}
		m.s.Masked = e.Masked
		if e.Whole {
			m.submit()
		}
	case Tick:
		m.idle(m.s.Rules.Idle)
	}
}

// submit sends the draft on its way, or says what is wrong with it.
func (m *move) submit() {
	if m.s.Draft.Problem != NoProblem {
		m.s.Draft.Shown = true
		return
	}
	m.prepare(0)
}

func (m *move) prepare(from Number) {
	m.enter(Asking)
	n := m.ask()
	m.s.Visit, m.s.Code, m.s.Binding = "", "", ""
	m.s.Pace, m.s.Merges, m.s.Redeemed, m.s.Unsure, m.s.Reason = Pace{}, false, false, false, NoReason
	m.do(Prepare{Number: n, From: from})
	m.s.Request = n
}

func (m *move) asking(e Event) {
	switch e := e.(type) {
	case Prepared:
		if m.s.Visit != "" || !m.answered(e.Number) {
			return
		}
		m.s.Visit, m.s.Code = e.Visit, e.Code
		m.s.Question = m.s.Request
		m.s.Pace.Sent = m.now
		m.do(Commit{m.record(StageAsking, NoReason)}, Ask{Number: m.s.Request, Code: e.Code})
	case Held:
		if m.s.Visit == "" && m.answered(e.Number) {
			m.s.Wait = e.Wait
			m.finish(StageEnded, HeldBack)
		}
	case Failed:
		if m.answered(e.Number) {
			m.finish(StageEnded, e.Reason)
		}
	case Asked:
		if m.s.Visit == "" || !m.answered(e.Number) {
			return
		}
		sent := m.s.Pace.Sent
		interval := e.Interval
		if interval <= 0 {
			interval = m.s.Rules.Floor
		}
		m.enter(Waiting)
		m.s.Binding, m.s.Merges = e.Binding, e.Merges
		m.s.Pace = StartPace(sent, m.now, e.Expires, interval)
		m.do(Commit{m.record(StageAsked, NoReason)})
	case Press:
		if e.Key == EscapeKey {
			m.finish(StageAbandoned, Cancelled)
		}
	case Tick:
		if m.now-m.s.Since >= m.s.Rules.AskLimit {
			m.finish(StageAbandoned, Unreachable)
		}
	}
}

func (m *move) resume(e Resumed) {
	if e.Request <= m.s.Last {
		return
	}
	m.enter(Waiting)
	m.s.Last, m.s.Request = e.Request, e.Request
	m.s.Visit, m.s.Code, m.s.Masked = e.Visit, e.Code, e.Masked
	m.s.Pace = StartPace(m.now, m.now, e.Left, e.Interval)
}

func (m *move) waiting(e Event) {
	switch e := e.(type) {
	case Press:
		m.s.Touched = m.now
		switch {
		case e.Key == EscapeKey:
			m.finish(StageEnded, Cancelled)
		case e.Key == HelpKey, e.Key == RuneKey && e.Rune == '?':
			m.s.Help = !m.s.Help
		}
	case Tick:
		m.turn()
	}
}

// turn does what is due on Waiting: a poll, the end, the help.
func (m *move) turn() {
	p := m.s.Pace
	switch {
	case m.s.Question != 0:
		// Never two polls at once. One that never comes back is given up
		// when even a slow answer to an approval in the last second would be here.
		if m.now >= max(p.Deadline, p.Polled)+m.s.Rules.CallLimit {
			m.finish(StageEnded, Unreachable)
		}
	case p.Due(m.now):
		m.s.Pace = p.Leave(m.now)
		m.do(Poll{Number: m.ask(), Request: m.s.Request})
	case p.Over(m.now):
		m.runOut()
	case !m.s.Help && m.now-m.s.Since >= m.s.Rules.HelpAfter && m.s.Touched == m.s.Since:
		m.s.Help = true
		m.s.Touched = m.now
	}
}

// runOut: the time is up. Whether nobody answered or nobody could have been
// heard is not the same to the customer.
func (m *move) runOut() {
	if m.s.Pace.Faults > 0 {
		m.finish(StageEnded, Unreachable)
		return
	}
	m.finish(StageEnded, Expired)
}

// polled takes in a poll's answer. Tokens that come too late are given back:
// the next customer must not see them, and nobody else may use them.
func (m *move) polled(e Polled) {
	if m.s.Phase != Waiting || !m.answered(e.Number) {
		if e.Verdict == Granted && !(e.Request == m.s.Request && m.s.inUse()) {
			m.do(Revoke{e.Request})
		}
		return
	}
	p := m.s.Pace
	switch e.Verdict {
	case Granted:
		m.s.Redeemed = true
		m.enter(Checking)
		m.do(Commit{m.record(StageGranted, NoReason)}, Verify{Number: m.ask(), Request: m.s.Request})
	case Denied:
		m.denied()
	case TimedOut:
		m.finish(StageEnded, Expired)
	case Gone:
		switch {
		case p.Faults > 0:
			m.finish(StageEnded, Unreachable) // an earlier answer was lost, and with it perhaps the approval
		case m.now >= p.Deadline-p.Interval:
			m.finish(StageEnded, Expired) // expired and already forgotten by the server
		default:
			m.finish(StageEnded, Unreachable)
		}
	case Hopeless:
		r := e.Reason
		if r == NoReason {
			r = Refused
		}
		m.finish(StageEnded, r)
	default:
		m.s.Pace = p.Wait(m.now, e)
		m.turn()
	}
}

// inUse says whether the present request's tokens are being used for the customer.
func (s State) inUse() bool {
	return s.Phase == Checking || s.Phase == Fetching || s.Phase == Shown
}

// denied tells refused from run out where the server sends one code for both
// (Auth0): well before the deadline it can only be a refusal.
func (m *move) denied() {
	p := m.s.Pace
	switch {
	case !m.s.Merges || m.now < p.Deadline-p.Interval:
		m.finish(StageEnded, Declined)
	case m.now >= p.Deadline:
		m.finish(StageEnded, Expired)
	default:
		m.finish(StageEnded, Declined)
		m.s.Unsure = true
	}
}

func (m *move) checking(e Event) {
	switch e := e.(type) {
	case Verified:
		if m.answered(e.Number) {
			m.enter(Fetching)
			m.do(Fetch{Number: m.ask(), Request: m.s.Request})
		}
	default:
		m.serve(e, Unreachable)
	}
}

func (m *move) fetching(e Event) {
	switch e := e.(type) {
	case Fetched:
		if m.answered(e.Number) {
			m.enter(Shown)
			m.do(Commit{m.record(StageShown, NoReason)})
		}
	default:
		m.serve(e, ServiceDown)
	}
}

// serve is what Checking and Fetching have in common.
func (m *move) serve(e Event, silent Reason) {
	switch e := e.(type) {
	case Failed:
		if m.answered(e.Number) {
			m.finish(StageEnded, e.Reason)
		}
	case Press:
		if e.Key == EscapeKey {
			m.finish(StageEnded, Cancelled)
		}
	case Tick:
		if m.now-m.s.Since >= m.s.Rules.CallLimit {
			m.finish(StageEnded, silent)
		}
	}
}

func (m *move) shown(e Event) {
	switch e := e.(type) {
	case Press:
		if m.extend(e) {
			return
		}
		m.s.Touched = m.now
		switch {
		case e.Key == EscapeKey:
			m.clear()
		case !m.s.Revealed:
			m.s.Revealed = true
		case e.Key == EnterKey:
			m.clear()
		case e.Key == DownKey, e.Key == RightKey, e.Key == PageDownKey, e.Key == RuneKey && e.Rune == ' ':
			m.s.Page++
		case e.Key == UpKey, e.Key == LeftKey, e.Key == PageUpKey:
			m.s.Page--
		}
	case Tick:
		m.idle(m.s.Rules.Result)
	}
}

func (m *move) ended(e Event) {
	switch e := e.(type) {
	case Press:
		if m.extend(e) {
			return
		}
		m.s.Touched = m.now
		switch {
		case e.Key == RuneKey && e.Rune == '1' && m.s.CanAskAgain():
			m.s.Again++
			m.prepare(m.s.Request)
		case e.Key == EscapeKey, e.Key == EnterKey, !m.s.CanAskAgain():
			m.clear()
		}
	case Tick:
		switch {
		case m.s.Stopping:
			m.clear()
		case m.s.Reason == Cancelled:
			if m.now-m.s.Since >= m.s.Rules.Farewell {
				m.clear()
			}
		default:
			m.idle(m.s.Rules.Result)
		}
	}
}

// CanAskAgain says whether the same person may be asked again without retyping:
// only where a second try can end better, and not without end.
func (s State) CanAskAgain() bool {
	if s.Phase != Ended || s.Again >= s.Rules.Again || s.Stopping {
		return false
	}
	return s.Reason == Declined || s.Reason == Expired || s.Reason == Unreachable
}

// idle counts silence: first "still there?", then the visit is cleared.
func (m *move) idle(limit time.Duration) {
	switch {
	case m.s.Still && m.now-m.s.StillAt >= m.s.Rules.Grace:
		m.clear()
	case !m.s.Still && m.now-m.s.Touched >= limit:
		m.s.Still, m.s.StillAt = true, m.now
	}
}

// extend takes the key that answers "still there?": it buys time and does
// nothing else, ten times; Escape leaves.
func (m *move) extend(e Press) bool {
	if !m.s.Still {
		return false
	}
	switch {
	case e.Key == EscapeKey:
		m.clear()
	case m.s.Extended < m.s.Rules.Extends:
		m.s.Still, m.s.Touched = false, m.now
		m.s.Extended++
	}
	return true
}

// Wake says when the next Tick is due, as uptime, and false if none is: an idle
// device sleeps until somebody presses a key.
func Wake(s State, now time.Duration) (time.Duration, bool) {
	var at time.Duration
	switch s.Phase {
	case Identify:
		at = s.idleAt(s.Rules.Idle, now)
	case Shown:
		at = s.idleAt(s.Rules.Result, now)
	case Ended:
		switch {
		case s.Stopping:
			at = now
		case s.Reason == Cancelled:
			at = s.Since + s.Rules.Farewell
		default:
			at = s.idleAt(s.Rules.Result, now)
		}
	case Asking:
		at = s.Since + s.Rules.AskLimit
	case Checking, Fetching:
		at = s.Since + s.Rules.CallLimit
	case Waiting:
		if s.Question != 0 {
			at = max(s.Pace.Deadline, s.Pace.Polled) + s.Rules.CallLimit
		} else {
			at = s.Pace.Wake()
		}
		at = min(at, nextSecond(s.Pace.Deadline, now)) // the time left is on screen
	default:
		return 0, false
	}
	return max(at, now), true
}

func (s State) idleAt(limit, now time.Duration) time.Duration {
	if s.Still {
		return min(s.StillAt+s.Rules.Grace, nextSecond(s.StillAt+s.Rules.Grace, now))
	}
	return s.Touched + limit
}

// nextSecond is the next instant after now at which the whole seconds left until
// end change; after end there is none to wait for.
func nextSecond(end, now time.Duration) time.Duration {
	left := end - now
	if left <= 0 {
		return end + time.Duration(1<<62)
	}
	if part := left % time.Second; part > 0 {
		return now + part
	}
	return now + time.Second
}
