package guard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Histories of a request. Times count from when it was sent; each request lives two minutes at the server.
func acknowledgedRecord() kiosk.Record {
	return kiosk.Record{Stage: kiosk.StageAcknowledged, Expires: 2 * minute}
}

func approvedAfter(after time.Duration) []kiosk.Record {
	return []kiosk.Record{acknowledgedRecord(), {Stage: kiosk.StageGranted, Uptime: after}, {Stage: kiosk.StageShown, Uptime: after}}
}

func endedAfter(after time.Duration, why kiosk.Reason) []kiosk.Record {
	return []kiosk.Record{acknowledgedRecord(), {Stage: kiosk.StageEnded, Reason: why, Uptime: after}}
}

func refusedAfter(after time.Duration) []kiosk.Record {
	return []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Refused, Uptime: after}}
}

func grantedThenEnded(after time.Duration, why kiosk.Reason) []kiosk.Record {
	return []kiosk.Record{acknowledgedRecord(), {Stage: kiosk.StageGranted, Uptime: after}, {Stage: kiosk.StageEnded, Reason: why, Uptime: after}}
}

// cutOff is the history of a visit that a power cut interrupted and that the second boot closed at once.
func cutOff(why kiosk.Reason) []kiosk.Record {
	return []kiosk.Record{acknowledgedRecord(), {Stage: kiosk.StageEnded, Reason: why, Boot: "second", Uptime: minute, Wall: noon.Add(10 * minute)}}
}

// TestPauses: how long the pause is after each outcome.
func TestPauses(t *testing.T) {
	alice := func(up time.Duration, history []kiosk.Record) testRequest {
		return testRequest{who: "alice", at: firstBoot(up), history: history}
	}
	declined := func(up time.Duration) testRequest { return alice(up, endedAfter(0, kiosk.Declined)) }
	const sec = time.Second
	for _, c := range []struct {
		name string
		past []testRequest
		now  testClock
		want time.Duration
	}{
		{"declined just now", []testRequest{declined(minute)}, firstBoot(minute), 30 * sec},
		{"declined 20 s ago", []testRequest{declined(minute)}, firstBoot(minute + 20*sec), 10 * sec},
		{"declined 30 s ago", []testRequest{declined(minute)}, firstBoot(minute + 30*sec), 0},
		{"the pause counts from the end, not the beginning", []testRequest{alice(minute, endedAfter(50*sec, kiosk.Declined))}, firstBoot(minute + 50*sec), 30 * sec},
		{"declined twice", []testRequest{declined(0), declined(minute)}, firstBoot(minute), 2 * minute},
		{"declined three times", []testRequest{declined(0), declined(9 * minute), declined(18 * minute)}, firstBoot(18 * minute), 10 * minute},
		{"four times", []testRequest{declined(0), declined(9 * minute), declined(18 * minute), declined(28 * minute)}, firstBoot(28 * minute), 30 * minute},
		{"five times", []testRequest{declined(0), declined(9 * minute), declined(18 * minute), declined(28 * minute), declined(58 * minute)}, firstBoot(58 * minute), time.Hour},
		{"six times: no longer than an hour", []testRequest{declined(0), declined(9 * minute), declined(18 * minute), declined(28 * minute), declined(58 * minute), declined(118 * minute)},
			firstBoot(118 * minute), time.Hour},
		{"an approval ends the streak", []testRequest{declined(0), declined(9 * minute), alice(18*minute, approvedAfter(5*sec))}, firstBoot(19 * minute), 0},
		{"a new streak begins after it", []testRequest{declined(0), alice(9*minute, approvedAfter(5*sec)), declined(18 * minute)}, firstBoot(18 * minute), 30 * sec},
		{"so does time", []testRequest{declined(0), declined(time.Minute), declined(10 * minute), declined(6*time.Hour + 10*minute)}, firstBoot(6*time.Hour + 10*minute), 30 * sec},
		{"just within that time", []testRequest{declined(11 * minute), declined(6*time.Hour + 10*minute)}, firstBoot(6*time.Hour + 10*minute), 2 * minute},
		{"another person declined", []testRequest{{who: "bob", at: firstBoot(0), history: endedAfter(0, kiosk.Declined)}}, firstBoot(0), 0},

		{"not answered", []testRequest{alice(0, endedAfter(2*minute, kiosk.Expired))}, firstBoot(2 * minute), 30 * sec},
		{"another person approved", []testRequest{alice(0, grantedThenEnded(9*sec, kiosk.WrongPerson))}, firstBoot(9 * sec), 30 * sec},
		{"unknown person: no different from one who declines", []testRequest{alice(0, refusedAfter(0))}, firstBoot(0), 30 * sec},
		{"unknown person, three times", []testRequest{alice(0, refusedAfter(0)), alice(9*minute, refusedAfter(0)), alice(18*minute, refusedAfter(0))}, firstBoot(18 * minute), 10 * minute},
		{"approved, but the service is down", []testRequest{declined(0), alice(9*minute, grantedThenEnded(9*sec, kiosk.ServiceDown)), declined(18 * minute)}, firstBoot(18 * minute), 30 * sec},
		{"approved, but the customer left", []testRequest{alice(0, grantedThenEnded(9*sec, kiosk.Cancelled))}, firstBoot(9 * sec), 0},
		{"approved, tokens not yet revoked", []testRequest{alice(0, approvedAfter(9 * sec)[:2])}, firstBoot(9 * sec), 0},
		{"the answer failed a check", []testRequest{alice(0, grantedThenEnded(9*sec, kiosk.Untrusted))}, firstBoot(9 * sec), 0},
		{"misconfigured", []testRequest{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Misconfigured}})}, firstBoot(0), 0},
		{"the server required a user code first", []testRequest{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded, Uptime: sec}})}, firstBoot(sec), 0},
		{"two wrong user codes", []testRequest{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded}}), alice(sec, []kiosk.Record{{Stage: kiosk.StageEnded}})}, firstBoot(sec), 0},
		{"the device flow rings no phone", []testRequest{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Cancelled, Code: onDeviceFlow}})}, firstBoot(sec), 0},
		{"our own fault counts neither way", []testRequest{declined(0), alice(9*minute, grantedThenEnded(9*sec, kiosk.Untrusted)), declined(18 * minute)}, firstBoot(18 * minute), 2 * minute},
		{"pruned history", []testRequest{alice(0, nil)}, firstBoot(0), 30 * sec},

		{"cancelled: still open on the phone", []testRequest{alice(0, endedAfter(20*sec, kiosk.Cancelled))}, firstBoot(20 * sec), 100 * sec},
		{"cancelled near its end: the pause is longer", []testRequest{alice(0, endedAfter(110*sec, kiosk.Cancelled))}, firstBoot(110 * sec), 30 * sec},
		{"the connection was lost: still open", []testRequest{alice(0, endedAfter(time.Minute, kiosk.Unreachable))}, firstBoot(minute), minute},
		{"declined: no longer open", []testRequest{alice(0, endedAfter(20*sec, kiosk.Declined))}, firstBoot(20 * sec), 30 * sec},
		{"abandoned while asking: open for the default lifetime", []testRequest{alice(0, []kiosk.Record{{Stage: kiosk.StageAbandoned, Reason: kiosk.Cancelled, Uptime: 9 * sec}})}, firstBoot(9 * sec), 111 * sec},
		{"not closed after a crash: open until it expires, then a pause", []testRequest{alice(0, []kiosk.Record{acknowledgedRecord()})}, firstBoot(30 * sec), 2 * minute},
		{"asking, and the ending could not be recorded", []testRequest{alice(0, []kiosk.Record{})}, firstBoot(30 * sec), 2 * minute},
		{"an older request is still open", []testRequest{alice(0, endedAfter(0, kiosk.Cancelled)), alice(sec, refusedAfter(0))}, firstBoot(sec), 2 * minute},
		{"a record with a lifetime of a year", []testRequest{alice(0, []kiosk.Record{{Stage: kiosk.StageAcknowledged, Expires: 1 << 55}, {Stage: kiosk.StageEnded, Reason: kiosk.Cancelled}})}, firstBoot(0), time.Hour},

		{"pulling the plug ends no pause", []testRequest{declined(0), declined(minute)}, secondBoot(10*sec, noon.Add(minute+20*sec)), 100 * sec},
		{"nor does setting the clock forward, without a time service", []testRequest{declined(0), declined(minute)}, testClock{up: 10 * sec, wall: noon.AddDate(0, 1, 0), boot: "second", unsynchronised: true}, 110 * sec},
		{"nor does setting it back", []testRequest{declined(0), declined(minute)}, testClock{up: 10 * sec, wall: noon.AddDate(-1, 0, 0), boot: "second"}, 110 * sec},
		{"two minutes after the start it is over, whatever the clock says", []testRequest{declined(0), declined(minute)}, testClock{up: 2 * minute, wall: noon.AddDate(-1, 0, 0), boot: "second"}, 0},
		{"declined yesterday, and the plug was pulled since", []testRequest{declined(0), declined(minute), {who: "alice", at: secondBoot(minute, noon.Add(24*time.Hour)), history: endedAfter(0, kiosk.Declined)}},
			secondBoot(minute, noon.Add(24*time.Hour)), 30 * sec},
		{"an open request survives the plug, too", []testRequest{alice(0, []kiosk.Record{acknowledgedRecord()})}, secondBoot(10*sec, noon.Add(30*sec)), 90 * sec},
		{"a power cut is not the customer's failure", []testRequest{alice(0, cutOff(kiosk.Expired))}, secondBoot(3*minute, noon.Add(4*minute)), 0},
		{"nor does it lengthen the next pause", []testRequest{declined(0), alice(9*minute, cutOff(kiosk.Unreachable)), {who: "alice", at: secondBoot(20*minute, noon.Add(30*minute)), history: endedAfter(0, kiosk.Declined)}},
			secondBoot(20*minute, noon.Add(30*minute)), 2 * minute},
		{"declined after the power cut", []testRequest{alice(0, cutOff(kiosk.Declined))}, secondBoot(minute, noon.Add(2*minute)), 30 * sec},
		{"only one power cut is forgiven", []testRequest{alice(0, cutOff(kiosk.Expired)), alice(9*minute, cutOff(kiosk.Expired))}, secondBoot(minute, noon.Add(10*minute)), 30 * sec},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := c.now
			memory := &testMemory{requests: c.past, pruned: strings.HasPrefix(c.name, "pruned history")}
			got, err := New(Limits{}, memory, &now).Allow(kiosk.Secret("alice"), false)
			if err != nil || got.Wait != c.want {
				t.Errorf("wait %v, want %v (%v)", got.Wait, c.want, err)
			}
		})
	}
}

// A shorter window has shorter pauses; a longer window does not lock anybody out for days.
func TestPausesScaleWithTheWindow(t *testing.T) {
	for per, want := range map[time.Duration]time.Duration{minute: 3 * time.Second, 10 * minute: 30 * time.Second, 24 * time.Hour: 30 * time.Second} {
		clock := firstBoot(0)
		memory := &testMemory{requests: []testRequest{{who: "alice", at: firstBoot(0), history: endedAfter(0, kiosk.Declined)}}}
		got, err := New(Limits{Person: Rate{9, per}}, memory, &clock).Allow(kiosk.Secret("alice"), false)
		if err != nil || got.Wait != want {
			t.Errorf("window %v: pause %v, want %v (%v)", per, got.Wait, want, err)
		}
	}
}

// TestPranksterIsLimited plays two days of a prankster who rings a stranger's phone whenever the guard allows it and
// pulls the plug before each try. The stranger declines, sleeps or does not exist: the number of rings is limited, and
// the waits are the same to the second for all three.
func TestPranksterIsLimited(t *testing.T) {
	days := func(history func(time.Duration) []kiosk.Record) (tries []time.Duration) {
		memory := &testMemory{}
		for second := 0; second < 48*3600; second++ {
			truth := time.Duration(second) * time.Second
			clock := &testClock{up: 20 * time.Second, wall: noon.Add(truth), boot: fmt.Sprint(second)}
			hold, err := New(Limits{}, memory, clock).Allow(kiosk.Secret("alice"), false)
			if err != nil {
				t.Fatal(err)
			}
			if want := len(tries) >= 3 && truth-tries[len(tries)-1] < 6*time.Hour; hold.Abuse && !want {
				t.Fatalf("abuse after %d tries", len(tries))
			}
			if hold.Wait == 0 {
				memory.requests = append(memory.requests, testRequest{who: "alice", at: *clock, history: history(0)})
				tries = append(tries, truth)
				continue
			}
			second += int(hold.Wait/time.Second) - 1 // nothing changes until then
		}
		return tries
	}
	decline := days(func(d time.Duration) []kiosk.Record { return endedAfter(d, kiosk.Declined) })
	if n := len(decline); n < 40 || n > 54 {
		t.Errorf("a stranger's phone rang %d times in two days", n)
	}
	nobody := days(refusedAfter)
	if fmt.Sprint(nobody) != fmt.Sprint(decline) {
		t.Errorf("declines:\n%v\ndoes not exist:\n%v", decline, nobody)
	}
	if n := len(days(func(time.Duration) []kiosk.Record { return []kiosk.Record{acknowledgedRecord()} })); n > 56 {
		t.Errorf("a stranger's phone rang %d times in two days while the plug was pulled during each visit", n)
	}
	sleeps := days(func(d time.Duration) []kiosk.Record { return endedAfter(d, kiosk.Expired) })
	if fmt.Sprint(sleeps) != fmt.Sprint(decline) {
		t.Errorf("does not answer:\n%v", sleeps)
	}
}

// Abuse is reported from the fourth failed try in a row on, for an hour, without a name.
func TestAbuseIsReported(t *testing.T) {
	memory, clock := &testMemory{}, firstBoot(0)
	g := New(Limits{}, memory, &clock)
	for i := range 4 {
		if h, _ := g.Allow(kiosk.Secret("alice"), false); h.Abuse != (i == 3) {
			t.Errorf("try %d: %+v", i+1, h)
		}
		if c := g.Condition(); c.Abused != (i == 3) {
			t.Errorf("try %d: %+v", i+1, c)
		}
		memory.requests = append(memory.requests, testRequest{who: "alice", at: clock, history: endedAfter(0, kiosk.Declined)})
		clock = firstBoot(clock.up + 11*minute)
	}
	if h, _ := g.Allow(kiosk.Secret("bob"), false); h.Abuse || h.Wait != 0 {
		t.Errorf("another person: %+v", h)
	}
	if c := g.Condition(); !c.Abused || c.Throttled != 0 || c.At != 33*minute {
		t.Errorf("%+v", c)
	}
	if h, _ := g.Allow(kiosk.Secret("alice"), false); h.Wait == 0 {
		t.Error("not throttled")
	}
	if c := g.Condition(); c.Throttled != 1 {
		t.Errorf("%+v", c)
	}
	clock = firstBoot(clock.up + time.Hour)
	if c := g.Condition(); c.Abused {
		t.Errorf("an hour later: %+v", c)
	}
}

// BenchmarkAllow looks back through as many requests as the store remembers.
func BenchmarkAllow(b *testing.B) {
	memory := &testMemory{}
	for i := range 8192 {
		memory.requests = append(memory.requests, testRequest{who: "bob", at: firstBoot(time.Duration(i) * time.Second)})
	}
	clock := firstBoot(8192 * time.Second)
	g := New(DefaultLimits(), memory, &clock)
	for b.Loop() {
		if _, err := g.Allow(kiosk.Secret("alice"), false); err != nil {
			b.Fatal(err)
		}
	}
}
