package kiosk

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// require makes the server require an input instead of acknowledging the request.
func (v *visit) require(w RequiredInput) *visit {
	v.t.Helper()
	return v.in(Asking).do(InputRequired{v.s.Question, w})
}

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
	v.answer(Polled{Verdict: Granted}).in(Checking).do(Failed{v.s.Question, WrongPerson}).ended(WrongPerson)
	if !hasEffect[Revoke](v) {
		t.Error("another person's tokens were not revoked")
	}
}

func TestDeviceFlowAfterRefusal(t *testing.T) {
	v := newVisit(t)
	v.s.Rules.DeviceFlow = true
	v.do(IdentifierEntered{Identifier: Secret("alice")}).do(Failed{v.s.Question, Refused}).wait(sec(5)).ended(Refused)
	if hasEffect[Wipe](v) {
		t.Fatal("the identifier was wiped although the device flow is offered")
	}
	v.do(letter('x')).ended(Refused)
	v.do(letter('2')).in(Asking)
	v.do(Failed{v.s.Question, Refused}).wait(sec(5)).ended(Refused)
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

func jwt(header, claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(claims)) + ".c2ln"
}

func TestParseHintToken(t *testing.T) {
	good := jwt(`{"alg":"ES256","typ":"JWT"}`, `{"sub":"alice"}`)
	for s, want := range map[string]bool{
		good:                             true,
		jwt(`{"alg":"none"}`, `{"a":1}`): false, // not signed
		jwt(`{"typ":"JWT"}`, `{"a":1}`):  false,
		jwt(`{"alg":"ES256"}`, `[1]`):    false,
		jwt(`{"alg":"ES256"}`, `{"sub`):  false,
		jwt(`["ES256"]`, `{"sub":"a"}`):  false,
		good + "=":                       false,
		strings.TrimSuffix(good, "c2ln"): false, // no signature
		good + ".x.y":                    false, // encrypted: the claims cannot be read
		jwt(`{"alg":"ES256"}`, `{"x":"`+strings.Repeat("y", MaxHintToken)+`"}`): false,
		"alice":             false,
		"a.b.c":             false,
		"alice@example.org": false,
		"":                  false,
	} {
		if _, ok := ParseHintToken(s); ok != want {
			t.Errorf("%.60q: %v", s, ok)
		}
	}
	for _, k := range []IdentifierKind{TextKind, EmailKind, PhoneKind, NumberKind} {
		if p := Check(k, Trim(k, " "+good+"\n")); p != NoProblem {
			t.Errorf("%s: %s", k, p)
		}
		if Trim(k, good) != good {
			t.Errorf("%s: the token was changed", k)
		}
		if m := Mask(k, good); m != "" {
			t.Errorf("%s: masked as %q", k, m)
		}
	}
	if p := Check(TextKind, "eyJ"+strings.Repeat("x", MaxIdentifier)); p != TooLong {
		t.Errorf("a text that only begins like a token: %s", p)
	}
}

func FuzzHintToken(f *testing.F) {
	f.Add(jwt(`{"alg":"ES256"}`, `{"sub":"alice"}`))
	f.Add("a.b.c")
	f.Add(jwt(`{"alg":1}`, `{}`))
	f.Fuzz(func(t *testing.T, s string) {
		claims, ok := ParseHintToken(s)
		if ok && (len(s) > MaxHintToken || len(claims) < 2 || !strings.Contains(string(claims), "{") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("%q was accepted, with claims %q", s, claims)
		}
		if ok != (Check(NumberKind, s) == NoProblem) && ok {
			t.Errorf("%q is a token and has a problem", s)
		}
	})
}
