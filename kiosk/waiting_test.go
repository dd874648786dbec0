package kiosk

import (
	"testing"
	"time"
)

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

// A ping makes the next poll due at once, once, and only for the request that waits.
func TestPingMakesPollDue(t *testing.T) {
	v := newVisit(t).acknowledged(2*time.Minute, sec(15))
	v.wait(sec(3)).do(Pinged{v.s.Request.Number})
	if len(v.polls) != 1 || v.polls[0] != v.now {
		t.Fatalf("polls at %v, pinged at %v", v.polls, v.now)
	}
	v.do(Pinged{v.s.Request.Number}) // again, while the poll is in flight
	v.answer(Polled{Verdict: Pending})
	v.do(Pinged{v.s.Request.Number})
	if len(v.polls) != 1 {
		t.Errorf("a second ping caused another poll: %v", v.polls)
	}
	v.wait(sec(16)) // the ping was wrong: polling continues at its interval
	if len(v.polls) != 2 {
		t.Errorf("polls at %v", v.polls)
	}

	v = newVisit(t).acknowledged(2*time.Minute, sec(15)).do(Pinged{v.s.Request.Number + 7})
	if len(v.polls) != 0 {
		t.Error("a ping for another request caused a poll")
	}
}

func TestPingDuringPollCausesAnotherPoll(t *testing.T) {
	v := newVisit(t).acknowledged(2*time.Minute, sec(15)).wait(sec(15))
	if len(v.polls) != 1 {
		t.Fatalf("polls at %v", v.polls)
	}
	v.do(Pinged{v.s.Request.Number})
	if len(v.polls) != 1 {
		t.Fatal("two polls at once")
	}
	v.answer(Polled{Verdict: Pending}) // the server answered before the approval
	if len(v.polls) != 2 || v.polls[1] != v.now {
		t.Fatalf("polls at %v, now %v", v.polls, v.now)
	}
	v.answer(Polled{Verdict: Granted}).in(Checking)
}

func TestPingBeforeAcknowledgement(t *testing.T) {
	v := newVisit(t).do(IdentifierEntered{Identifier: Secret("alice")}).in(Asking)
	v.do(Pinged{v.s.Request.Number})
	if len(v.polls) != 0 {
		t.Fatal("polled without an auth_req_id")
	}
	v.do(Acknowledged{Number: v.s.Question, Expires: time.Minute, Interval: sec(15)}).in(Waiting)
	if len(v.polls) != 1 || v.lastRecord().Stage != StageAcknowledged {
		t.Errorf("%d polls; last on record is %s", len(v.polls), v.lastRecord().Stage)
	}
}

func TestPingRespectsServerPause(t *testing.T) {
	for name, a := range map[string]Polled{
		"Retry-After": {Verdict: Retryable, ServerReached: true, RetryAfter: sec(40)},
		"slow_down":   {Verdict: SlowDown, Interval: sec(40)},
	} {
		v := newVisit(t).acknowledged(2*time.Minute, sec(5)).poll(a)
		at := v.now
		v.wait(sec(2)).do(Pinged{v.s.Request.Number}).wait(sec(37))
		if len(v.polls) != 1 {
			t.Errorf("%s: polled %v after the server asked for 40 s", name, v.polls[1]-at)
		}
		v.wait(sec(2))
		if len(v.polls) != 2 {
			t.Errorf("%s: no poll followed the ping", name)
		}
	}
}

// The device flow (RFC 8628) asks the same person by another request. The first request is no longer polled, and its tokens are
// revoked.
func TestDeviceFlowReplacesRequest(t *testing.T) {
	v := newVisit(t)
	v.s.Rules.DeviceFlow = true
	v.acknowledged(2*time.Minute, sec(5)).wait(sec(5))
	old, out := v.s.Request.Number, v.s.Question
	if len(v.polls) != 1 {
		t.Fatal("no poll is in flight")
	}
	v.do(letter('2')).in(Asking)
	if r := v.records[len(v.records)-2]; r.Stage != StageEnded || r.Reason != Cancelled {
		t.Errorf("the first request is on record as %v %v", r.Stage, r.Reason)
	}
	if v.asks != 2 || !hasEffect[Prepare](v) || v.s.Flow != DeviceFlow || v.s.Request.Code != "" {
		t.Errorf("%d requests, flow %d, code %q", v.asks, v.s.Flow, v.s.Request.Code)
	}
	v.do(Polled{Number: out, Request: old, Verdict: Granted})
	if !hasEffect[Revoke](v) {
		t.Error("tokens of the abandoned request were not revoked")
	}
	v.do(Acknowledged{Number: v.s.Question, Expires: time.Minute, Interval: sec(5)}).in(Waiting)
	v.do(letter('2')).in(Waiting) // there is no third flow
	v.wait(sec(40)).in(Waiting)
	if v.s.Help {
		t.Error("the help opened although no phone rings")
	}
	v.answer(Polled{Verdict: Granted}).in(Checking).do(Failed{Number: v.s.Question, Reason: WrongPerson}).ended(WrongPerson)
	if !hasEffect[Revoke](v) {
		t.Error("another person's tokens were not revoked")
	}
}

func TestDeviceFlowAfterRefusal(t *testing.T) {
	v := newVisit(t)
	v.s.Rules.DeviceFlow = true
	v.do(IdentifierEntered{Identifier: Secret("alice")}).do(Failed{Number: v.s.Question, Reason: Refused}).wait(sec(5)).ended(Refused)
	if hasEffect[Wipe](v) {
		t.Fatal("the identifier was wiped although the device flow is offered")
	}
	v.do(letter('x')).ended(Refused)
	v.do(letter('2')).in(Asking)
	v.do(Failed{Number: v.s.Question, Reason: Refused}).wait(sec(5)).ended(Refused)
	v.do(letter('2')).in(Ready)

	v.acknowledged(time.Minute, sec(5)).poll(Polled{Verdict: Denied}).ended(Declined)
	if v.s.OffersDeviceFlow() {
		t.Error("the device flow is offered after the person declined")
	}
}

func TestDeviceFlowNeedsSetting(t *testing.T) {
	v := newVisit(t).acknowledged(time.Minute, sec(5)).do(letter('2')).in(Waiting)
	if v.asks != 1 {
		t.Error("a second request")
	}
	v.poll(Polled{Verdict: TimedOut}).ended(Expired)
}

// The content of the device flow's screen is not on record, so it cannot be resumed.
func TestDeviceFlowIsNotResumed(t *testing.T) {
	r := Record{Visit: "v", Stage: StageAcknowledged, Boot: "b", Expires: time.Minute, Uptime: sec(10), Sent: sec(9)}
	here := BootContext{Boot: "b", Uptime: sec(12)}
	if got := Recover([]Record{r}, here); got[0].Action != PollToClose {
		t.Errorf("%v", got[0].Action)
	}
	r.Code = "K7-4F9Q"
	if got := Recover([]Record{r}, here); got[0].Action != Resume {
		t.Errorf("%v", got[0].Action)
	}
}
