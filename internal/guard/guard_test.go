package guard

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// testClock is a device's clock at one moment. A time service keeps its wall clock right, unless it is unsynchronised.
type testClock struct {
	up             time.Duration
	wall           time.Time
	boot           string
	unsynchronised bool
}

func (a *testClock) Now() time.Duration              { return a.up }
func (a *testClock) Wall() time.Time                 { return a.wall }
func (a *testClock) Boot() string                    { return a.boot }
func (a *testClock) Synchronised() (yes, known bool) { return !a.unsynchronised, true }

// testMemory is a memory with the oldest request first.
type testMemory struct {
	requests []testRequest
	err      error
	calls    int
	pruned   bool // the histories were pruned
}

// testRequest is one past request. Without a history, it was approved at once.
type testRequest struct {
	who     string
	at      testClock
	history []kiosk.Record // Uptime and Sent are relative to at.up, unless Boot is set
}

// onDeviceFlow marks a record without a code of ours: no phone rang.
const onDeviceFlow = "device flow"

// records returns the visit's records.
func (r testRequest) records() []kiosk.Record {
	history := r.history
	if history == nil {
		history = approvedAfter(0)
	}
	out := []kiosk.Record{{Stage: kiosk.StageAsking}}
	for _, rec := range append(out, history...) {
		if rec.Boot != "" { // written by a later boot: all its times are absolute
			rec.Code = "K7-4F9Q"
			out = append(out, rec)
			continue
		}
		rec.Boot, rec.Wall, rec.SentAt = r.at.boot, r.at.wall.Add(rec.Uptime), r.at.wall.Add(rec.Sent)
		rec.Uptime, rec.Sent = r.at.up+rec.Uptime, r.at.up+rec.Sent
		switch rec.Code {
		case "":
			rec.Code = "K7-4F9Q"
		case onDeviceFlow:
			rec.Code = ""
		}
		out = append(out, rec)
	}
	return out[1:]
}

func (p *testMemory) PastRequests(id kiosk.Secret, each func(kiosk.PastRequest) bool) error {
	p.calls = 0
	for i := len(p.requests) - 1; i >= 0; i-- {
		r := p.requests[i]
		p.calls++
		history := r.records
		if p.pruned {
			history = func() []kiosk.Record { return nil }
		}
		if !each(kiosk.PastRequest{SamePerson: bytes.Equal(seal.Fold([]byte(r.who)), seal.Fold(id)), Wall: r.at.wall, Boot: r.at.boot, Uptime: r.at.up, History: history}) {
			break
		}
	}
	return p.err
}

const minute = time.Minute

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// firstBoot is a moment of the first boot, which began at noon.
func firstBoot(up time.Duration) testClock { return testClock{up, noon.Add(up), "first", false} }

// secondBoot is a moment of the second boot, at a wall clock time.
func secondBoot(up time.Duration, wall time.Time) testClock {
	return testClock{up, wall, "second", false}
}

func unsentAfter(d time.Duration) []kiosk.Record {
	return []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Unreachable, Unsent: true, Uptime: d}}
}

func codeDemandedAfter(d time.Duration) []kiosk.Record {
	return []kiosk.Record{{Stage: kiosk.StageEnded, Uptime: d}}
}

// five returns five requests for one person at the start of the first boot.
func five(who string, history []kiosk.Record) (all []testRequest) {
	for range 5 {
		all = append(all, testRequest{who: who, at: firstBoot(0), history: history})
	}
	return all
}

// refusedNames returns n refused requests for different names, the last an hour after the start of the first boot.
func refusedNames(n int) (all []testRequest) {
	for i := range n {
		at := 60*minute - time.Duration(n-1-i)*30*time.Second
		all = append(all, testRequest{who: fmt.Sprint("name", i), at: firstBoot(at), history: []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Refused}}})
	}
	return all
}

func TestAllow(t *testing.T) {
	limits := Limits{Person: Rate{3, 10 * minute}, Device: Rate{5, 10 * minute}}
	for _, c := range []struct {
		name string
		past []testRequest
		now  testClock
		want time.Duration
	}{
		{"no request yet", nil, firstBoot(0), 0},
		{"two requests before", []testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}}, firstBoot(3 * minute), 0},
		{"three requests before",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			firstBoot(4 * minute), 7 * minute},
		{"three requests at the same moment",
			[]testRequest{{who: "alice", at: firstBoot(minute)}, {who: "alice", at: firstBoot(minute)}, {who: "alice", at: firstBoot(minute)}},
			firstBoot(minute), 10 * minute},
		{"three requests, the first just within the window",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			firstBoot(11*minute - 1), 1},
		{"three requests, the first just outside the window",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			firstBoot(11 * minute), 0},
		{"five requests, after the limit was lowered",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}, {who: "alice", at: firstBoot(4 * minute)}, {who: "alice", at: firstBoot(5 * minute)}},
			firstBoot(6 * minute), 7 * minute},
		{"three requests for others",
			[]testRequest{{who: "bob", at: firstBoot(1 * minute)}, {who: "carol", at: firstBoot(2 * minute)}, {who: "dave", at: firstBoot(3 * minute)}},
			firstBoot(4 * minute), 0},
		{"others have used up the device's budget: one request in two minutes comes back",
			[]testRequest{{who: "b", at: firstBoot(5 * minute)}, {who: "c", at: firstBoot(5 * minute)}, {who: "d", at: firstBoot(5 * minute)}, {who: "e", at: firstBoot(5 * minute)}, {who: "f", at: firstBoot(5 * minute)}},
			firstBoot(6 * minute), minute},
		{"five in five minutes leave room",
			[]testRequest{{who: "b", at: firstBoot(1 * minute)}, {who: "c", at: firstBoot(2 * minute)}, {who: "d", at: firstBoot(3 * minute)}, {who: "e", at: firstBoot(4 * minute)}, {who: "f", at: firstBoot(5 * minute)}},
			firstBoot(6 * minute), 0},
		{"five that never left the device count nowhere", five("alice", unsentAfter(0)), firstBoot(minute), 0},
		{"a hundred that were refused close nobody out: a tenth each, half a minute apart", refusedNames(100), firstBoot(61 * minute), 0},
		{"three answered by a demand for a user code leave the person's budget", five("alice", codeDemandedAfter(0))[:3], firstBoot(minute), 0},
		{"a fourth such demand is a failed visit", five("alice", codeDemandedAfter(0))[:4], firstBoot(10 * time.Second), 20 * time.Second},
		{"both budgets used up: the longer wait counts",
			[]testRequest{{who: "b", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "c", at: firstBoot(3 * minute)}, {who: "alice", at: firstBoot(4 * minute)}, {who: "alice", at: firstBoot(5 * minute)}},
			firstBoot(6 * minute), 6 * minute},
		{"an hour ago",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(1 * minute)}},
			firstBoot(61 * minute), 0},

		{"the wall clock went back a year within the boot",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			testClock{up: 4 * minute, wall: noon.AddDate(-1, 0, 0), boot: "first"}, 7 * minute},
		{"the wall clock went forward a year within the boot",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			testClock{up: 4 * minute, wall: noon.AddDate(1, 0, 0), boot: "first"}, 7 * minute},
		{"pulling the plug does not renew the budget",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			secondBoot(10*time.Second, noon.Add(4*minute)), 7 * minute},
		{"some before, some after the plug was pulled",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: secondBoot(minute, noon.Add(4*minute))}},
			secondBoot(2*minute, noon.Add(5*minute)), 6 * minute},
		{"the plug was pulled for an hour",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			secondBoot(10*time.Second, noon.Add(time.Hour)), 0},
		{"after the plug the clock says 1970: counted from the start of this boot",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			secondBoot(10*time.Second, time.Unix(0, 0)), 10*minute - 10*time.Second},
		{"the clock still says 1970 ten minutes later: not locked for good",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			secondBoot(10*minute, time.Unix(600, 0)), 0},
		{"requests in 1970, then the clock was set: the time since the boot is certain",
			[]testRequest{{who: "alice", at: testClock{up: minute, wall: time.Unix(60, 0), boot: "second"}}, {who: "alice", at: testClock{up: minute, wall: time.Unix(60, 0), boot: "second"}}, {who: "alice", at: testClock{up: minute, wall: time.Unix(60, 0), boot: "second"}}},
			secondBoot(2*minute, noon), 9 * minute},
		{"a request with a wrong clock does not hide older ones",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}, {who: "bob", at: testClock{up: minute, wall: time.Unix(60, 0), boot: "between"}}},
			secondBoot(10*time.Second, noon.Add(5*minute)), 6 * minute},
		{"boots without IDs: as old as if it were this boot, or older by the wall clock",
			[]testRequest{{who: "alice", at: testClock{up: minute, wall: noon}}, {who: "alice", at: testClock{up: minute, wall: noon}}, {who: "alice", at: testClock{up: minute, wall: noon}}},
			testClock{up: 2 * minute, wall: noon.Add(4 * minute)}, 6 * minute},
		{"boots without IDs, and the wall clock went back five years: not locked for good",
			[]testRequest{{who: "alice", at: testClock{up: minute, wall: noon}}, {who: "alice", at: testClock{up: minute, wall: noon}}, {who: "alice", at: testClock{up: minute, wall: noon}}},
			testClock{up: 4 * minute, wall: noon.AddDate(-5, 0, 0)}, 7 * minute},

		{"no time service: a year later by the wall clock proves nothing",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			testClock{up: minute, wall: noon.AddDate(1, 0, 0), boot: "second", unsynchronised: true}, 9 * minute},
		{"no time service: once the window has passed within this boot, it is certain",
			[]testRequest{{who: "alice", at: firstBoot(1 * minute)}, {who: "alice", at: firstBoot(2 * minute)}, {who: "alice", at: firstBoot(3 * minute)}},
			testClock{up: 10 * minute, wall: noon, boot: "second", unsynchronised: true}, 0},
		{"no time service: a start does not close the device as a whole",
			[]testRequest{{who: "b", at: firstBoot(1 * minute)}, {who: "c", at: firstBoot(2 * minute)}, {who: "d", at: firstBoot(3 * minute)}, {who: "e", at: firstBoot(4 * minute)}, {who: "f", at: firstBoot(5 * minute)}},
			testClock{up: minute, wall: noon.Add(time.Hour), boot: "second", unsynchronised: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := c.now
			got, err := New(limits, &testMemory{requests: c.past}, &now).Allow(kiosk.Secret("alice"), false)
			if err != nil || got.Wait != c.want {
				t.Errorf("wait %v, want %v (%v)", got.Wait, c.want, err)
			}
		})
	}
}

func TestUnreadableMemoryStopsRequests(t *testing.T) {
	broken := errors.New("card gone")
	clock := firstBoot(time.Hour)
	wait, err := New(DefaultLimits(), &testMemory{err: broken}, &clock).Allow(kiosk.Secret("alice"), false)
	if !errors.Is(err, broken) || wait.Wait <= 0 {
		t.Errorf("wait %v, error %v", wait, err)
	}
}

// TestBudgetHoldsForADayOfAttempts tries every three seconds for a day, with a reboot and a jump of the wall clock each hour:
// within ten minutes there are never more requests than the budget, and the device is never locked for good.
func TestBudgetHoldsForADayOfAttempts(t *testing.T) {
	memory := &testMemory{}
	jumps := []time.Duration{0, -time.Hour, -24 * 365 * time.Hour, 0}
	var sent []time.Duration // true times
	truth := time.Duration(0)
	for hour := range 24 {
		clock := &testClock{boot: string(rune('a' + hour))}
		g := New(Limits{Person: Rate{3, 10 * minute}}, memory, clock)
		for second := 0; second < 3600; second += 3 {
			clock.up = time.Duration(second) * time.Second
			clock.wall = noon.Add(truth + jumps[hour%len(jumps)])
			wait, err := g.Allow(kiosk.Secret("alice"), false)
			if err != nil || wait.Wait < 0 || wait.Wait > 10*minute {
				t.Fatalf("wait %v, %v", wait, err)
			}
			if wait.Wait == 0 {
				memory.requests = append(memory.requests, testRequest{who: "alice", at: *clock})
				sent = append(sent, truth)
			}
			truth += 3 * time.Second
		}
	}
	for i := 3; i < len(sent); i++ {
		// At some reboots the clock jumped from an hour or a year ago to the right time. Then only the wall
		// clock tells the age, and by it the requests are old.
		if sent[i]-sent[i-3] < 10*minute && sent[i]%time.Hour >= 10*minute {
			t.Errorf("requests %d to %d within %v", i-3, i, sent[i]-sent[i-3])
		}
	}
	// Three in each ten minutes would be 432; a jump may cost a window each hour.
	if len(sent) < 330 || len(sent) > 450 {
		t.Errorf("%d requests sent in a day", len(sent))
	}
}

func TestLookbackStopsEarly(t *testing.T) {
	memory := &testMemory{}
	for i := range 5000 {
		memory.requests = append(memory.requests, testRequest{who: "bob", at: firstBoot(time.Duration(i) * minute)})
	}
	clock := firstBoot(5000 * minute)
	if wait, err := New(DefaultLimits(), memory, &clock).Allow(kiosk.Secret("alice"), false); wait.Wait != 0 || err != nil {
		t.Fatal(wait, err)
	}
	if memory.calls > 362 {
		t.Errorf("read %d requests for six hours of one a minute", memory.calls)
	}
}

// After a start, no clock tells how old a million records are, and yet no more are read than can have been sent within
// the time that counts.
func TestLookbackIsBounded(t *testing.T) {
	memory := &testMemory{requests: make([]testRequest, 1_000_000)}
	for i := range memory.requests {
		memory.requests[i] = testRequest{who: "bob", at: firstBoot(time.Duration(i) * minute)}
	}
	clock := testClock{up: minute, wall: noon, boot: "second", unsynchronised: true}
	if wait, err := New(DefaultLimits(), memory, &clock).Allow(kiosk.Secret("alice"), false); wait.Wait < 0 || err != nil {
		t.Fatal(wait, err)
	}
	if memory.calls > maxLookback+1 {
		t.Errorf("read %d requests", memory.calls)
	}
	if _, err := New(Limits{Device: Rate{1000, time.Second}}, memory, &clock).Allow(kiosk.Secret("alice"), false); memory.calls > maxLookback+1 || err != nil {
		t.Errorf("read %d requests, %v", memory.calls, err)
	}
}

func TestZeroRateIsTheDefault(t *testing.T) {
	memory := &testMemory{requests: []testRequest{{who: "alice", at: firstBoot(0)}, {who: "alice", at: firstBoot(0)}, {who: "alice", at: firstBoot(0)}}}
	clock := firstBoot(minute)
	if wait, err := New(Limits{}, memory, &clock).Allow(kiosk.Secret("alice"), false); wait.Wait != 9*minute || err != nil {
		t.Errorf("wait %v, %v", wait, err)
	}
}

// TestStrangerWithAnHour has a stranger who types as fast as the server answers, for an hour: spellings of one phone number,
// tokens signed again, and names that nobody has. The phone rings three times in ten minutes at most, and whoever else comes
// is served.
func TestStrangerWithAnHour(t *testing.T) {
	memory := &testMemory{}
	clock := &testClock{boot: "first", wall: noon}
	g := New(DefaultLimits(), memory, clock)
	spellings := []string{"+447700900123", "00447700900123", "0044 7700 900 123", "+44 (0)7700-900123", "07700900123", "447700900123", "\uff10\uff17\uff17\uff10\uff10900123", "+44\u200b7700900123"}
	var rings []time.Duration
	attempt := func(who string, history []kiosk.Record) bool {
		wait, err := g.Allow(kiosk.Secret(who), false)
		if err != nil {
			t.Fatal(err)
		}
		if wait.Wait == 0 {
			memory.requests = append(memory.requests, testRequest{who: who, at: *clock, history: history})
		}
		return wait.Wait == 0
	}
	nonsense := []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Refused, Uptime: 2 * time.Second}}
	cancelled := []kiosk.Record{{Stage: kiosk.StageAcknowledged, Expires: 10 * time.Second}, {Stage: kiosk.StageEnded, Reason: kiosk.Cancelled, Uptime: time.Second}}
	for n := 0; clock.up < time.Hour; n++ {
		if attempt(spellings[n%len(spellings)], cancelled) {
			rings = append(rings, clock.up)
		}
		attempt(fmt.Sprint("nobody", n), nonsense)
		if wait, err := g.Allow(kiosk.Secret("bob"), false); wait.Wait > 0 || err != nil {
			t.Fatalf("after %v somebody else is held back for %v: %v", clock.up, wait.Wait, err)
		}
		clock.up, clock.wall = clock.up+2*time.Second, clock.wall.Add(2*time.Second)
	}
	for i := 3; i < len(rings); i++ {
		if rings[i]-rings[i-3] < 10*minute {
			t.Errorf("rings %d to %d came within %v", i-3, i, rings[i]-rings[i-3])
		}
	}
	if len(rings) < 3 || len(rings) > 8 {
		t.Errorf("the phone rang %d times, at %v", len(rings), rings)
	}
	if kiosk.Check(kiosk.TextKind, "{\"sub\":\"u-17\"}") != kiosk.BadCharacter {
		t.Error("JSON can be typed")
	}
}
