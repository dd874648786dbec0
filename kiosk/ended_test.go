package kiosk

import (
	"testing"
	"time"
)

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

// A refused request and another person's approval can be repeated with what was typed, unless the server would certainly
// refuse again or the customer has used up the tries at the user code.
func TestAskAgainAfterRefusal(t *testing.T) {
	refused := func() *visit {
		v := newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).do(Failed{Number: unusedNumber, Reason: Internal})
		return v.do(Failed{Number: v.s.Question, Reason: Refused}).wait(DefaultRules().RefusalQuantum).ended(Refused)
	}
	if v := refused().do(letter('1')).in(Asking); v.asks != 2 {
		t.Errorf("%d requests sent", v.asks)
	}
	v := newVisit(t).approved()
	v.do(Failed{Number: v.s.Question, Reason: WrongPerson}).ended(WrongPerson).do(letter('1')).in(Asking)

	for name, change := range map[string]func(*State){
		"expired hint token": func(s *State) { s.Request.HintExpired = true },
		"user codes used up": func(s *State) { s.UserCode.Tries = s.Rules.MaxCodeTries },
		"two repetitions":    func(s *State) { s.Repeats = s.Rules.MaxRepeats },
	} {
		s := refused().s
		if change(&s); s.CanAskAgain() {
			t.Errorf("%s: asking again is offered", name)
		}
	}
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
