package kiosk

import (
	"testing"
	"time"
)

// Each user code (CIBA Core 7.1.2) is sent with a request of its own, and the guard is asked each time.
func TestUserCodeIsRequestedAndSentOnce(t *testing.T) {
	v := newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).require(UserCodeRequired).in(EnterUserCode)
	if r := v.lastRecord(); r.Stage != StageEnded || r.Reason != NoReason {
		t.Errorf("the first request is on record as %v %v", r.Stage, r.Reason)
	}
	first := v.s.Request.Number
	v.do(key(EnterKey)).in(EnterUserCode)
	if !v.s.Input.ProblemShown || v.asks != 1 {
		t.Error("an empty code was sent")
	}
	v.do(letter('7')).do(key(EnterKey)).in(Asking)
	if v.asks != 2 || v.s.Request.Number == first || !hasEffect[Prepare](v) {
		t.Errorf("%d requests, the guard asked: %v", v.asks, hasEffect[Prepare](v))
	}
	v.do(Acknowledged{Number: v.s.Question, Expires: time.Minute, Interval: sec(5)}).in(Waiting)
	v.poll(Polled{Verdict: Denied}).ended(Declined)
	// Asking again requires the code again: it is not kept.
	v.do(letter('1')).in(EnterUserCode)
	if v.asks != 2 {
		t.Error("a request was sent without the code")
	}
}

// An external keypad may send the whole code at once, as a scanner does.
func TestUserCodeAtOnce(t *testing.T) {
	v := newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).require(UserCodeRequired)
	v.do(IdentifierEntered{Identifier: Secret("2580"), Seen: EnterUserCode}).in(Asking)
	if v.asks != 2 {
		t.Errorf("%d requests", v.asks)
	}
}

func TestWrongUserCodesAreLimited(t *testing.T) {
	v := newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).require(UserCodeRequired)
	for n := 1; n <= 3; n++ {
		v.in(EnterUserCode).do(letter('7')).do(key(EnterKey)).require(UserCodeRequired)
		if v.s.UserCode.Tries != n {
			t.Fatalf("%d wrong codes, counted %d", n, v.s.UserCode.Tries)
		}
	}
	v.wait(sec(5)).ended(Refused)
	if v.asks != 4 || !hasEffect[Wipe](v) {
		t.Errorf("%d requests; wiped: %v", v.asks, hasEffect[Wipe](v))
	}
}

func TestCustomerWithoutUserCode(t *testing.T) {
	v := newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).require(UserCodeRequired).in(EnterUserCode)
	v.do(key(EscapeKey)).in(Ready)
	v.do(IdentifierEntered{Identifier: Secret("alice")}).require(UserCodeRequired)
	v.do(UserCodeEntered{}).ended(Refused) // a script without a user code
	if n := len(v.records); n != 4 {
		t.Errorf("%d records of two requests: %v", n, v.records)
	}
	v = newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).require(UserCodeRequired)
	v.wait(2 * time.Minute).in(Ready) // the customer has left
	v.do(IdentifierEntered{Identifier: Secret("alice")}).require(UserCodeRequired).do(Stop{}).in(Ready)
}

func TestExpiredHintTokenIsRefused(t *testing.T) {
	v := newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).require(FreshHintRequired).wait(sec(5)).ended(Refused)
	if !v.s.Request.HintExpired {
		t.Error("the state does not know that the hint has expired")
	}
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

// The time of a refusal does not reveal its cause. (TestRefusalsLookLikeAsking in kiosk/screen compares the screens.)
func TestRefusalTimeIsQuantized(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: sec(2), time.Millisecond: sec(2), 1999 * time.Millisecond: sec(2),
		sec(2): sec(4), sec(3): sec(4), sec(44): sec(46), // a slow server: still a multiple
	} {
		s, _ := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice")})
		s, _ = Step(s, 0, InputChanged{Length: 5, Complete: true})
		s, _ = Step(s, 0, Prepared{s.Question, "v1", "K7-4F9Q"})
		s, out := Step(s, took, Failed{Number: s.Question, Reason: Refused})
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

// Where the server chooses the words, both screens show them, not the kiosk's code.
func TestServersWordsReplaceTheCode(t *testing.T) {
	s, _ := Step(New(DefaultRules()), 0, IdentifierEntered{Identifier: Secret("alice")})
	s, _ = Step(s, 0, InputChanged{Length: 5, Complete: true})
	s, _ = Step(s, 0, Prepared{s.Question, "v1", "K7-4F9Q"})
	s, _ = Step(s, 0, Acknowledged{Number: s.Question, Expires: time.Minute, BindingMessage: "BLUE ELK", ServerChose: true})
	if s.Phase != Waiting || s.Request.Code != "BLUE ELK" || s.Request.BindingMessage != "BLUE ELK" {
		t.Errorf("%s: code %q, message %q", s.Phase, s.Request.Code, s.Request.BindingMessage)
	}
}
