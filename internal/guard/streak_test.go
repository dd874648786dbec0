package guard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// The fates of a request. Times count from when it was asked for; each lives two
// minutes at the server.
func asked() kiosk.Record { return kiosk.Record{Stage: kiosk.StageAcknowledged, Expires: 2 * minute} }

func approved(after time.Duration) []kiosk.Record {
	return []kiosk.Record{asked(), {Stage: kiosk.StageGranted, Uptime: after}, {Stage: kiosk.StageShown, Uptime: after}}
}

func ended(after time.Duration, why kiosk.Reason) []kiosk.Record {
	return []kiosk.Record{asked(), {Stage: kiosk.StageEnded, Reason: why, Uptime: after}}
}

func refused(after time.Duration) []kiosk.Record {
	return []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Refused, Uptime: after}}
}

func grantedThen(after time.Duration, why kiosk.Reason) []kiosk.Record {
	return []kiosk.Record{asked(), {Stage: kiosk.StageGranted, Uptime: after}, {Stage: kiosk.StageEnded, Reason: why, Uptime: after}}
}

// TestPauses: how long after which fate.
func TestPauses(t *testing.T) {
	alice := func(up time.Duration, tale []kiosk.Record) request {
		return request{who: "alice", at: when(up), tale: tale}
	}
	declined := func(up time.Duration) request { return alice(up, ended(0, kiosk.Declined)) }
	const sec = time.Second
	for _, c := range []struct {
		name string
		past []request
		now  at
		want time.Duration
	}{
		{"declined just now", []request{declined(minute)}, when(minute), 30 * sec},
		{"declined 20 s ago", []request{declined(minute)}, when(minute + 20*sec), 10 * sec},
		{"declined 30 s ago", []request{declined(minute)}, when(minute + 30*sec), 0},
		{"the pause counts from the end, not the beginning", []request{alice(minute, ended(50*sec, kiosk.Declined))}, when(minute + 50*sec), 30 * sec},
		{"declined twice", []request{declined(0), declined(minute)}, when(minute), 2 * minute},
		{"declined three times", []request{declined(0), declined(9 * minute), declined(18 * minute)}, when(18 * minute), 10 * minute},
		{"four times", []request{declined(0), declined(9 * minute), declined(18 * minute), declined(28 * minute)}, when(28 * minute), 30 * minute},
		{"five times", []request{declined(0), declined(9 * minute), declined(18 * minute), declined(28 * minute), declined(58 * minute)}, when(58 * minute), time.Hour},
		{"six times: no longer than an hour", []request{declined(0), declined(9 * minute), declined(18 * minute), declined(28 * minute), declined(58 * minute), declined(118 * minute)},
			when(118 * minute), time.Hour},
		{"an approval ends the row", []request{declined(0), declined(9 * minute), alice(18*minute, approved(5*sec))}, when(19 * minute), 0},
		{"a row begins anew behind it", []request{declined(0), alice(9*minute, approved(5*sec)), declined(18 * minute)}, when(18 * minute), 30 * sec},
		{"so does time", []request{declined(0), declined(time.Minute), declined(10 * minute), declined(6*time.Hour + 10*minute)}, when(6*time.Hour + 10*minute), 30 * sec},
		{"just within the time", []request{declined(11 * minute), declined(6*time.Hour + 10*minute)}, when(6*time.Hour + 10*minute), 2 * minute},
		{"somebody else was declined", []request{{who: "bob", at: when(0), tale: ended(0, kiosk.Declined)}}, when(0), 0},

		{"nobody answered", []request{alice(0, ended(2*minute, kiosk.Expired))}, when(2 * minute), 30 * sec},
		{"another person approved", []request{alice(0, grantedThen(9*sec, kiosk.WrongPerson))}, when(9 * sec), 30 * sec},
		{"nobody of that name: no different from one who declines", []request{alice(0, refused(0))}, when(0), 30 * sec},
		{"nobody of that name, three times", []request{alice(0, refused(0)), alice(9*minute, refused(0)), alice(18*minute, refused(0))}, when(18 * minute), 10 * minute},
		{"approved, but the service is down", []request{declined(0), alice(9*minute, grantedThen(9*sec, kiosk.ServiceDown)), declined(18 * minute)}, when(18 * minute), 30 * sec},
		{"approved, but the customer left", []request{alice(0, grantedThen(9*sec, kiosk.Cancelled))}, when(9 * sec), 0},
		{"approved, and not yet given back", []request{alice(0, approved(9 * sec)[:2])}, when(9 * sec), 0},
		{"the answer failed a check", []request{alice(0, grantedThen(9*sec, kiosk.Untrusted))}, when(9 * sec), 0},
		{"our own settings", []request{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Misconfigured}})}, when(0), 0},
		{"the server wanted a user code first", []request{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded, Uptime: sec}})}, when(sec), 0},
		{"a wrong user code after another", []request{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded}}), alice(sec, []kiosk.Record{{Stage: kiosk.StageEnded}})}, when(sec), 0},
		{"on the second road no phone rings", []request{alice(0, []kiosk.Record{{Stage: kiosk.StageEnded, Reason: kiosk.Cancelled, Code: onSecondRoad}})}, when(sec), 0},
		{"our own fault counts neither way", []request{declined(0), alice(9*minute, grantedThen(9*sec, kiosk.Untrusted)), declined(18 * minute)}, when(18 * minute), 2 * minute},
		{"off record: nobody knows", []request{alice(0, nil)}, when(0), 30 * sec},

		{"cancelled: still open on the phone", []request{alice(0, ended(20*sec, kiosk.Cancelled))}, when(20 * sec), 100 * sec},
		{"cancelled near its end: the pause is longer", []request{alice(0, ended(110*sec, kiosk.Cancelled))}, when(110 * sec), 30 * sec},
		{"the connection was lost: still open", []request{alice(0, ended(time.Minute, kiosk.Unreachable))}, when(minute), minute},
		{"declined: no longer open", []request{alice(0, ended(20*sec, kiosk.Declined))}, when(20 * sec), 30 * sec},
		{"abandoned while asking: open as long as it was asked for", []request{alice(0, []kiosk.Record{{Stage: kiosk.StageAbandoned, Reason: kiosk.Cancelled, Uptime: 9 * sec}})}, when(9 * sec), 111 * sec},
		{"being watched after a crash: until it expires, and a pause", []request{alice(0, []kiosk.Record{asked()})}, when(30 * sec), 2 * minute},
		{"asking, and no ending could be put on record", []request{alice(0, []kiosk.Record{})}, when(30 * sec), 2 * minute},
		{"an older one is open still", []request{alice(0, ended(0, kiosk.Cancelled)), alice(sec, refused(0))}, when(sec), 2 * minute},
		{"a record that claims to live for a year", []request{alice(0, []kiosk.Record{{Stage: kiosk.StageAcknowledged, Expires: 1 << 55}, {Stage: kiosk.StageEnded, Reason: kiosk.Cancelled}})}, when(0), time.Hour},

		{"pulling the plug ends no pause", []request{declined(0), declined(minute)}, later(10*sec, noon.Add(minute+20*sec)), 100 * sec},
		{"nor does a clock set on, if nobody keeps it right", []request{declined(0), declined(minute)}, at{up: 10 * sec, wall: noon.AddDate(0, 1, 0), boot: "second", alone: true}, 110 * sec},
		{"nor one set back", []request{declined(0), declined(minute)}, at{up: 10 * sec, wall: noon.AddDate(-1, 0, 0), boot: "second"}, 110 * sec},
		{"two minutes after the start it is over whatever the clock says", []request{declined(0), declined(minute)}, at{up: 2 * minute, wall: noon.AddDate(-1, 0, 0), boot: "second"}, 0},
		{"declined yesterday, and the plug was pulled since", []request{declined(0), declined(minute), {who: "alice", at: later(minute, noon.Add(24*time.Hour)), tale: ended(0, kiosk.Declined)}},
			later(minute, noon.Add(24*time.Hour)), 30 * sec},
		{"an open request outlives the plug, too", []request{alice(0, []kiosk.Record{asked()})}, later(10*sec, noon.Add(30*sec)), 2 * minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := c.now
			memory := &past{requests: c.past, pruned: strings.HasPrefix(c.name, "off record")}
			got, err := New(Limits{}, memory, &now).Allow(kiosk.Secret("alice"))
			if err != nil || got.Wait != c.want {
				t.Errorf("wait %v, want %v (%v)", got.Wait, c.want, err)
			}
		})
	}
}

// TestPausesGoWithTheWindow: a shop with a shorter window has shorter pauses; a
// longer window does not lock anybody out for days.
func TestPausesGoWithTheWindow(t *testing.T) {
	for per, want := range map[time.Duration]time.Duration{minute: 3 * time.Second, 10 * minute: 30 * time.Second, 24 * time.Hour: 30 * time.Second} {
		clock := when(0)
		memory := &past{requests: []request{{who: "alice", at: when(0), tale: ended(0, kiosk.Declined)}}}
		got, err := New(Limits{Person: Rate{9, per}}, memory, &clock).Allow(kiosk.Secret("alice"))
		if err != nil || got.Wait != want {
			t.Errorf("window %v: pause %v, want %v (%v)", per, got.Wait, want, err)
		}
	}
}

// TestAPrankster plays two days of somebody who rings a stranger's phone whenever
// the guard lets them, pulls the plug before each try, and a stranger who declines,
// sleeps or does not exist: no more than the design's number of rings, and the
// three of them are held back alike to the second.
func TestAPrankster(t *testing.T) {
	days := func(tale func(time.Duration) []kiosk.Record) (tries []time.Duration) {
		memory := &past{}
		for second := 0; second < 48*3600; second++ {
			truth := time.Duration(second) * time.Second
			clock := &at{up: 20 * time.Second, wall: noon.Add(truth), boot: fmt.Sprint(second)}
			hold, err := New(Limits{}, memory, clock).Allow(kiosk.Secret("alice"))
			if err != nil {
				t.Fatal(err)
			}
			if want := len(tries) >= 3 && truth-tries[len(tries)-1] < 6*time.Hour; hold.Abuse && !want {
				t.Fatalf("staff told after %d tries", len(tries))
			}
			if hold.Wait == 0 {
				memory.requests = append(memory.requests, request{who: "alice", at: *clock, tale: tale(0)})
				tries = append(tries, truth)
				continue
			}
			second += int(hold.Wait/time.Second) - 1 // nothing changes before
		}
		return tries
	}
	decline := days(func(d time.Duration) []kiosk.Record { return ended(d, kiosk.Declined) })
	if n := len(decline); n < 40 || n > 54 {
		t.Errorf("a stranger's phone rang %d times in two days", n)
	}
	nobody := days(refused)
	if fmt.Sprint(nobody) != fmt.Sprint(decline) {
		t.Errorf("somebody who declines:\n%v\nnobody of that name:\n%v", decline, nobody)
	}
	sleeps := days(func(d time.Duration) []kiosk.Record { return ended(d, kiosk.Expired) })
	if fmt.Sprint(sleeps) != fmt.Sprint(decline) {
		t.Errorf("somebody who sleeps:\n%v", sleeps)
	}
}

// TestStaffAreTold: from the fourth try in a row on, for an hour, without a name.
func TestStaffAreTold(t *testing.T) {
	memory, clock := &past{}, when(0)
	g := New(Limits{}, memory, &clock)
	for i := range 4 {
		if h, _ := g.Allow(kiosk.Secret("alice")); h.Abuse != (i == 3) {
			t.Errorf("try %d: %+v", i+1, h)
		}
		if c := g.Condition(); c.Abused != (i == 3) {
			t.Errorf("try %d: %+v", i+1, c)
		}
		memory.requests = append(memory.requests, request{who: "alice", at: clock, tale: ended(0, kiosk.Declined)})
		clock = when(clock.up + 11*minute)
	}
	if h, _ := g.Allow(kiosk.Secret("bob")); h.Abuse || h.Wait != 0 {
		t.Errorf("somebody else is told: %+v", h)
	}
	if c := g.Condition(); !c.Abused || c.Throttled != 0 || c.At != 33*minute {
		t.Errorf("%+v", c)
	}
	if h, _ := g.Allow(kiosk.Secret("alice")); h.Wait == 0 {
		t.Error("not held")
	}
	if c := g.Condition(); c.Throttled != 1 {
		t.Errorf("%+v", c)
	}
	clock = when(clock.up + time.Hour)
	if c := g.Condition(); c.Abused {
		t.Errorf("an hour later: %+v", c)
	}
}

// BenchmarkAllow looks back through as many requests as the store remembers.
func BenchmarkAllow(b *testing.B) {
	memory := &past{}
	for i := range 8192 {
		memory.requests = append(memory.requests, request{who: "bob", at: when(time.Duration(i) * time.Second)})
	}
	clock := when(8192 * time.Second)
	g := New(DefaultLimits(), memory, &clock)
	for b.Loop() {
		if _, err := g.Allow(kiosk.Secret("alice")); err != nil {
			b.Fatal(err)
		}
	}
}
