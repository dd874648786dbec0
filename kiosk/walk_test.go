package kiosk

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// TestInvariantsOnRandomWalk plays a million random events in a random world (world_test.go) and checks the invariants of the
// package comment after each.
func TestInvariantsOnRandomWalk(t *testing.T) {
	const steps = 1_000_000
	seen := map[string]int{}
	for seed := range uint64(8) {
		w := newWorld(t, seed)
		for range steps / 8 {
			w.randomAction()
		}
		for k, n := range w.seen {
			seen[k] += n
		}
	}
	for _, name := range []string{
		"ready>identify", "identify>asking", "asking>waiting", "waiting>checking", "checking>fetching", "fetching>shown",
		"shown>clearing", "ended>asking", "ended>user_code", "ended>clearing",
		"asking>user_code", "user_code>asking", "user_code>clearing", "user_code>ended", "waiting>asking", "waiting in the device flow",
		"ping in asking", "ping in waiting", "clearing>ready", "clearing>closed", "closed>ready", "ready>closed",
		"reason declined", "reason expired", "reason cancelled", "reason unreachable", "reason refused", "reason untrusted",
		"reason wrong_person", "reason no_access", "reason service_down", "reason held_back", "held back, then asked",
		"checking>technician", "closed>technician", "closed>identify", "ended>technician", "technician>clearing",
		"task status", "task doctor", "task out of service", "task in service", "task restart", "reason misconfigured", "reason internal",
	} {
		if seen[name] == 0 {
			t.Errorf("the walk never had %q", name)
		}
	}
}

// stepOne plays one event, checks the step and carries out its effects.
func (w *world) stepOne(e Event) {
	w.log = append(w.log, fmt.Sprintf("%8v %-9s %T%+v", w.now.Round(time.Millisecond), w.s.Phase, e, e))
	if len(w.log) > 60 {
		w.log = w.log[1:]
	}
	before := w.s
	switch e.(type) {
	case Press, IdentifierEntered, UserCodeEntered:
		w.userActions++
	}
	if p, ok := e.(Polled); ok && w.polling[p.Request] == p.Number {
		delete(w.polling, p.Request)
	}
	next, effects := Step(before, w.now, e)
	w.s = next
	w.check(before, e, effects)
	for _, f := range effects {
		if !w.carryOut(f) {
			break
		}
	}
	if w.s.Phase == Shown && w.tokens[w.s.Request.Number] {
		w.fail("tokens were not revoked before the result is read")
	}
	if w.s.Phase == Menu && (w.s.Masked != "" || w.tokens[w.s.Request.Number]) {
		w.fail("12: the menu keeps something of the approval")
	}
	w.seen[before.Phase.String()+">"+next.Phase.String()]++
	if next.Phase == Asking && before.Phase == Ended && before.Ending.Reason == HeldBack {
		w.seen["held back, then asked"]++
	}
	if next.Phase == Ready {
		w.wrongCodes = 0
	}
	if next.Phase == Waiting && next.Flow == DeviceFlow {
		w.seen["waiting in the device flow"]++
	}
	if next.Phase == Ended {
		w.seen["reason "+next.Ending.Reason.String()]++
	}
}

// check asserts the invariants that a single step can break.
func (w *world) check(before State, e Event, effects []Effect) {
	s := w.s
	if (s.Phase == Ready || s.Phase == Closed) && s != s.Fresh() {
		w.fail("1: a ready state that is not the zero ready state: %+v", s.Fresh())
	}
	if s.Request.Number == before.Request.Number && s.Phase == Waiting && before.Phase == Waiting && s.Request.Schedule.Interval < before.Request.Schedule.Interval {
		w.fail("3: the interval shrank from %v to %v", before.Request.Schedule.Interval, s.Request.Schedule.Interval)
	}
	if before.Phase == Asking && s.Phase == Ended && s.Ending.Reason == Refused && w.now < before.Request.Schedule.RequestSent+s.Rules.RefusalQuantum {
		w.fail("11: a refusal was shown after %v", w.now-before.Request.Schedule.RequestSent)
	}
	if isForeign(before, e) {
		for _, f := range effects {
			if _, ok := f.(Revoke); !ok {
				w.fail("7: a foreign answer had the effect %T", f)
			}
		}
		if s != before {
			w.fail("7: a foreign answer changed the state from %+v", before)
		}
	}
	if c, ok := e.(ClosureChanged); ok {
		if before.Busy() && s.Phase != before.Phase {
			w.fail("10: a closed reason interrupted a visit")
		}
		if !before.Busy() && (s.Phase == Closed) != (s.Closures != 0) {
			w.fail("10: a closed reason %v was forgotten", c)
		}
	}
	if before.Busy() && !s.Busy() && s.Closures != 0 && s.Phase != Closed {
		w.fail("10: a closed reason was forgotten during the visit")
	}
	if (s.Phase == Identify || s.Phase == EnterUserCode) && (s.Keypad.Row >= len(s.keypadLayout()) || s.Keypad.Column >= len([]rune(s.keypadLayout()[s.Keypad.Row]))) {
		w.fail("the keypad selects no key: %+v", s.Keypad)
	}
	switch e := e.(type) {
	case Press:
		if e.Seen != before.Phase && (before.Phase == Shown || before.Phase == Ended) && s != before {
			w.fail("a key for another screen did something")
		}
	case IdentifierEntered:
		if before.Phase != Identify && before.Phase != EnterUserCode && before.Phase != Ready && (s != before || len(effects) > 0) {
			w.fail("a scan on the wrong screen did something")
		}
	}
	w.checkMenu(before, e, effects)
	if s.Phase == Ready && (s.Language != 0 || s.Idle.Extensions != 0 || s.Idle.Prompted) {
		w.fail("9: language, warning or extensions outlived the visit")
	}
}

// checkMenu asserts the twelfth invariant, about technicians.
func (w *world) checkMenu(before State, e Event, effects []Effect) {
	s := w.s
	if (s.Technician || s.Phase == Menu) && !s.Rules.Technicians {
		w.fail("12: a technician's visit without the setting")
	}
	if s.Phase == Menu && !s.Technician {
		w.fail("12: a customer's visit in the menu")
	}
	if s.Technician && (s.Phase == Fetching || s.Phase == Shown) {
		w.fail("12: a technician's visit in %s", s.Phase)
	}
	if s.Phase == Menu && before.Phase != Menu && !s.Menu.Unauthenticated && !w.verified[s.Request.Number] {
		w.fail("12: the menu opened without an approval")
	}
	if _, tick := e.(Tick); tick && s.Phase == Menu && w.now-s.Since >= s.Rules.MenuLimit {
		w.fail("12: the menu has been open for %v", w.now-s.Since)
	}
	for _, f := range effects {
		switch f := f.(type) {
		case Fetch:
			if s.Technician {
				w.fail("12: a fetch in a technician's visit")
			}
		case Commit:
			if f.Record.Technician != before.Technician && f.Record.Technician != s.Technician {
				w.fail("12: the record says Technician = %v", f.Record.Technician)
			}
		case RunTask:
			if !s.Technician || before.Menu.Unauthenticated && f.Task != DoctorTask || s.Menu.Unauthenticated && f.Task != DoctorTask {
				w.fail("12: task %s without an approval", f.Task)
			}
			if _, pressed := e.(Press); !pressed {
				w.fail("12: a task that no key chose")
			}
			if f.Task == CloseTask && !before.Menu.Confirm {
				w.fail("12: out of service without a confirmation")
			}
			if f.Task == RestartTask && s.Phase != Clearing {
				w.fail("12: a restart in the middle of a visit")
			}
			w.seen["task "+f.Task.String()]++
		}
	}
}

// isForeign reports whether an answer belongs to no open question.
func isForeign(s State, e Event) bool {
	switch e := e.(type) {
	case Pinged:
		return e.Request == 0 || e.Request != s.Request.Number || s.Phase != Asking && s.Phase != Waiting
	case Prepared, Throttled, Acknowledged, InputRequired, Polled, Verified, Fetched, TaskDone, Failed:
		n := Number(reflect.ValueOf(e).FieldByName("Number").Uint())
		return n == 0 || n != s.Question
	}
	return false
}

// randomAction plays one random event: time, an answer, a key, a scan, a hostile answer, a closure or silence.
func (w *world) randomAction() {
	switch p := w.rng.IntN(100); {
	case p < 30:
		w.advance()
	case p < 62 && len(w.inFlight) > 0:
		i := w.rng.IntN(len(w.inFlight))
		e := w.inFlight[i]
		w.inFlight = append(w.inFlight[:i], w.inFlight[i+1:]...)
		w.deliver(e)
	case p < 80:
		k := w.randomKey()
		if k.Key == EscapeKey && w.chance(70) {
			k.Key = OtherKey
		}
		w.do(k)
	case p < 84:
		if w.chance(30) {
			w.do(UserCodeEntered{Secret("1234")[:w.rng.IntN(5)]})
			break
		}
		g := IdentifierEntered{Identifier: Secret("alice"), Seen: w.s.Phase}
		if w.chance(30) {
			g.Seen = Phase(w.rng.IntN(int(Clearing) + 1))
		}
		w.do(g)
	case p < 90:
		w.do(w.hostile())
	case p < 93:
		w.do(ClosureChanged{Closure: Closures(1 << w.rng.IntN(6)), On: w.chance(33)})
	case p < 94:
		w.diskFull = !w.diskFull && w.chance(20)
	case p < 97:
		w.checkSilence()
	default:
		w.do(Tick{})
	}
}

// advance lets time pass: mostly until the next wake-up, sometimes less, sometimes much more.
func (w *world) advance() {
	at, ok := Wake(w.s, w.now)
	switch {
	case !ok || w.chance(10):
		w.now += w.span(200 * time.Second)
	case w.chance(30):
		w.now += w.span(at - w.now + 1)
	default:
		w.now = at
	}
	w.do(Tick{})
}

// checkSilence asserts invariant 2: without keys and answers, the device is ready again within silenceLimit.
func (w *world) checkSilence() {
	s, now := w.s, w.now
	limit := now + silenceLimit(s)
	for steps := 0; s.Busy(); steps++ {
		at, ok := Wake(s, now)
		if !ok && s.Phase != Clearing {
			w.fail("2: %s has no wake-up", s.Phase)
		}
		if at > limit || steps > 10000 {
			w.fail("2: still %s after %v of silence (%d steps), want at most %v", s.Phase, now-w.now, steps, limit-w.now)
		}
		now = max(now, at)
		var queue = []Event{Tick{}}
		for len(queue) > 0 {
			var out []Effect
			s, out = Step(s, now, queue[0])
			queue = queue[1:]
			for _, f := range out {
				if f, ok := f.(Wipe); ok {
					queue = append(queue, Wiped{f.Request})
				}
			}
		}
		if s.Phase == Clearing {
			s, _ = Step(s, now, Wiped{s.Request.Number})
		}
	}
}

// silenceLimit is the life of the request, one call, and the two pauses before a screen is cleared.
func silenceLimit(s State) time.Duration {
	r := s.Rules
	limit := r.AskLimit + 2*r.CallLimit + r.RefusalQuantum + max(r.IdleLimit, r.ResultLimit) + r.PromptTime + r.CancelNotice + MaxLatePoll + r.ThrottlePatience
	if s.Phase == Menu {
		limit += r.TaskLimit
	}
	if s.Phase == Waiting {
		limit += s.Request.Schedule.Deadline - s.Request.Schedule.RequestSent
	}
	return limit
}
