package kiosk

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// wantedBy has the server want something instead of acknowledging.
func (y *player) wants(w RequiredInput) *player {
	y.t.Helper()
	return y.in(Asking).do(InputRequired{y.s.Question, w})
}

// A user code (CIBA Core 7.1.2): each try is a key, a request of its own with the
// guard asked, and after a few the visit ends.
func TestUserCodeIsRequestedAndSentOnce(t *testing.T) {
	y := begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).wants(UserCodeRequired).in(EnterUserCode)
	if r := y.last(); r.Stage != StageEnded || r.Reason != NoReason {
		t.Errorf("the request that came to nothing is on record as %v %v", r.Stage, r.Reason)
	}
	first := y.s.Request.Number
	y.do(key(EnterKey)).in(EnterUserCode)
	if !y.s.Input.ProblemShown || y.asks != 1 {
		t.Error("an empty code was sent")
	}
	y.do(letter('7')).do(key(EnterKey)).in(Asking)
	if y.asks != 2 || y.s.Request.Number == first || !has[Prepare](y) {
		t.Errorf("%d requests, the guard asked: %v", y.asks, has[Prepare](y))
	}
	y.do(Acknowledged{Number: y.s.Question, Expires: time.Minute, Interval: sec(5)}).in(Waiting)
	y.poll(Polled{Verdict: Denied}).ended(Declined)
	// Acknowledged again, it is typed again: nobody has kept it.
	y.do(letter('1')).in(EnterUserCode)
	if y.asks != 2 {
		t.Error("asked again without the code")
	}
}

// A keypad of its own may send the whole code at once, as a scanner does.
func TestUserCodeFromScript(t *testing.T) {
	y := begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).wants(UserCodeRequired)
	y.do(IdentifierEntered{Identifier: Secret("2580"), Seen: EnterUserCode}).in(Asking)
	if y.asks != 2 {
		t.Errorf("%d requests", y.asks)
	}
}

func TestWrongUserCodesAreLimited(t *testing.T) {
	y := begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).wants(UserCodeRequired)
	for n := 1; n <= 3; n++ {
		y.in(EnterUserCode).do(letter('7')).do(key(EnterKey)).wants(UserCodeRequired)
		if y.s.UserCode.Tries != n {
			t.Fatalf("%d wrong, counted %d", n, y.s.UserCode.Tries)
		}
	}
	y.wait(sec(5)).ended(Refused)
	if y.asks != 4 || !has[Wipe](y) {
		t.Errorf("%d requests; wiped: %v", y.asks, has[Wipe](y))
	}
}

func TestCustomerWithoutUserCode(t *testing.T) {
	y := begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).wants(UserCodeRequired).in(EnterUserCode)
	y.do(key(EscapeKey)).in(Ready)
	y.do(IdentifierEntered{Identifier: Secret("alice")}).wants(UserCodeRequired)
	y.do(UserCodeEntered{}).ended(Refused) // a script that has none
	if n := len(y.records); n != 4 {
		t.Errorf("%d records of two requests: %v", n, y.records)
	}
	y = begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).wants(UserCodeRequired)
	y.wait(2 * time.Minute).in(Ready) // nobody there any more
	y.do(IdentifierEntered{Identifier: Secret("alice")}).wants(UserCodeRequired).do(Stop{}).in(Ready)
}

func TestExpiredHintTokenIsRefused(t *testing.T) {
	y := begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).wants(FreshHintRequired).wait(sec(5)).ended(Refused)
	if !y.s.Request.HintExpired {
		t.Error("the state does not know that the hint has expired")
	}
}

// A ping makes the next poll due at once, once, and only for the request that waits.
func TestPingMakesPollDue(t *testing.T) {
	y := begin(t).acknowledged(2*time.Minute, sec(15))
	y.wait(sec(3)).do(Pinged{y.s.Request.Number})
	if len(y.polls) != 1 || y.polls[0] != y.now {
		t.Fatalf("polls at %v, pinged at %v", y.polls, y.now)
	}
	y.do(Pinged{y.s.Request.Number}) // again, while the poll is out
	y.answer(Polled{Verdict: Pending})
	y.do(Pinged{y.s.Request.Number})
	if len(y.polls) != 1 {
		t.Errorf("a second ping made another poll: %v", y.polls)
	}
	y.wait(sec(16)) // a ping is no proof: polling goes on, slowly
	if len(y.polls) != 2 {
		t.Errorf("polls at %v", y.polls)
	}

	y = begin(t).acknowledged(2*time.Minute, sec(15)).do(Pinged{y.s.Request.Number + 7})
	if len(y.polls) != 0 {
		t.Error("a ping for somebody else's request made a poll")
	}
}

func TestPingDuringPollCausesAnotherPoll(t *testing.T) {
	y := begin(t).acknowledged(2*time.Minute, sec(15)).wait(sec(15))
	if len(y.polls) != 1 {
		t.Fatalf("polls at %v", y.polls)
	}
	y.do(Pinged{y.s.Request.Number})
	if len(y.polls) != 1 {
		t.Fatal("two polls at once")
	}
	y.answer(Polled{Verdict: Pending}) // the server said so before it knew
	if len(y.polls) != 2 || y.polls[1] != y.now {
		t.Fatalf("polls at %v, now %v", y.polls, y.now)
	}
	y.answer(Polled{Verdict: Granted}).in(Checking)
}

func TestPingBeforeAcknowledgement(t *testing.T) {
	y := begin(t).do(IdentifierEntered{Identifier: Secret("alice")}).in(Asking)
	y.do(Pinged{y.s.Request.Number})
	if len(y.polls) != 0 {
		t.Fatal("polled without an auth_req_id")
	}
	y.do(Acknowledged{Number: y.s.Question, Expires: time.Minute, Interval: sec(15)}).in(Waiting)
	if len(y.polls) != 1 || y.last().Stage != StageAcknowledged {
		t.Errorf("%d polls; last on record is %s", len(y.polls), y.last().Stage)
	}
}

func TestPingRespectsServerPause(t *testing.T) {
	for name, a := range map[string]Polled{
		"Retry-After": {Verdict: Retryable, ServerReached: true, RetryAfter: sec(40)},
		"slow_down":   {Verdict: SlowDown, Interval: sec(40)},
	} {
		y := begin(t).acknowledged(2*time.Minute, sec(5)).poll(a)
		at := y.now
		y.wait(sec(2)).do(Pinged{y.s.Request.Number}).wait(sec(37))
		if len(y.polls) != 1 {
			t.Errorf("%s: polled %v after the server asked for 40 s", name, y.polls[1]-at)
		}
		y.wait(sec(2))
		if len(y.polls) != 2 {
			t.Errorf("%s: the ping is forgotten", name)
		}
	}
}

// The device flow (RFC 8628) asks the same person by another request. The first request is no longer polled, and its tokens are
// revoked.
func TestDeviceFlowReplacesRequest(t *testing.T) {
	y := begin(t)
	y.s.Rules.DeviceFlow = true
	y.acknowledged(2*time.Minute, sec(5)).wait(sec(5))
	old, out := y.s.Request.Number, y.s.Question
	if len(y.polls) != 1 {
		t.Fatal("no poll is out")
	}
	y.do(letter('2')).in(Asking)
	if r := y.records[len(y.records)-2]; r.Stage != StageEnded || r.Reason != Cancelled {
		t.Errorf("the first request is on record as %v %v", r.Stage, r.Reason)
	}
	if y.asks != 2 || !has[Prepare](y) || y.s.Flow != DeviceFlow || y.s.Request.Code != "" {
		t.Errorf("%d requests, flow %d, code %q", y.asks, y.s.Flow, y.s.Request.Code)
	}
	y.do(Polled{Number: out, Request: old, Verdict: Granted})
	if !has[Revoke](y) {
		t.Error("tokens of the request that was left are kept")
	}
	y.do(Acknowledged{Number: y.s.Question, Expires: time.Minute, Interval: sec(5)}).in(Waiting)
	y.do(letter('2')).in(Waiting) // there is no third
	y.wait(sec(40)).in(Waiting)
	if y.s.Help {
		t.Error("help for a phone that does not ring")
	}
	y.answer(Polled{Verdict: Granted}).in(Checking).do(Failed{y.s.Question, WrongPerson}).ended(WrongPerson)
	if !has[Revoke](y) {
		t.Error("another person's tokens are kept")
	}
}

func TestDeviceFlowAfterRefusal(t *testing.T) {
	y := begin(t)
	y.s.Rules.DeviceFlow = true
	y.do(IdentifierEntered{Identifier: Secret("alice")}).do(Failed{y.s.Question, Refused}).wait(sec(5)).ended(Refused)
	if has[Wipe](y) {
		t.Fatal("who it was is forgotten already")
	}
	y.do(letter('x')).ended(Refused)
	y.do(letter('2')).in(Asking)
	y.do(Failed{y.s.Question, Refused}).wait(sec(5)).ended(Refused)
	y.do(letter('2')).in(Ready)

	y.acknowledged(time.Minute, sec(5)).poll(Polled{Verdict: Denied}).ended(Declined)
	if y.s.OffersDeviceFlow() {
		t.Error("offered to somebody who has just declined")
	}
}

func TestDeviceFlowNeedsSetting(t *testing.T) {
	y := begin(t).acknowledged(time.Minute, sec(5)).do(letter('2')).in(Waiting)
	if y.asks != 1 {
		t.Error("a second request")
	}
	y.poll(Polled{Verdict: TimedOut}).ended(Expired)
}

// The content of the device flow's screen is not on record, so it cannot be resumed.
func TestDeviceFlowIsNotResumed(t *testing.T) {
	r := Record{Visit: "v", Stage: StageAcknowledged, Boot: "b", Expires: time.Minute, Uptime: sec(10), Sent: sec(9)}
	here := BootContext{Boot: "b", Uptime: sec(12)}
	if v := Recover([]Record{r}, here); v[0].Action != PollToClose {
		t.Errorf("%v", v[0].Action)
	}
	r.Code = "K7-4F9Q"
	if v := Recover([]Record{r}, here); v[0].Action != Resume {
		t.Errorf("%v", v[0].Action)
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
		jwt(`{"alg":"none"}`, `{"a":1}`): false, // nobody vouches for it
		jwt(`{"typ":"JWT"}`, `{"a":1}`):  false,
		jwt(`{"alg":"ES256"}`, `[1]`):    false,
		jwt(`{"alg":"ES256"}`, `{"sub`):  false,
		jwt(`["ES256"]`, `{"sub":"a"}`):  false,
		good + "=":                       false,
		strings.TrimSuffix(good, "c2ln"): false, // no signature
		good + ".x.y":                    false, // encrypted: whom it names is not to be seen
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
		t.Errorf("what only looks like one: %s", p)
	}
}

func FuzzHintToken(f *testing.F) {
	f.Add(jwt(`{"alg":"ES256"}`, `{"sub":"alice"}`))
	f.Add("a.b.c")
	f.Add(jwt(`{"alg":1}`, `{}`))
	f.Fuzz(func(t *testing.T, s string) {
		claims, ok := ParseHintToken(s)
		if ok && (len(s) > MaxHintToken || len(claims) < 2 || !strings.Contains(string(claims), "{") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("%q passes with %q", s, claims)
		}
		if ok != (Check(NumberKind, s) == NoProblem) && ok {
			t.Errorf("%q is a token and yet a problem", s)
		}
	})
}
