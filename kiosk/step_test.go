package kiosk

import (
	"testing"
	"time"
)

// player plays events through Step as the runner does. The test answers for the authorization server.
type player struct {
	t       *testing.T
	s       State
	now     time.Duration
	effects []Effect // of the last event
	records []Record
	polls   []time.Duration
	asks    int
}

func begin(t *testing.T) *player {
	t.Helper()
	return &player{t: t, s: New(DefaultRules())}
}

func (y *player) do(events ...Event) *player {
	y.t.Helper()
	y.effects = nil
	for len(events) > 0 {
		e := events[0]
		events = events[1:]
		if p, ok := e.(Press); ok {
			p.Seen = y.s.Phase
			e = p
		}
		var out []Effect
		y.s, out = Step(y.s, y.now, e)
		for _, f := range out {
			switch f := f.(type) {
			case EditInput:
				events = append([]Event{InputChanged{Length: 5, Masked: "a***"}}, events...)
			case SetInput:
				events = append([]Event{InputChanged{Length: 5, Masked: "a***", Complete: true}}, events...)
			case Prepare:
				events = append(events, Prepared{f.Number, "visit", "K7-4F9Q"})
			case Commit:
				y.records = append(y.records, f.Record)
			case Ask:
				y.asks++
			case Poll:
				y.polls = append(y.polls, y.now)
			case Wipe:
				events = append(events, Wiped{f.Request})
			}
			y.effects = append(y.effects, f)
		}
	}
	return y
}

func (y *player) wait(d time.Duration) *player {
	y.t.Helper()
	for end := y.now + d; ; {
		at, ok := Wake(y.s, y.now)
		if !ok || at > end {
			y.now = end
			return y
		}
		if at == y.now { // due at once; the next second is not
			before := y.s
			y.do(Tick{})
			if y.s == before {
				y.now = min(end, y.now+time.Millisecond)
			}
			continue
		}
		y.now = at
		y.do(Tick{})
	}
}

// acknowledged brings the visit to Waiting.
func (y *player) acknowledged(expires, interval time.Duration) *player {
	y.t.Helper()
	y.do(IdentifierEntered{Identifier: Secret("alice")})
	y.do(Acknowledged{Number: y.s.Question, Expires: expires, Interval: interval})
	return y.in(Waiting)
}

// poll waits for the next poll and answers it.
func (y *player) poll(a Polled) *player {
	y.t.Helper()
	for n := len(y.polls); len(y.polls) == n; {
		at, ok := Wake(y.s, y.now)
		if !ok || y.s.Phase != Waiting {
			y.t.Fatalf("no poll leaves in %s", y.s.Phase)
		}
		y.now = max(at, y.now+time.Millisecond)
		y.do(Tick{})
	}
	return y.answer(a)
}

func (y *player) answer(a Polled) *player {
	y.t.Helper()
	a.Number, a.Request = y.s.Question, y.s.Request.Number
	return y.do(a)
}

// approved brings the visit to Checking.
func (y *player) approved() *player {
	y.t.Helper()
	return y.acknowledged(time.Minute, 5*time.Second).poll(Polled{Verdict: Granted}).in(Checking)
}

func (y *player) shown() *player {
	y.t.Helper()
	y.approved().do(Verified{y.s.Question})
	y.in(Fetching).do(Fetched{y.s.Question})
	return y.in(Shown)
}

func (y *player) in(p Phase) *player {
	y.t.Helper()
	if y.s.Phase != p {
		y.t.Fatalf("in %s, want %s (%+v)", y.s.Phase, p, y.s)
	}
	return y
}

func (y *player) ended(r Reason) *player {
	y.t.Helper()
	y.in(Ended)
	if y.s.Ending.Reason != r {
		y.t.Fatalf("ended for %s, want %s", y.s.Ending.Reason, r)
	}
	return y
}

func (y *player) last() Record {
	y.t.Helper()
	if len(y.records) == 0 {
		y.t.Fatal("nothing is on record")
	}
	return y.records[len(y.records)-1]
}

func has[E Effect](y *player) bool {
	for _, f := range y.effects {
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
	y := begin(t)
	y.do(letter('a')).in(Identify)
	if !has[EditInput](y) {
		t.Error("who begins to type on Ready loses the first letter")
	}
	y.do(key(EnterKey)).in(Asking)
	y.do(Acknowledged{Number: y.s.Question, Expires: sec(120), Interval: sec(5)}).in(Waiting)
	y.poll(Polled{Verdict: Pending}).in(Waiting)
	y.poll(Polled{Verdict: Granted}).in(Checking)
	y.do(Verified{y.s.Question}).in(Fetching)
	y.do(Fetched{y.s.Question}).in(Shown)
	if !has[Revoke](y) {
		t.Error("the tokens were kept while the result is read: a power cut would leave them good")
	}
	if y.s.Reading.Revealed {
		t.Error("the result is shown before anybody proved to be there")
	}
	y.do(letter('x'))
	if !y.s.Reading.Revealed {
		t.Error("a key does not show the result")
	}
	y.do(key(EnterKey)).in(Ready)
	if has[Revoke](y) {
		t.Error("the tokens were revoked twice")
	}
	if y.asks != 1 || len(y.polls) != 2 {
		t.Errorf("%d requests and %d polls", y.asks, len(y.polls))
	}
	var stages []Stage
	for _, r := range y.records {
		stages = append(stages, r.Stage)
	}
	if want := []Stage{StageAsking, StageAcknowledged, StageGranted, StageShown}; len(stages) != 4 || stages[0] != want[0] || stages[1] != want[1] || stages[2] != want[2] || stages[3] != want[3] {
		t.Errorf("records %v, want %v", stages, want)
	}
}

// Each ending with its reason, its stage, and whether tokens are revoked.
func TestEndings(t *testing.T) {
	at := func(f func(*player) Event) func(*player) *player {
		return func(y *player) *player { return y.do(f(y)) }
	}
	verdict := func(v Verdict) func(*player) *player {
		return func(y *player) *player { return y.poll(Polled{Verdict: v, Reason: Misconfigured}) }
	}
	cases := []struct {
		name   string
		from   func(*player) *player
		by     func(*player) *player
		reason Reason
		stage  Stage
		revoke bool
	}{
		{"the server does not know the person", asking,
			func(y *player) *player { return y.do(Failed{y.s.Question, Refused}).in(Asking).wait(sec(2)) }, Refused, StageEnded, false},
		{"the customer leaves while a refusal is kept back", asking,
			func(y *player) *player { return y.do(Failed{y.s.Question, Refused}).do(key(EscapeKey)) }, Cancelled, StageAbandoned, false},

		{"the request was lost on the way", asking, at(func(y *player) Event { return Failed{y.s.Question, Unreachable} }), Unreachable, StageEnded, false},
		{"the server never answers the request", asking, func(y *player) *player { return y.wait(sec(46)) }, Unreachable, StageAbandoned, false},
		{"cancelled while the request is under way", asking, at(func(*player) Event { return key(EscapeKey) }), Cancelled, StageAbandoned, false},
		{"stop while the request is being sent", asking, func(y *player) *player { y.s, y.effects = Step(y.s, y.now, Stop{}); return y.keep() }, Cancelled, StageAbandoned, false},
		{"declined on the phone", waitingMinute, verdict(Denied), Declined, StageEnded, false},
		{"the server says it expired", waitingMinute, verdict(TimedOut), Expired, StageEnded, false},
		{"the server refuses the client", waitingMinute, verdict(Fatal), Misconfigured, StageEnded, false},
		{"the id is gone in the middle", waitingMinute, verdict(UnknownRequest), Unreachable, StageEnded, false},
		{"cancelled while waiting", waitingMinute, at(func(*player) Event { return key(EscapeKey) }), Cancelled, StageEnded, false},
		{"somebody else approved", (*player).approved, at(func(y *player) Event { return Failed{y.s.Question, WrongPerson} }), WrongPerson, StageEnded, true},
		{"the token does not hold", (*player).approved, at(func(y *player) Event { return Failed{y.s.Question, Untrusted} }), Untrusted, StageEnded, true},
		{"cancelled while checking", (*player).approved, at(func(*player) Event { return key(EscapeKey) }), Cancelled, StageEnded, true},
		{"the check never ends", (*player).approved, func(y *player) *player { return y.wait(sec(46)) }, Unreachable, StageEnded, true},
		{"the API refuses the token", fetching, at(func(y *player) Event { return Failed{y.s.Question, NoAccess} }), NoAccess, StageEnded, true},
		{"the API never answers", fetching, func(y *player) *player { return y.wait(sec(46)) }, ServiceDown, StageEnded, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			y := c.from(begin(t))
			c.by(y).ended(c.reason)
			if got := y.last(); got.Stage != c.stage || got.Reason != c.reason {
				t.Errorf("on record: %s for %q, want %s", got.Stage, got.Reason, c.stage)
			}
			revoked := false
			for _, f := range y.effects {
				_, is := f.(Revoke)
				revoked = revoked || is
			}
			if revoked != c.revoke {
				t.Errorf("tokens revoked: %v, want %v", revoked, c.revoke)
			}
			if y.asks > 1 {
				t.Errorf("the phone was rung %d times", y.asks)
			}
		})
	}
}

func asking(y *player) *player {
	return y.do(IdentifierEntered{Identifier: Secret("alice")}).in(Asking)
}
func waitingMinute(y *player) *player { return y.acknowledged(time.Minute, sec(5)) }
func fetching(y *player) *player      { y.approved(); return y.do(Verified{y.s.Question}).in(Fetching) }

func (y *player) keep() *player {
	for _, f := range y.effects {
		if c, ok := f.(Commit); ok {
			y.records = append(y.records, c.Record)
		}
	}
	return y
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
			t.Fatal("asked all the same")
		}
	}
	if s.CanAskAgain() {
		t.Fatal("offers to ask again at once")
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
		want              []time.Duration // when polls leave
	}{
		{"the first poll comes after one interval", sec(60), sec(5), []step{pending, pending}, []time.Duration{sec(5), sec(10)}},
		{"no interval means five seconds", sec(60), 0, []step{pending}, []time.Duration{sec(5)}},
		{"slow_down adds five seconds for good", sec(60), sec(5),
			[]step{{answer: Polled{Verdict: SlowDown}}, pending, {answer: Polled{Verdict: SlowDown}}, pending},
			[]time.Duration{sec(5), sec(15), sec(25), sec(40)}},
		{"slow_down may ask for more", sec(90), sec(5), []step{{answer: Polled{Verdict: SlowDown, Interval: sec(20)}}, pending, pending},
			[]time.Duration{sec(5), sec(25), sec(45)}},
		{"Retry-After is kept to once", sec(90), sec(5), []step{{answer: Polled{Verdict: Pending, RetryAfter: sec(30)}}, pending, pending},
			[]time.Duration{sec(5), sec(35), sec(40)}},
		{"the later of slow_down and Retry-After counts", sec(90), sec(5), []step{{answer: Polled{Verdict: SlowDown, RetryAfter: sec(12)}}, pending, pending},
			[]time.Duration{sec(5), sec(17), sec(27)}},
		{"after a long poll the next goes at once", sec(90), sec(5), []step{{sec(30), pending.answer}, {sec(30), pending.answer}},
			[]time.Duration{sec(5), sec(35)}},
		{"a short answer does not shorten the interval", sec(60), sec(5), []step{{sec(2), pending.answer}, pending}, []time.Duration{sec(5), sec(12)}},
		{"faults back off and do not end the visit", sec(120), sec(5),
			[]step{{answer: Polled{Verdict: Retryable}}, {answer: Polled{Verdict: Retryable}}, {answer: Polled{Verdict: Retryable}}, pending},
			[]time.Duration{sec(5), sec(15), sec(35), 56250 * time.Millisecond}},
		{"the last poll comes just before the deadline", sec(14), sec(5), []step{pending, pending, pending},
			[]time.Duration{sec(5), sec(10), sec(15)}},
		{"a back-off does not sleep past the deadline", sec(20), sec(5), []step{pending, {answer: Polled{Verdict: Retryable}}, pending},
			[]time.Duration{sec(5), sec(10), 17500 * time.Millisecond}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			y := begin(t).acknowledged(c.expires, c.interval)
			for i, s := range c.answers {
				for len(y.polls) <= i {
					at, ok := Wake(y.s, y.now)
					if !ok || y.s.Phase != Waiting {
						t.Fatalf("after polls at %v: no more, in %s", y.polls, y.s.Phase)
					}
					y.now = max(at, y.now)
					y.do(Tick{})
					if len(y.polls) <= i && at <= y.now {
						y.now += time.Millisecond
					}
				}
				y.now += s.takes
				y.answer(s.answer)
			}
			if len(y.polls) < len(c.want) {
				t.Fatalf("polls at %v, want %v", y.polls, c.want)
			}
			for i, want := range c.want {
				if got := y.polls[i]; got < want || got > want+10*time.Millisecond {
					t.Errorf("poll %d left at %v, want %v (all %v)", i+1, got, want, y.polls)
				}
			}
		})
	}
}

func TestNeverTwoPollsAtOnce(t *testing.T) {
	y := begin(t).acknowledged(sec(60), sec(5)).wait(sec(50))
	if len(y.polls) != 1 {
		t.Fatalf("%d polls left while the first was out", len(y.polls))
	}
}

func TestLastSecondApproval(t *testing.T) {
	y := begin(t).acknowledged(sec(30), sec(5))
	for len(y.polls) < 5 {
		y.poll(Polled{Verdict: Pending})
	}
	y.wait(sec(30) - y.now + sec(2)) // the poll at 29.5 s is out, the deadline passes
	y.in(Waiting)
	y.answer(Polled{Verdict: Granted}).in(Checking)
}

func TestExpiry(t *testing.T) {
	for name, c := range map[string]struct {
		answer Polled
		want   Reason
	}{
		"nobody answered on the phone":            {Polled{Verdict: Pending}, Expired},
		"the server was not to be reached":        {Polled{Verdict: Retryable}, Unreachable},
		"the server was there but out of service": {Polled{Verdict: Retryable, ServerReached: true}, Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			y := begin(t).acknowledged(sec(30), sec(5))
			for y.s.Phase == Waiting {
				y.wait(time.Second)
				if y.s.Phase == Waiting && y.s.Question != 0 {
					y.answer(c.answer)
				}
				if y.now > time.Minute {
					t.Fatal("still waiting after a minute")
				}
			}
			y.ended(c.want)
			late := 0
			for _, p := range y.polls {
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
	y := begin(t).acknowledged(sec(120), sec(5)).poll(Polled{Verdict: Retryable})
	if y.s.Phase != Waiting || !y.s.Request.Schedule.ConnectionLost {
		t.Fatalf("%+v", y.s)
	}
	y.poll(Polled{Verdict: Retryable, ServerReached: true})
	if y.s.Request.Schedule.ConnectionLost {
		t.Error("an answer of any kind finds the connection again")
	}
	y.poll(Polled{Verdict: Granted}).in(Checking)
}

func TestLostAnswerIsUnreachable(t *testing.T) {
	begin(t).acknowledged(sec(120), sec(5)).poll(Polled{Verdict: Retryable}).poll(Polled{Verdict: UnknownRequest}).ended(Unreachable)
}

// Auth0 sends access_denied for declined and for expired.
func TestAmbiguousDenial(t *testing.T) {
	for _, c := range []struct {
		name   string
		merges bool
		at     time.Duration
		want   Reason
		unsure bool
	}{
		{"refused early", true, sec(10), Declined, false},
		{"in the last interval", true, sec(57), Declined, true},
		{"after the deadline", true, sec(61), Expired, false},
		{"a server that tells them apart", false, sec(57), Declined, false},
		{"the same after the deadline", false, sec(61), Declined, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := begin(t).acknowledged(sec(60), sec(5))
			y.s.Request.AmbiguousDenial = c.merges
			for y.s.Question == 0 || y.now < c.at {
				if y.s.Question != 0 && y.now+sec(5) < c.at {
					y.answer(Polled{Verdict: Pending})
				}
				y.wait(100 * time.Millisecond)
			}
			y.answer(Polled{Verdict: Denied}).ended(c.want)
			if y.s.Ending.Ambiguous != c.unsure {
				t.Errorf("unsure %v", y.s.Ending.Ambiguous)
			}
		})
	}
}

func TestTooLateTokensAreRevoked(t *testing.T) {
	y := begin(t).acknowledged(sec(60), sec(5)).wait(sec(6))
	number, request := y.s.Question, y.s.Request.Number
	y.do(key(EscapeKey)).ended(Cancelled)
	before := y.s
	y.do(Polled{Number: number, Request: request, Verdict: Granted})
	if !has[Revoke](y) || y.s != before {
		t.Fatalf("effects %v, state %+v", y.effects, y.s)
	}
}

func TestAskAgain(t *testing.T) {
	y := begin(t).acknowledged(sec(60), sec(5)).poll(Polled{Verdict: Denied}).ended(Declined)
	for round := range 2 {
		was := y.s.Request.Number
		y.do(letter('1')).in(Asking)
		if y.s.Request.Number == was || y.asks != round+2 {
			t.Fatalf("request %d after %d, %d rings", y.s.Request.Number, was, y.asks)
		}
		y.do(Acknowledged{Number: y.s.Question, Expires: sec(60), Interval: sec(5)}).poll(Polled{Verdict: Denied}).ended(Declined)
	}
	y.do(letter('1'))
	if y.asks != 3 {
		t.Fatalf("%d rings", y.asks)
	}
	y.in(Ready)
}

func TestIdlePrompt(t *testing.T) {
	y := begin(t).do(key(EnterKey)).in(Identify)
	for range 10 {
		y.wait(sec(61))
		if !y.s.Idle.Prompted {
			t.Fatal("nobody asked whether somebody is there")
		}
		y.wait(sec(15)).do(letter('x'))
		if y.s.Idle.Prompted || y.s.Input.Length != 0 {
			t.Fatal("the key did not answer the question, or did something else, too")
		}
	}
	y.wait(sec(61)).do(letter('x'))
	if !y.s.Idle.Prompted {
		t.Fatal("an eleventh extension")
	}
	y.wait(sec(21)).in(Ready)
}

func TestKeysBelongToTheirScreen(t *testing.T) {
	y := begin(t).acknowledged(sec(60), sec(5)).poll(Polled{Verdict: Denied})
	for _, k := range []Press{{Key: EnterKey, Seen: Waiting}, {Key: RuneKey, Rune: '1', Seen: Waiting}, {Key: EscapeKey, Seen: Waiting}} {
		s, out := Step(y.s, y.now, k)
		if s != y.s || len(out) != 0 {
			t.Errorf("%+v was taken for the screen after it", k)
		}
	}
	y = begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).in(Asking)
	if s, _ := Step(y.s, 0, Press{Key: EscapeKey, Seen: Identify}); s.Ending.Reason != Cancelled {
		t.Error("Escape was not heard because the screen had just changed")
	}
}

func TestUnrecordedVisitEnds(t *testing.T) {
	s := New(DefaultRules())
	s, _ = Step(s, 0, IdentifierEntered{Identifier: Secret("alice")})
	s, out := Step(s, 0, InputChanged{Length: 5, Complete: true})
	s, out = Step(s, 0, Prepared{out[0].(Prepare).Number, "v", "c"})
	if _, ok := out[0].(Commit); !ok {
		t.Fatal("the record does not come first")
	}
	s, out = Step(s, 0, Unrecorded{StageAsking})
	if s.Phase != Ended || s.Ending.Reason != Internal {
		t.Fatalf("%+v", s)
	}
	for _, f := range out {
		if _, ok := f.(Commit); ok {
			t.Error("a record is tried again on a full card")
		}
	}
}

func TestClosureWaitsForVisit(t *testing.T) {
	y := begin(t).shown()
	y.do(ClosureChanged{Maintenance, true}).in(Shown)
	y.do(letter('x'), key(EscapeKey)).in(Closed)
	y.do(letter('x'), key(EnterKey)).in(Closed)
	y.do(ClosureChanged{Maintenance, false}).in(Ready)
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

// throttled is a visit that the push guard holds back for the given time, at uptime 0.
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
			t.Fatalf("at %v the next change is at %v: the wait does not count down", now, at)
		}
		now = at
		var out []Effect
		if s, out = Step(s, now, Tick{}); s.Idle.Prompted || s.Phase != Ended || len(out) > 0 {
			t.Fatalf("at %v: %+v", now, s)
		}
		if now == sec(10) {
			if s, out = Step(s, now, one); s.Phase != Ended || len(out) > 0 || s.Repeats != 0 {
				t.Fatalf("pressed too early: %+v %v", s, out)
			}
		}
	}
	if s.ThrottledFor(sec(40)) != 0 {
		t.Fatal("still held")
	}
	// Silence counts from when a key can do something.
	if at, ok := Wake(s, sec(41)); !ok || at != sec(40)+s.Rules.ResultLimit {
		t.Errorf("asked whether anybody is there at %v", at)
	}
	s, out := Step(s, sec(41), one)
	p, ok := out[0].(Prepare)
	if s.Phase != Asking || !ok || p.From == 0 || s.Ending.Throttle != (Throttle{}) {
		t.Fatalf("%+v %v", s, out)
	}
	// Throttled once more: that was no request, so it does not count as a repetition.
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
	for _, unseen := range []bool{false, true} {
		rules := DefaultRules()
		rules.NoScreen = unseen
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
		if polls != 6 || unseen != (wakes < 10) {
			t.Errorf("without a screen: %v; %d polls, %d times awake", unseen, polls, wakes)
		}
	}
}

func TestLongThrottleKeepsNothing(t *testing.T) {
	for wait, keeps := range map[time.Duration]bool{2 * time.Minute: true, 2*time.Minute + 1: false, time.Hour: false} {
		s := throttled(t, Throttle{Wait: wait})
		if s.CanAskAgain() != keeps {
			t.Errorf("%v: what was typed is kept: %v", wait, !keeps)
		}
		at, _ := Wake(s, 0)
		for ; !s.Idle.Prompted && at < 3*time.Hour; at, _ = Wake(s, at) {
			s, _ = Step(s, at, Tick{})
			at++
		}
		if want := s.Rules.ResultLimit; !keeps && s.Idle.PromptedAt != want {
			t.Errorf("%v: asked whether anybody is there after %v", wait, s.Idle.PromptedAt)
		}
	}
}

// The time of a refusal does not reveal its cause. (TestRefusalsLookLikeAsking in kiosk/screen compares the screens.)
func TestRefusalTimeIsQuantized(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: sec(2), time.Millisecond: sec(2), 1999 * time.Millisecond: sec(2),
		sec(2): sec(4), sec(3): sec(4), sec(44): sec(46), // the server's own slowness: in steps at least
	} {
		s, _ := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice")})
		s, _ = Step(s, 0, InputChanged{Length: 5, Complete: true})
		s, _ = Step(s, 0, Prepared{s.Question, "v1", "K7-4F9Q"})
		s, out := Step(s, took, Failed{s.Question, Refused})
		if s.Phase != Asking || len(out) > 0 {
			t.Fatalf("after %v: %s %v", took, s.Phase, out)
		}
		if at, ok := Wake(s, took); !ok || at != want {
			t.Errorf("refused after %v it is shown after %v, want %v", took, at, want)
		}
		if s, _ = Step(s, want-1, Tick{}); s.Phase != Asking {
			t.Errorf("shown too early")
		}
		if s, _ = Step(s, want, Tick{}); s.Phase != Ended || s.Ending.Reason != Refused || s.Request.RefusalAt != 0 {
			t.Errorf("%+v", s)
		}
	}
}
