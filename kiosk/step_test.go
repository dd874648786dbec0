package kiosk

import (
	"testing"
	"time"
)

// visit plays events through Step as the runner does. The test answers for the authorization server.
type visit struct {
	t       *testing.T
	s       State
	now     time.Duration
	effects []Effect // of the last event
	records []Record
	polls   []time.Duration
	asks    int
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	return &visit{t: t, s: New(DefaultRules())}
}

func (v *visit) do(events ...Event) *visit {
	v.t.Helper()
	v.effects = nil
	for len(events) > 0 {
		e := events[0]
		events = events[1:]
		if p, ok := e.(Press); ok {
			p.Seen = v.s.Phase
			e = p
		}
		var out []Effect
		v.s, out = Step(v.s, v.now, e)
		for _, f := range out {
			switch f := f.(type) {
			case EditInput:
				events = append([]Event{InputChanged{Length: 5, Masked: "a***"}}, events...)
			case SetInput:
				events = append([]Event{InputChanged{Length: 5, Masked: "a***", Complete: true}}, events...)
			case Prepare:
				events = append(events, Prepared{f.Number, "visit", "K7-4F9Q"})
			case Commit:
				v.records = append(v.records, f.Record)
			case Ask:
				v.asks++
			case Poll:
				v.polls = append(v.polls, v.now)
			case Wipe:
				events = append(events, Wiped{f.Request})
			}
			v.effects = append(v.effects, f)
		}
	}
	return v
}

func (v *visit) wait(d time.Duration) *visit {
	v.t.Helper()
	for end := v.now + d; ; {
		at, ok := Wake(v.s, v.now)
		if !ok || at > end {
			v.now = end
			return v
		}
		if at == v.now { // already due; then let a moment pass
			before := v.s
			v.do(Tick{})
			if v.s == before {
				v.now = min(end, v.now+time.Millisecond)
			}
			continue
		}
		v.now = at
		v.do(Tick{})
	}
}

// acknowledged brings the visit to Waiting.
func (v *visit) acknowledged(expires, interval time.Duration) *visit {
	v.t.Helper()
	v.do(IdentifierEntered{Identifier: Secret("alice")})
	v.do(Acknowledged{Number: v.s.Question, Expires: expires, Interval: interval})
	return v.in(Waiting)
}

// poll waits for the next poll and answers it.
func (v *visit) poll(a Polled) *visit {
	v.t.Helper()
	for n := len(v.polls); len(v.polls) == n; {
		at, ok := Wake(v.s, v.now)
		if !ok || v.s.Phase != Waiting {
			v.t.Fatalf("no poll is sent in %s", v.s.Phase)
		}
		v.now = max(at, v.now+time.Millisecond)
		v.do(Tick{})
	}
	return v.answer(a)
}

func (v *visit) answer(a Polled) *visit {
	v.t.Helper()
	a.Number, a.Request = v.s.Question, v.s.Request.Number
	return v.do(a)
}

// approved brings the visit to Checking.
func (v *visit) approved() *visit {
	v.t.Helper()
	return v.acknowledged(time.Minute, 5*time.Second).poll(Polled{Verdict: Granted}).in(Checking)
}

func (v *visit) shown() *visit {
	v.t.Helper()
	v.approved().do(Verified{v.s.Question})
	v.in(Fetching).do(Fetched{v.s.Question})
	return v.in(Shown)
}

func (v *visit) in(p Phase) *visit {
	v.t.Helper()
	if v.s.Phase != p {
		v.t.Fatalf("in %s, want %s (%+v)", v.s.Phase, p, v.s)
	}
	return v
}

func (v *visit) ended(r Reason) *visit {
	v.t.Helper()
	v.in(Ended)
	if v.s.Ending.Reason != r {
		v.t.Fatalf("ended for %s, want %s", v.s.Ending.Reason, r)
	}
	return v
}

func (v *visit) lastRecord() Record {
	v.t.Helper()
	if len(v.records) == 0 {
		v.t.Fatal("nothing is on record")
	}
	return v.records[len(v.records)-1]
}

func hasEffect[E Effect](v *visit) bool {
	for _, f := range v.effects {
		if _, ok := f.(E); ok {
			return true
		}
	}
	return false
}

func key(k KeyName) Press     { return Press{Key: k} }
func letter(r rune) Press     { return Press{Key: RuneKey, Rune: r} }
func sec(n int) time.Duration { return time.Duration(n) * time.Second }

func TestVisit(t *testing.T) {
	v := newVisit(t)
	v.do(letter('a')).in(Identify)
	if !hasEffect[EditInput](v) {
		t.Error("the first letter typed in Ready is lost")
	}
	v.do(key(EnterKey)).in(Asking)
	v.do(Acknowledged{Number: v.s.Question, Expires: sec(120), Interval: sec(5)}).in(Waiting)
	v.poll(Polled{Verdict: Pending}).in(Waiting)
	v.poll(Polled{Verdict: Granted}).in(Checking)
	v.do(Verified{v.s.Question}).in(Fetching)
	v.do(Fetched{v.s.Question}).in(Shown)
	if !hasEffect[Revoke](v) {
		t.Error("the tokens were not revoked before the result is read: a power cut would leave them valid")
	}
	if v.s.Reading.Revealed {
		t.Error("the result is shown before a key was pressed")
	}
	v.do(letter('x'))
	if !v.s.Reading.Revealed {
		t.Error("a key did not show the result")
	}
	v.do(key(EnterKey)).in(Ready)
	if hasEffect[Revoke](v) {
		t.Error("the tokens were revoked twice")
	}
	if v.asks != 1 || len(v.polls) != 2 {
		t.Errorf("%d requests and %d polls", v.asks, len(v.polls))
	}
	var stages []Stage
	for _, r := range v.records {
		stages = append(stages, r.Stage)
	}
	if want := []Stage{StageAsking, StageAcknowledged, StageGranted, StageShown}; len(stages) != 4 || stages[0] != want[0] || stages[1] != want[1] || stages[2] != want[2] || stages[3] != want[3] {
		t.Errorf("records %v, want %v", stages, want)
	}
}

func TestEndings(t *testing.T) {
	at := func(f func(*visit) Event) func(*visit) *visit {
		return func(v *visit) *visit { return v.do(f(v)) }
	}
	verdict := func(answer Verdict) func(*visit) *visit {
		return func(v *visit) *visit { return v.poll(Polled{Verdict: answer, Reason: Misconfigured}) }
	}
	cases := []struct {
		name   string
		from   func(*visit) *visit
		by     func(*visit) *visit
		reason Reason
		stage  Stage
		revoke bool
	}{
		{"the server does not know the person", asking,
			func(v *visit) *visit { return v.do(Failed{v.s.Question, Refused}).in(Asking).wait(sec(2)) }, Refused, StageEnded, false},
		{"the customer leaves before the refusal is shown", asking,
			func(v *visit) *visit { return v.do(Failed{v.s.Question, Refused}).do(key(EscapeKey)) }, Cancelled, StageAbandoned, false},

		{"the request got lost", asking, at(func(v *visit) Event { return Failed{v.s.Question, Unreachable} }), Unreachable, StageEnded, false},
		{"the server never answers the request", asking, func(v *visit) *visit { return v.wait(sec(46)) }, Unreachable, StageAbandoned, false},
		{"cancelled while the request is being sent", asking, at(func(*visit) Event { return key(EscapeKey) }), Cancelled, StageAbandoned, false},
		{"stop while the request is being sent", asking, func(v *visit) *visit { v.s, v.effects = Step(v.s, v.now, Stop{}); return v.recordCommits() }, Cancelled, StageAbandoned, false},
		{"declined on the phone", waitingMinute, verdict(Denied), Declined, StageEnded, false},
		{"the server reports that the request expired", waitingMinute, verdict(TimedOut), Expired, StageEnded, false},
		{"the server refuses the client", waitingMinute, verdict(Fatal), Misconfigured, StageEnded, false},
		{"the server no longer knows the auth_req_id", waitingMinute, verdict(UnknownRequest), Unreachable, StageEnded, false},
		{"cancelled while waiting", waitingMinute, at(func(*visit) Event { return key(EscapeKey) }), Cancelled, StageEnded, false},
		{"somebody else approved", (*visit).approved, at(func(v *visit) Event { return Failed{v.s.Question, WrongPerson} }), WrongPerson, StageEnded, true},
		{"the token is invalid", (*visit).approved, at(func(v *visit) Event { return Failed{v.s.Question, Untrusted} }), Untrusted, StageEnded, true},
		{"cancelled while checking", (*visit).approved, at(func(*visit) Event { return key(EscapeKey) }), Cancelled, StageEnded, true},
		{"the validation never ends", (*visit).approved, func(v *visit) *visit { return v.wait(sec(46)) }, Unreachable, StageEnded, true},
		{"the API refuses the token", fetching, at(func(v *visit) Event { return Failed{v.s.Question, NoAccess} }), NoAccess, StageEnded, true},
		{"the API never answers", fetching, func(v *visit) *visit { return v.wait(sec(46)) }, ServiceDown, StageEnded, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := c.from(newVisit(t))
			c.by(v).ended(c.reason)
			if got := v.lastRecord(); got.Stage != c.stage || got.Reason != c.reason {
				t.Errorf("on record: %s for %q, want %s", got.Stage, got.Reason, c.stage)
			}
			revoked := false
			for _, f := range v.effects {
				_, is := f.(Revoke)
				revoked = revoked || is
			}
			if revoked != c.revoke {
				t.Errorf("tokens revoked: %v, want %v", revoked, c.revoke)
			}
			if v.asks > 1 {
				t.Errorf("the phone was rung %d times", v.asks)
			}
		})
	}
}

func asking(v *visit) *visit {
	return v.do(IdentifierEntered{Identifier: Secret("alice")}).in(Asking)
}
func waitingMinute(v *visit) *visit { return v.acknowledged(time.Minute, sec(5)) }
func fetching(v *visit) *visit      { v.approved(); return v.do(Verified{v.s.Question}).in(Fetching) }

func (v *visit) recordCommits() *visit {
	for _, f := range v.effects {
		if c, ok := f.(Commit); ok {
			v.records = append(v.records, c.Record)
		}
	}
	return v
}

func TestThrottledRequest(t *testing.T) {
	s := New(DefaultRules())
	s, _ = Step(s, 0, IdentifierEntered{Identifier: Secret("alice")})
	s, out := Step(s, 0, InputChanged{Length: 5, Complete: true})
	p := out[0].(Prepare)
	s, out = Step(s, 0, Throttled{p.Number, Throttle{Wait: 4 * time.Minute}})
	if s.Phase != Ended || s.Ending.Reason != HeldBack || s.Ending.Throttle.Wait != 4*time.Minute {
		t.Fatalf("%+v", s)
	}
	for _, f := range out {
		if _, ok := f.(Ask); ok {
			t.Fatal("the request was sent")
		}
	}
	if s.CanAskAgain() {
		t.Fatal("asking again is offered at once")
	}
}

// Polling by CIBA Core 7.3, 10.1 and 11.
func TestPollSchedule(t *testing.T) {
	type step struct {
		takes  time.Duration // how long the server takes to answer
		answer Polled
	}
	pending := step{answer: Polled{Verdict: Pending}}
	cases := []struct {
		name              string
		expires, interval time.Duration
		answers           []step
		want              []time.Duration // when polls are sent
	}{
		{"the first poll comes after one interval", sec(60), sec(5), []step{pending, pending}, []time.Duration{sec(5), sec(10)}},
		{"no interval means five seconds", sec(60), 0, []step{pending}, []time.Duration{sec(5)}},
		{"slow_down adds five seconds for good", sec(60), sec(5),
			[]step{{answer: Polled{Verdict: SlowDown}}, pending, {answer: Polled{Verdict: SlowDown}}, pending},
			[]time.Duration{sec(5), sec(15), sec(25), sec(40)}},
		{"slow_down may require more", sec(90), sec(5), []step{{answer: Polled{Verdict: SlowDown, Interval: sec(20)}}, pending, pending},
			[]time.Duration{sec(5), sec(25), sec(45)}},
		{"Retry-After applies once", sec(90), sec(5), []step{{answer: Polled{Verdict: Pending, RetryAfter: sec(30)}}, pending, pending},
			[]time.Duration{sec(5), sec(35), sec(40)}},
		{"the later of slow_down and Retry-After counts", sec(90), sec(5), []step{{answer: Polled{Verdict: SlowDown, RetryAfter: sec(12)}}, pending, pending},
			[]time.Duration{sec(5), sec(17), sec(27)}},
		{"after a long poll the next one is sent at once", sec(90), sec(5), []step{{sec(30), pending.answer}, {sec(30), pending.answer}},
			[]time.Duration{sec(5), sec(35)}},
		{"a short answer does not shorten the interval", sec(60), sec(5), []step{{sec(2), pending.answer}, pending}, []time.Duration{sec(5), sec(12)}},
		{"faults back off and do not end the visit", sec(120), sec(5),
			[]step{{answer: Polled{Verdict: Retryable}}, {answer: Polled{Verdict: Retryable}}, {answer: Polled{Verdict: Retryable}}, pending},
			[]time.Duration{sec(5), sec(15), sec(35), 56250 * time.Millisecond}},
		{"the last poll comes just before the deadline", sec(14), sec(5), []step{pending, pending, pending},
			[]time.Duration{sec(5), sec(10), sec(15)}},
		{"a back-off ends before the deadline", sec(20), sec(5), []step{pending, {answer: Polled{Verdict: Retryable}}, pending},
			[]time.Duration{sec(5), sec(10), 17500 * time.Millisecond}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := newVisit(t).acknowledged(c.expires, c.interval)
			for i, s := range c.answers {
				for len(v.polls) <= i {
					at, ok := Wake(v.s, v.now)
					if !ok || v.s.Phase != Waiting {
						t.Fatalf("after polls at %v: no more, in %s", v.polls, v.s.Phase)
					}
					v.now = max(at, v.now)
					v.do(Tick{})
					if len(v.polls) <= i && at <= v.now {
						v.now += time.Millisecond
					}
				}
				v.now += s.takes
				v.answer(s.answer)
			}
			if len(v.polls) < len(c.want) {
				t.Fatalf("polls at %v, want %v", v.polls, c.want)
			}
			for i, want := range c.want {
				if got := v.polls[i]; got < want || got > want+10*time.Millisecond {
					t.Errorf("poll %d was sent at %v, want %v (all %v)", i+1, got, want, v.polls)
				}
			}
		})
	}
}

func TestNeverTwoPollsAtOnce(t *testing.T) {
	v := newVisit(t).acknowledged(sec(60), sec(5)).wait(sec(50))
	if len(v.polls) != 1 {
		t.Fatalf("%d polls were sent while the first was in flight", len(v.polls))
	}
}

func TestLastSecondApproval(t *testing.T) {
	v := newVisit(t).acknowledged(sec(30), sec(5))
	for len(v.polls) < 5 {
		v.poll(Polled{Verdict: Pending})
	}
	v.wait(sec(30) - v.now + sec(2)) // the poll of 29.5 s is in flight when the deadline passes
	v.in(Waiting)
	v.answer(Polled{Verdict: Granted}).in(Checking)
}

func TestExpiry(t *testing.T) {
	for name, c := range map[string]struct {
		answer Polled
		want   Reason
	}{
		"nobody answered on the phone":  {Polled{Verdict: Pending}, Expired},
		"the server was unreachable":    {Polled{Verdict: Retryable}, Unreachable},
		"the server was out of service": {Polled{Verdict: Retryable, ServerReached: true}, Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisit(t).acknowledged(sec(30), sec(5))
			for v.s.Phase == Waiting {
				v.wait(time.Second)
				if v.s.Phase == Waiting && v.s.Question != 0 {
					v.answer(c.answer)
				}
				if v.now > time.Minute {
					t.Fatal("still waiting after a minute")
				}
			}
			v.ended(c.want)
			late := 0
			for _, p := range v.polls {
				if p >= sec(30) {
					late++
				}
			}
			if late > 1 {
				t.Errorf("%d polls after the expiry", late)
			}
		})
	}
}

func TestLostConnection(t *testing.T) {
	v := newVisit(t).acknowledged(sec(120), sec(5)).poll(Polled{Verdict: Retryable})
	if v.s.Phase != Waiting || !v.s.Request.Schedule.ConnectionLost {
		t.Fatalf("%+v", v.s)
	}
	v.poll(Polled{Verdict: Retryable, ServerReached: true})
	if v.s.Request.Schedule.ConnectionLost {
		t.Error("ConnectionLost is still set after an answer")
	}
	v.poll(Polled{Verdict: Granted}).in(Checking)
}

func TestLostAnswerIsUnreachable(t *testing.T) {
	newVisit(t).acknowledged(sec(120), sec(5)).poll(Polled{Verdict: Retryable}).poll(Polled{Verdict: UnknownRequest}).ended(Unreachable)
}

// Auth0 sends access_denied for declined and for expired.
func TestAmbiguousDenial(t *testing.T) {
	for _, c := range []struct {
		name        string
		ambiguous   bool
		at          time.Duration
		want        Reason
		isAmbiguous bool
	}{
		{"refused early", true, sec(10), Declined, false},
		{"in the last interval", true, sec(57), Declined, true},
		{"after the deadline", true, sec(61), Expired, false},
		{"a server that distinguishes them", false, sec(57), Declined, false},
		{"the same server after the deadline", false, sec(61), Declined, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVisit(t).acknowledged(sec(60), sec(5))
			v.s.Request.AmbiguousDenial = c.ambiguous
			for v.s.Question == 0 || v.now < c.at {
				if v.s.Question != 0 && v.now+sec(5) < c.at {
					v.answer(Polled{Verdict: Pending})
				}
				v.wait(100 * time.Millisecond)
			}
			v.answer(Polled{Verdict: Denied}).ended(c.want)
			if v.s.Ending.Ambiguous != c.isAmbiguous {
				t.Errorf("Ambiguous = %v", v.s.Ending.Ambiguous)
			}
		})
	}
}

func TestTooLateTokensAreRevoked(t *testing.T) {
	v := newVisit(t).acknowledged(sec(60), sec(5)).wait(sec(6))
	number, request := v.s.Question, v.s.Request.Number
	v.do(key(EscapeKey)).ended(Cancelled)
	before := v.s
	v.do(Polled{Number: number, Request: request, Verdict: Granted})
	if !hasEffect[Revoke](v) || v.s != before {
		t.Fatalf("effects %v, state %+v", v.effects, v.s)
	}
}

func TestAskAgain(t *testing.T) {
	v := newVisit(t).acknowledged(sec(60), sec(5)).poll(Polled{Verdict: Denied}).ended(Declined)
	for round := range 2 {
		was := v.s.Request.Number
		v.do(letter('1')).in(Asking)
		if v.s.Request.Number == was || v.asks != round+2 {
			t.Fatalf("request %d after %d; %d requests sent", v.s.Request.Number, was, v.asks)
		}
		v.do(Acknowledged{Number: v.s.Question, Expires: sec(60), Interval: sec(5)}).poll(Polled{Verdict: Denied}).ended(Declined)
	}
	v.do(letter('1'))
	if v.asks != 3 {
		t.Fatalf("%d requests sent", v.asks)
	}
	v.in(Ready)
}

func TestIdlePrompt(t *testing.T) {
	v := newVisit(t).do(key(EnterKey)).in(Identify)
	for range 10 {
		v.wait(sec(61))
		if !v.s.Idle.Prompted {
			t.Fatal("no idle prompt")
		}
		v.wait(sec(15)).do(letter('x'))
		if v.s.Idle.Prompted || v.s.Input.Length != 0 {
			t.Fatal("the key did not answer the prompt, or did something else as well")
		}
	}
	v.wait(sec(61)).do(letter('x'))
	if !v.s.Idle.Prompted {
		t.Fatal("the time was extended an eleventh time")
	}
	v.wait(sec(21)).in(Ready)
}

func TestKeysBelongToTheirScreen(t *testing.T) {
	v := newVisit(t).acknowledged(sec(60), sec(5)).poll(Polled{Verdict: Denied})
	for _, k := range []Press{{Key: EnterKey, Seen: Waiting}, {Key: RuneKey, Rune: '1', Seen: Waiting}, {Key: EscapeKey, Seen: Waiting}} {
		s, out := Step(v.s, v.now, k)
		if s != v.s || len(out) != 0 {
			t.Errorf("%+v changed the next screen", k)
		}
	}
	v = newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).in(Asking)
	if s, _ := Step(v.s, 0, Press{Key: EscapeKey, Seen: Identify}); s.Ending.Reason != Cancelled {
		t.Error("Escape did nothing because the screen had just changed")
	}
}

func TestUnrecordedVisitEnds(t *testing.T) {
	s := New(DefaultRules())
	s, _ = Step(s, 0, IdentifierEntered{Identifier: Secret("alice")})
	s, out := Step(s, 0, InputChanged{Length: 5, Complete: true})
	s, out = Step(s, 0, Prepared{out[0].(Prepare).Number, "v", "c"})
	if _, ok := out[0].(Commit); !ok {
		t.Fatal("the record is not the first effect")
	}
	s, out = Step(s, 0, Unrecorded{StageAsking})
	if s.Phase != Ended || s.Ending.Reason != Internal {
		t.Fatalf("%+v", s)
	}
	for _, f := range out {
		if _, ok := f.(Commit); ok {
			t.Error("a second record was tried")
		}
	}
}

func TestClosureWaitsForVisit(t *testing.T) {
	v := newVisit(t).shown()
	v.do(ClosureChanged{Maintenance, true}).in(Shown)
	v.do(letter('x'), key(EscapeKey)).in(Closed)
	v.do(letter('x'), key(EnterKey)).in(Closed)
	v.do(ClosureChanged{Maintenance, false}).in(Ready)
}

func BenchmarkStep(b *testing.B) {
	s := New(DefaultRules())
	s.Phase, s.Question, s.Request.Number = Waiting, 7, 5
	s.Request.Schedule = NewPollSchedule(0, 0, time.Hour, time.Second)
	e := Polled{Number: 99, Request: 5, Verdict: Pending}
	for b.Loop() {
		s, _ = Step(s, time.Second, e)
	}
}

// throttled returns a visit that the push guard holds back at uptime 0.
func throttled(t *testing.T, h Throttle) State {
	t.Helper()
	s, _ := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice")})
	s, out := Step(s, 0, InputChanged{Length: 5, Complete: true})
	s, _ = Step(s, 0, Throttled{out[0].(Prepare).Number, h})
	if s.Phase != Ended || s.Ending.Reason != HeldBack || s.Ending.Throttle != h {
		t.Fatalf("%+v", s)
	}
	return s
}

func TestThrottledCustomerCanWait(t *testing.T) {
	s := throttled(t, Throttle{Wait: sec(40)})
	one := Press{Key: RuneKey, Rune: '1', Seen: Ended}
	for now := time.Duration(0); now < sec(40); {
		at, ok := Wake(s, now)
		if !ok || at != now+time.Second {
			t.Fatalf("at %v the next change is at %v: there is no countdown", now, at)
		}
		now = at
		var out []Effect
		if s, out = Step(s, now, Tick{}); s.Idle.Prompted || s.Phase != Ended || len(out) > 0 {
			t.Fatalf("at %v: %+v", now, s)
		}
		if now == sec(10) {
			if s, out = Step(s, now, one); s.Phase != Ended || len(out) > 0 || s.Repeats != 0 {
				t.Fatalf("a key during the pause did something: %+v %v", s, out)
			}
		}
	}
	if s.ThrottledFor(sec(40)) != 0 {
		t.Fatal("still held back")
	}
	// Silence counts from when a key can do something.
	if at, ok := Wake(s, sec(41)); !ok || at != sec(40)+s.Rules.ResultLimit {
		t.Errorf("the idle prompt comes at %v", at)
	}
	s, out := Step(s, sec(41), one)
	p, ok := out[0].(Prepare)
	if s.Phase != Asking || !ok || p.From == 0 || s.Ending.Throttle != (Throttle{}) {
		t.Fatalf("%+v %v", s, out)
	}
	// Held back again: no request was sent, so it does not count as a repetition.
	if s, _ = Step(s, sec(41), Throttled{p.Number, Throttle{Wait: sec(5)}}); s.Repeats != 0 || !s.CanAskAgain() {
		t.Errorf("%+v", s)
	}
}

// Without a screen nobody sees a countdown, so the kiosk sleeps until there is something to do. It does the same things at the
// same times.
func TestNoCountdownWithoutScreen(t *testing.T) {
	s := throttled(t, Throttle{Wait: sec(40)})
	s.Rules.NoScreen = true
	if at, ok := Wake(s, 0); !ok || at != sec(40)+s.Rules.ResultLimit {
		t.Errorf("held back: wakes at %v", at)
	}
	for _, noScreen := range []bool{false, true} {
		rules := DefaultRules()
		rules.NoScreen = noScreen
		s := State{Rules: rules, Phase: Waiting, Request: RequestState{Number: 1, Schedule: NewPollSchedule(0, 0, sec(30), sec(5))}}
		var wakes, polls int
		for now := time.Duration(0); s.Phase == Waiting; wakes++ {
			if wakes > 100 {
				t.Fatalf("still waiting at %v", now)
			}
			now, _ = Wake(s, now)
			var out []Effect
			s, out = Step(s, now, Tick{})
			for _, f := range out {
				if _, ok := f.(Poll); ok {
					polls++
					s, _ = Step(s, now, Polled{Number: s.Question, Verdict: Pending})
				}
			}
		}
		if polls != 6 || noScreen != (wakes < 10) {
			t.Errorf("NoScreen %v: %d polls, %d wake-ups", noScreen, polls, wakes)
		}
	}
}

func TestLongThrottleCannotBeAwaited(t *testing.T) {
	for wait, canAskAgain := range map[time.Duration]bool{2 * time.Minute: true, 2*time.Minute + 1: false, time.Hour: false} {
		s := throttled(t, Throttle{Wait: wait})
		if s.CanAskAgain() != canAskAgain {
			t.Errorf("%v: asking again is offered: %v", wait, !canAskAgain)
		}
		at, _ := Wake(s, 0)
		for ; !s.Idle.Prompted && at < 3*time.Hour; at, _ = Wake(s, at) {
			s, _ = Step(s, at, Tick{})
			at++
		}
		if want := s.Rules.ResultLimit; !canAskAgain && s.Idle.PromptedAt != want {
			t.Errorf("%v: the idle prompt came after %v", wait, s.Idle.PromptedAt)
		}
	}
}

// The time of a refusal does not reveal its cause. (TestRefusalsLookLikeAsking in kiosk/screen compares the screens.)
func TestRefusalTimeIsQuantized(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: sec(2), time.Millisecond: sec(2), 1999 * time.Millisecond: sec(2),
		sec(2): sec(4), sec(3): sec(4), sec(44): sec(46), // a slow server: still a multiple
	} {
		s, _ := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice")})
		s, _ = Step(s, 0, InputChanged{Length: 5, Complete: true})
		s, _ = Step(s, 0, Prepared{s.Question, "v1", "K7-4F9Q"})
		s, out := Step(s, took, Failed{s.Question, Refused})
		if s.Phase != Asking || len(out) > 0 {
			t.Fatalf("after %v: %s %v", took, s.Phase, out)
		}
		if at, ok := Wake(s, took); !ok || at != want {
			t.Errorf("a refusal after %v is shown after %v, want %v", took, at, want)
		}
		if s, _ = Step(s, want-1, Tick{}); s.Phase != Asking {
			t.Errorf("the refusal is shown too early")
		}
		if s, _ = Step(s, want, Tick{}); s.Phase != Ended || s.Ending.Reason != Refused || s.Request.RefusalAt != 0 {
			t.Errorf("%+v", s)
		}
	}
}
