package kiosk

import (
	"testing"
	"time"
)

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
