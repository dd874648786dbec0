package kiosk

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// world is everything around a visit in the random walk. It answers questions late, twice, wrongly or never, presses keys at
// random, tracks what the visit is allowed to do, and checks the invariants of the package comment.
type world struct {
	t   *testing.T
	rng *rand.Rand
	s   State
	now time.Duration
	log []string

	prepared      map[Number]bool       // requests that the guard allowed
	guardAllowsAt time.Duration         // the guard holds the person back until then
	asked         map[Number]int        // requests sent
	records       map[string]Stage      // the journal: visit to last stage
	ended         map[string]bool       // visits with an ending
	verified      map[Number]bool       // requests whose tokens were valid
	fetches       map[Number]int        //
	tokens        map[Number]bool       // the vault holds tokens of this request
	polling       map[Number]Number     // request to the poll in flight
	latePolls     map[Number]int        // polls sent at or after the deadline
	models        map[Number]*pollModel // each request's own schedule
	inFlight      []Event               // answers to be delivered, right or wrong
	seen          map[string]int        // transitions and endings that the walk has had
	diskFull      bool                  // the card is full: records fail
	immediate     []Event               // what the runner answers at once
	userActions   int                   // keys and scans so far; each may cause one request
	requests      int                   // requests so far
	flow          map[Number]Flow       // of each request
	wrongCodes    int                   // user codes of this visit that the server refused
}

// pollModel is the test's own model of when a poll is allowed.
type pollModel struct {
	interval, sent, notBefore, deadline time.Duration

	pausedUntil time.Duration // the end of a pause that the server asked for; no ping ends it
	pinged      bool
}

func newWorld(t *testing.T, seed uint64) *world {
	r := DefaultRules()
	r.Languages = 3
	r.Kind = IdentifierKind(seed % 4)
	r.DeviceFlow = seed%2 == 0
	r.Technicians = seed%3 == 0
	return &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), s: New(r),
		prepared: map[Number]bool{}, asked: map[Number]int{}, records: map[string]Stage{}, ended: map[string]bool{},
		verified: map[Number]bool{}, fetches: map[Number]int{}, tokens: map[Number]bool{}, polling: map[Number]Number{},
		latePolls: map[Number]int{}, models: map[Number]*pollModel{}, flow: map[Number]Flow{}, seen: map[string]int{},
	}
}

// fail ends the test with the state and the last events.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\nstate %+v\nafter:\n  %s", fmt.Sprintf(format, args...), w.s, strings.Join(w.log, "\n  "))
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

// do steps one event and those that the runner answers at once.
func (w *world) do(e Event) {
	w.immediate = append(w.immediate, e)
	for len(w.immediate) > 0 {
		e, w.immediate = w.immediate[0], w.immediate[1:]
		w.stepOne(e)
	}
}

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
			if f.Task == RestartTask && s.Phase != Clearing {
				w.fail("12: a restart in the middle of a visit")
			}
			w.seen["task "+f.Task.String()]++
		}
	}
}

// isForeign reports whether an answer belongs to no open question.
func isForeign(s State, e Event) bool {
	n := Number(0)
	switch e := e.(type) {
	case Prepared:
		n = e.Number
	case Throttled:
		n = e.Number
	case Acknowledged:
		n = e.Number
	case InputRequired:
		n = e.Number
	case Pinged:
		return e.Request == 0 || e.Request != s.Request.Number || s.Phase != Asking && s.Phase != Waiting
	case Polled:
		n = e.Number
	case Verified:
		n = e.Number
	case Fetched:
		n = e.Number
	case TaskDone:
		n = e.Number
	case Failed:
		n = e.Number
	default:
		return false
	}
	return n == 0 || n != s.Question
}

// carryOut tracks one effect, schedules answers to it, and reports whether the next effect may follow.
func (w *world) carryOut(f Effect) bool {
	switch f := f.(type) {
	case EditInput, SetInput:
		problem := NoProblem
		if w.chance(20) {
			problem = NotEmail
		}
		_, complete := f.(SetInput)
		w.immediate = append(w.immediate, InputChanged{Length: 3, Problem: problem, Masked: "a***", Complete: complete})
	case Prepare:
		if f.From != 0 && w.now < w.guardAllowsAt {
			w.fail("4: asked again %v before the end of the guard's pause", w.guardAllowsAt-w.now)
		}
		if w.guardAllowsAt = 0; w.chance(15) {
			t := Throttle{Wait: w.pick(1, 30, 120, 121, 3600), Abuse: w.chance(30)}
			w.guardAllowsAt = w.now + t.Wait
			w.immediate = append(w.immediate, Throttled{f.Number, t})
			break
		}
		w.prepared[f.Number] = true
		w.immediate = append(w.immediate, Prepared{f.Number, fmt.Sprint("v", f.Number), "K7-4F9Q"})
	case Commit:
		return w.commit(f.Record)
	case Ask:
		if !w.prepared[f.Number] {
			w.fail("4: a request that the guard did not allow")
		}
		if w.asked[f.Number]++; w.asked[f.Number] > 1 {
			w.fail("4: a second request with number %d", f.Number)
		}
		if w.records[w.s.Request.Visit] != StageAsking {
			w.fail("6: a request without its record")
		}
		if w.requests++; w.requests > w.userActions {
			w.fail("4: %d requests for %d keys", w.requests, w.userActions)
		}
		if f.Flow == DeviceFlow && !w.s.Rules.DeviceFlow {
			w.fail("4: the device flow without the setting")
		}
		if (f.Flow == DeviceFlow) != (f.Code == "") {
			w.fail("4: code %q in flow %d", f.Code, f.Flow)
		}
		w.models[f.Number], w.flow[f.Number] = &pollModel{sent: w.now}, f.Flow
		if w.chance(30) {
			w.inFlight = append(w.inFlight, Pinged{f.Number})
		}
		if f.Flow == Backchannel && w.chance(20) {
			w.answerLater(InputRequired{f.Number, UserCodeRequired}, InputRequired{f.Number, UserCodeRequired}, InputRequired{f.Number, FreshHintRequired})
			break
		}
		w.answerLater(Acknowledged{Number: f.Number, Expires: w.pick(2, 10, 30, 120, 600), Interval: w.pick(0, 1, 5, 7, 60), AmbiguousDenial: w.chance(50), PhoneHint: PhoneHint(w.rng.IntN(3))},
			Failed{f.Number, Refused}, Failed{f.Number, Unreachable})
	case Poll:
		w.poll(f)
	case Verify:
		if w.records[w.s.Request.Visit] != StageGranted {
			w.fail("6: tokens validated before the record")
		}
		w.answerLater(Verified{f.Number}, Failed{f.Number, WrongPerson}, Failed{f.Number, Untrusted}, Failed{f.Number, NoAccess})
	case Fetch:
		if !w.verified[f.Request] {
			w.fail("5: a fetch without a verified answer")
		}
		if w.fetches[f.Request]++; w.fetches[f.Request] > 1 {
			w.fail("5: a second fetch")
		}
		w.answerLater(Fetched{f.Number}, Failed{f.Number, NoAccess}, Failed{f.Number, ServiceDown})
	case RunTask:
		w.answerLater(TaskDone{f.Number}, Failed{f.Number, Internal})
	case Revoke:
		delete(w.tokens, f.Request)
	case Wipe:
		for n := range w.tokens {
			if n == w.s.Request.Number {
				w.fail("tokens were wiped before they were revoked")
			}
		}
		w.immediate = append(w.immediate, Wiped{f.Request})
	}
	return true
}

func (w *world) commit(rec Record) bool {
	if w.diskFull {
		w.immediate = append(w.immediate, Unrecorded{rec.Stage})
		return rec.Stage.Final()
	}
	if rec.Visit == "" {
		w.fail("6: a record without a visit")
	}
	if w.ended[rec.Visit] {
		w.fail("6: a record %s after the ending of %s", rec.Stage, rec.Visit)
	}
	slower := rec.Stage == StageAcknowledged && w.records[rec.Visit] == StageAcknowledged
	if rec.Stage <= w.records[rec.Visit] && !rec.Stage.Final() && !slower {
		w.fail("6: record %s after %s", rec.Stage, w.records[rec.Visit])
	}
	w.records[rec.Visit] = rec.Stage
	w.ended[rec.Visit] = rec.Stage.Final()
	return true
}

func (w *world) poll(f Poll) {
	l := w.models[f.Request]
	if _, busy := w.polling[f.Request]; busy {
		w.fail("3: two polls in flight")
	}
	if w.records[w.s.Request.Visit] != StageAcknowledged {
		w.fail("6: a poll before its record")
	}
	if w.now < l.notBefore {
		w.fail("3: a poll %v early", l.notBefore-w.now)
	}
	if w.now >= l.deadline {
		if w.latePolls[f.Request]++; w.latePolls[f.Request] > 1 {
			w.fail("3: a second poll after the expiry")
		}
	}
	w.polling[f.Request] = f.Number
	l.sent = w.now
	l.notBefore = w.now + l.interval
	if l.pinged && w.chance(10) || w.chance(3) {
		w.inFlight = append(w.inFlight, Pinged{f.Request})
	}
	verdicts := []Verdict{Pending, Pending, Pending, Pending, SlowDown, Granted, Granted, Granted, Denied, TimedOut, UnknownRequest, Retryable, Retryable, Fatal}
	v := verdicts[w.rng.IntN(len(verdicts))]
	w.answerLater(Polled{Number: f.Number, Request: f.Request, Verdict: v, Tokens: v == Fatal && w.chance(50), Reason: Misconfigured,
		RetryAfter: w.pick(0, 0, 0, 3, 40, 100000), Interval: w.pick(0, 0, 12), ServerReached: w.chance(50), Jitter: w.span(time.Second)})
}

func (w *world) pick(seconds ...int) time.Duration {
	return time.Duration(seconds[w.rng.IntN(len(seconds))]) * time.Second
}

// answerLater schedules one of the answers; sometimes none comes, sometimes one comes twice.
func (w *world) answerLater(first Event, others ...Event) {
	a := first
	if len(others) > 0 && w.chance(25) {
		a = others[w.rng.IntN(len(others))]
	}
	if !w.chance(6) {
		w.inFlight = append(w.inFlight, a)
	}
	if w.chance(8) {
		w.inFlight = append(w.inFlight, a)
	}
}

// deliver delivers a scheduled answer and tracks what it allows.
func (w *world) deliver(e Event) {
	switch e := e.(type) {
	case Acknowledged:
		if e.Number == w.s.Question && w.s.Phase == Asking {
			l := w.models[e.Number]
			l.interval = e.Interval
			if l.interval == 0 {
				l.interval = 5 * time.Second
			}
			l.deadline = l.sent + e.Expires
			l.notBefore = w.now + l.interval
			if l.pinged {
				l.notBefore = max(w.now, l.pausedUntil)
			}
			if l.deadline-l.notBefore > 0 {
				l.notBefore = min(l.notBefore, l.deadline)
			}
		}
	case Polled:
		if e.Verdict == Granted || e.Tokens {
			w.tokens[e.Request] = true
		}
		if l := w.models[e.Request]; l != nil && e.Number == w.s.Question && w.s.Phase == Waiting {
			if e.Verdict == SlowDown {
				l.interval += 5 * time.Second
				l.notBefore = max(l.notBefore, w.now+l.interval)
				l.pausedUntil = l.notBefore
			}
			l.pausedUntil = max(l.pausedUntil, w.now+min(e.RetryAfter, time.Hour))
			l.notBefore = max(l.notBefore, l.pausedUntil)
		}
	case Pinged:
		// One ping lifts the interval once, and never a pause that the server asked for.
		if l := w.models[e.Request]; l != nil && e.Request == w.s.Request.Number && !l.pinged && (w.s.Phase == Waiting || w.s.Phase == Asking && w.s.Request.Visit != "") {
			l.pinged = true
			l.notBefore = max(w.now, l.pausedUntil)
			w.seen["ping in "+w.s.Phase.String()]++
		}
	case InputRequired:
		if e.Number == w.s.Question && w.s.Phase == Asking && w.s.UserCode.Required && e.Input == UserCodeRequired {
			w.wrongCodes++
		}
		defer func() {
			if w.wrongCodes > w.s.Rules.MaxCodeTries {
				w.fail("4: a user code was asked for after %d wrong ones", w.wrongCodes)
			}
		}()
	case Verified:
		if e.Number == w.s.Question && w.s.Phase == Checking {
			w.verified[w.s.Request.Number] = true
		}
	}
	w.do(e)
}

func (w *world) randomKey() Press {
	keys := []Press{
		{Key: RuneKey, Rune: 'a'}, {Key: RuneKey, Rune: '1'}, {Key: RuneKey, Rune: '2'}, {Key: RuneKey, Rune: '?'}, {Key: RuneKey, Rune: ' '},
		{Key: EnterKey}, {Key: EnterKey}, {Key: EnterKey}, {Key: EscapeKey}, {Key: BackspaceKey}, {Key: TabKey}, {Key: DownKey}, {Key: UpKey}, {Key: HelpKey},
		{Key: TechnicianKey}, {Key: TechnicianKey, Touch: true}, {Key: RuneKey, Rune: '3'}, {Key: RuneKey, Rune: '4'},
		{Key: LeftKey}, {Key: RightKey}, {Key: ShiftKey, Touch: true}, {Key: EnterKey, Touch: true}, {Key: OtherKey, Touch: true},
	}
	k := keys[w.rng.IntN(len(keys))]
	k.Seen = w.s.Phase
	if w.chance(10) {
		k.Seen = Phase(w.rng.IntN(int(Clearing) + 1))
	}
	return k
}

// hostile returns an event that answers nothing.
func (w *world) hostile() Event {
	n := Number(w.rng.Uint64N(uint64(w.s.LastNumber) + 3))
	if n == w.s.Question {
		n += 1000
	}
	all := []Event{
		Pinged{n + 5000}, InputRequired{n, UserCodeRequired}, UserCodeEntered{Secret("0000")},
		Prepared{n, "vX", "BAD"}, Throttled{n, Throttle{Wait: time.Hour}}, Acknowledged{Number: n, Expires: time.Hour}, Verified{n}, Fetched{n}, TaskDone{n}, Failed{n, Internal},
		Polled{Number: n, Request: n, Verdict: Denied}, Polled{Number: n, Request: n + 5000, Verdict: Granted},
		Wiped{n + 9000}, InputChanged{Length: 99},
	}
	return all[w.rng.IntN(len(all))]
}

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

func (w *world) span(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }
