package kiosk

import (
	"testing"
	"time"
)

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
			func(v *visit) *visit {
				return v.do(Failed{Number: v.s.Question, Reason: Refused}).in(Asking).wait(sec(2))
			}, Refused, StageEnded, false},
		{"the customer leaves before the refusal is shown", asking,
			func(v *visit) *visit { return v.do(Failed{Number: v.s.Question, Reason: Refused}).do(key(EscapeKey)) }, Cancelled, StageAbandoned, false},

		{"the request got lost", asking, at(func(v *visit) Event { return Failed{Number: v.s.Question, Reason: Unreachable} }), Unreachable, StageEnded, false},
		{"the server never answers the request", asking, func(v *visit) *visit { return v.wait(sec(46)) }, Unreachable, StageAbandoned, false},
		{"cancelled while the request is being sent", asking, at(func(*visit) Event { return key(EscapeKey) }), Cancelled, StageAbandoned, false},
		{"stop while the request is being sent", asking, func(v *visit) *visit { v.s, v.effects = Step(v.s, v.now, Stop{}); return v.recordCommits() }, Cancelled, StageAbandoned, false},
		{"declined on the phone", waitingMinute, verdict(Denied), Declined, StageEnded, false},
		{"the server reports that the request expired", waitingMinute, verdict(TimedOut), Expired, StageEnded, false},
		{"the server refuses the client", waitingMinute, verdict(Fatal), Misconfigured, StageEnded, false},
		{"the server no longer knows the auth_req_id", waitingMinute, verdict(UnknownRequest), Unreachable, StageEnded, false},
		{"cancelled while waiting", waitingMinute, at(func(*visit) Event { return key(EscapeKey) }), Cancelled, StageEnded, false},
		{"somebody else approved", (*visit).approved, at(func(v *visit) Event { return Failed{Number: v.s.Question, Reason: WrongPerson} }), WrongPerson, StageEnded, true},
		{"the token is invalid", (*visit).approved, at(func(v *visit) Event { return Failed{Number: v.s.Question, Reason: Untrusted} }), Untrusted, StageEnded, true},
		{"cancelled while checking", (*visit).approved, at(func(*visit) Event { return key(EscapeKey) }), Cancelled, StageEnded, true},
		{"the validation never ends", (*visit).approved, func(v *visit) *visit { return v.wait(sec(46)) }, Unreachable, StageEnded, true},
		{"the API refuses the token", fetching, at(func(v *visit) Event { return Failed{Number: v.s.Question, Reason: NoAccess} }), NoAccess, StageEnded, true},
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

func fetching(v *visit) *visit { v.approved(); return v.do(Verified{v.s.Question}).in(Fetching) }

func (v *visit) recordCommits() *visit {
	for _, f := range v.effects {
		if c, ok := f.(Commit); ok {
			v.records = append(v.records, c.Record)
		}
	}
	return v
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
