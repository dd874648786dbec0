package kiosk

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// world is everything around a visit in the random walk (walk_test.go). It answers questions late, twice, wrongly or never,
// presses keys at random, and tracks what the visit is allowed to do.
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

func (w *world) pick(seconds ...int) time.Duration {
	return time.Duration(seconds[w.rng.IntN(len(seconds))]) * time.Second
}

func (w *world) span(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

// do steps one event and those that the runner answers at once.
func (w *world) do(e Event) {
	w.immediate = append(w.immediate, e)
	for len(w.immediate) > 0 {
		e, w.immediate = w.immediate[0], w.immediate[1:]
		w.stepOne(e)
	}
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
			Failed{Number: f.Number, Reason: Refused}, Failed{Number: f.Number, Reason: Unreachable})
	case Poll:
		w.poll(f)
	case Verify:
		if w.records[w.s.Request.Visit] != StageGranted {
			w.fail("6: tokens validated before the record")
		}
		w.answerLater(Verified{f.Number}, Failed{Number: f.Number, Reason: WrongPerson}, Failed{Number: f.Number, Reason: Untrusted}, Failed{Number: f.Number, Reason: NoAccess})
	case Fetch:
		if !w.verified[f.Request] {
			w.fail("5: a fetch without a verified answer")
		}
		if w.fetches[f.Request]++; w.fetches[f.Request] > 1 {
			w.fail("5: a second fetch")
		}
		w.answerLater(Fetched{f.Number}, Failed{Number: f.Number, Reason: NoAccess}, Failed{Number: f.Number, Reason: ServiceDown})
	case RunTask:
		w.answerLater(TaskDone{f.Number}, Failed{Number: f.Number, Reason: Internal})
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
	if w.s.Phase == Menu && w.chance(80) { // menus are rare
		keys = []Press{{Key: RuneKey, Rune: '1'}, {Key: RuneKey, Rune: '2'}, {Key: RuneKey, Rune: '3'}, {Key: RuneKey, Rune: '3'}, {Key: RuneKey, Rune: '4'}, {Key: EnterKey}, {Key: EnterKey}}
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
		Prepared{n, "vX", "BAD"}, Throttled{n, Throttle{Wait: time.Hour}}, Acknowledged{Number: n, Expires: time.Hour}, Verified{n}, Fetched{n}, TaskDone{n}, Failed{Number: n, Reason: Internal},
		Polled{Number: n, Request: n, Verdict: Denied}, Polled{Number: n, Request: n + 5000, Verdict: Granted},
		Wiped{n + 9000}, InputChanged{Length: 99},
	}
	return all[w.rng.IntN(len(all))]
}
