package kiosk

import (
	"testing"
	"time"
)

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
