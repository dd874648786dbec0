package kiosk

import "time"

// Step computes one transition of a visit: the next state and the effects to carry out. It has no side effects. now is the
// uptime and never decreases.
func Step(s State, now time.Duration, e Event) (State, []Effect) {
	t := transition{s: s, now: now}
	switch e := e.(type) {
	case ClosureChanged:
		t.changeClosure(e)
	case Stop:
		t.stop()
	case Polled:
		t.polled(e)
	case Pinged:
		t.pinged(e)
	case Unrecorded:
		t.unrecorded(e)
	case Wiped:
		if t.s.Phase == Clearing && e.Request == t.s.Request.Number {
			t.s = t.s.Fresh()
		}
	case Press:
		meant := isMeantFor(e, t.s.Phase)
		t.s.MenuRefused = t.s.MenuRefused && !meant
		if meant && !t.technicianKey(e) && phaseHandlers[t.s.Phase] != nil && !t.help(e) {
			phaseHandlers[t.s.Phase](&t, e)
		}
	case IdentifierEntered:
		if isMeantFor(Press{Seen: e.Seen}, t.s.Phase) && phaseHandlers[t.s.Phase] != nil {
			phaseHandlers[t.s.Phase](&t, e)
		}
	default:
		if handle := phaseHandlers[t.s.Phase]; handle != nil {
			handle(&t, e)
		}
	}
	return t.s, t.effects
}

// isMeantFor reports whether a key press counts in phase p. It counts if p was on the screen when the key was pressed.
// Typing on the Ready screen counts in Identify. While a request is in progress, Escape counts from every screen but Ready.
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

// phaseHandlers handle key presses, ticks and answers by phase. Closed and Clearing have none, so that no key press of one
// customer reaches the next.
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

func (t *transition) emit(e ...Effect) { t.effects = append(t.effects, e...) }

func (t *transition) enter(p Phase) {
	t.s.Phase, t.s.Since, t.s.LastInput = p, t.now, t.now
	t.s.Idle.Prompted, t.s.Help, t.s.MenuRefused = false, false, false
	t.s.Request.RefusalAt = 0
	t.s.Question = 0
}

// nextQuestion opens the next question and returns its number.
func (t *transition) nextQuestion() Number {
	t.s.LastNumber++
	t.s.Question = t.s.LastNumber
	return t.s.LastNumber
}

// takeAnswer closes the open question if n is its number, and reports whether it is.
func (t *transition) takeAnswer(n Number) bool {
	if n == 0 || n != t.s.Question {
		return false
	}
	t.s.Question = 0
	return true
}

func (t *transition) record(stage Stage, r Reason) Record {
	request := t.s.Request
	rec := Record{Visit: request.Visit, Stage: stage, Reason: r, Code: request.Code, Technician: t.s.Technician, Unsent: request.Unsent}
	if stage == StageAcknowledged {
		schedule := request.Schedule
		rec.Interval = max(schedule.Interval, schedule.LongestPause)
		rec.Expires = schedule.Deadline - schedule.RequestSent
		rec.Sent = schedule.RequestSent
		rec.Pause = max(schedule.NextPoll-t.now, 0)
	}
	return rec
}

// finish records the end of the visit, revokes its tokens if any were issued, and shows the reason.
func (t *transition) finish(stage Stage, r Reason) {
	t.revokeTokens()
	if t.s.Request.Visit != "" {
		t.emit(Commit{t.record(stage, r)})
	}
	t.end(r)
}

func (t *transition) revokeTokens() {
	if t.s.Request.TokensIssued {
		t.emit(Revoke{t.s.Request.Number})
	}
}

// end shows why the visit ended. It wipes the request's secrets unless the customer may ask again or continue with the
// device flow.
func (t *transition) end(r Reason) {
	t.enter(Ended)
	t.s.Ending.Reason = r
	if !t.s.CanAskAgain() && !t.s.OffersDeviceFlow() {
		t.emit(Wipe{t.s.Request.Number})
	}
}

// clear ends the visit and wipes its secrets from the vault.
func (t *transition) clear() {
	t.enter(Clearing)
	t.emit(Wipe{t.s.Request.Number})
}

func (t *transition) changeClosure(e ClosureChanged) {
	if e.On {
		t.s.Closures |= e.Closure
	} else {
		t.s.Closures &^= e.Closure
	}
	if !t.s.Busy() {
		t.s = t.s.Fresh()
	}
}

func (t *transition) stop() {
	t.s.Stopping = true
	switch t.s.Phase {
	case Identify, EnterUserCode, Shown, Menu, Ended:
		t.clear()
	case Asking:
		t.finish(StageAbandoned, Cancelled)
	case Waiting, Checking, Fetching:
		t.finish(StageEnded, Cancelled)
	}
}

// unrecorded handles a record that could not be written. The effects after it were not carried out, so the visit ends here;
// tokens that were issued are revoked.
func (t *transition) unrecorded(e Unrecorded) {
	switch {
	case e.Stage == StageShown || e.Stage.Final():
		// Continue: a result only reaches the screen, and the visit ends with or without its record.
	case e.Stage == StageAcknowledged && t.s.Request.Schedule.Polls > 0:
		// Continue: this record only slows polling down. Without it, polls after a crash come a little earlier.
	case t.s.Phase == Asking || t.s.Phase == Waiting || t.s.Phase == Checking:
		t.revokeTokens()
		t.end(Internal) // the ending cannot be written either
	}
}
