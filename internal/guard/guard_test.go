package guard

import (
	"errors"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// at is the clock of a device at one moment. Its wall clock is kept right by a
// time service unless it is alone.
type at struct {
	up    time.Duration
	wall  time.Time
	boot  string
	alone bool
}

func (a *at) Now() time.Duration              { return a.up }
func (a *at) Wall() time.Time                 { return a.wall }
func (a *at) Boot() string                    { return a.boot }
func (a *at) Synchronised() (yes, known bool) { return !a.alone, true }

// past is a memory with the oldest request first.
type past struct {
	requests []request
	err      error
	looked   int
	pruned   bool // the stories are off record
}

// request is one visit of the past. If nothing else is said it was approved at once.
type request struct {
	who  string
	at   at
	tale []kiosk.Record // Uptime, Sent: from at.up on
}

// onSecondRoad stands for a request without a code of ours: no phone rang.
const onSecondRoad = "second road"

// story is the visit as it is on record.
func (r request) story() []kiosk.Record {
	tale := r.tale
	if tale == nil {
		tale = approved(0)
	}
	out := []kiosk.Record{{Stage: kiosk.StageAsking}}
	for _, rec := range append(out, tale...) {
		rec.Boot, rec.Wall, rec.SentAt = r.at.boot, r.at.wall.Add(rec.Uptime), r.at.wall.Add(rec.Sent)
		rec.Uptime, rec.Sent = r.at.up+rec.Uptime, r.at.up+rec.Sent
		switch rec.Code {
		case "":
			rec.Code = "K7-4F9Q"
		case onSecondRoad:
			rec.Code = ""
		}
		out = append(out, rec)
	}
	return out[1:]
}

func (p *past) PastRequests(id kiosk.Secret, each func(kiosk.PastRequest) bool) error {
	p.looked = 0
	for i := len(p.requests) - 1; i >= 0; i-- {
		r := p.requests[i]
		p.looked++
		story := r.story
		if p.pruned {
			story = func() []kiosk.Record { return nil }
		}
		if !each(kiosk.PastRequest{SamePerson: r.who == string(id), Wall: r.at.wall, Boot: r.at.boot, Uptime: r.at.up, History: story}) {
			break
		}
	}
	return p.err
}

const minute = time.Minute

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// when is a moment of the first boot, which began at noon.
func when(up time.Duration) at { return at{up, noon.Add(up), "first", false} }

// later is a moment of the second boot, with the wall clock's say.
func later(up time.Duration, wall time.Time) at { return at{up, wall, "second", false} }

func TestAllow(t *testing.T) {
	limits := Limits{Person: Rate{3, 10 * minute}, Device: Rate{5, 10 * minute}}
	for _, c := range []struct {
		name string
		past []request
		now  at
		want time.Duration
	}{
		{"nobody was asked yet", nil, when(0), 0},
		{"twice before", []request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}}, when(3 * minute), 0},
		{"three times before",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			when(4 * minute), 7 * minute},
		{"three times in the same instant",
			[]request{{who: "alice", at: when(minute)}, {who: "alice", at: when(minute)}, {who: "alice", at: when(minute)}},
			when(minute), 10 * minute},
		{"three times, the first just within",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			when(11*minute - 1), 1},
		{"three times, the first just out",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			when(11 * minute), 0},
		{"five times, after the limit was lowered",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}, {who: "alice", at: when(4 * minute)}, {who: "alice", at: when(5 * minute)}},
			when(6 * minute), 7 * minute},
		{"others were asked three times",
			[]request{{who: "bob", at: when(1 * minute)}, {who: "carol", at: when(2 * minute)}, {who: "dave", at: when(3 * minute)}},
			when(4 * minute), 0},
		{"others used up the device",
			[]request{{who: "b", at: when(1 * minute)}, {who: "c", at: when(2 * minute)}, {who: "d", at: when(3 * minute)}, {who: "e", at: when(4 * minute)}, {who: "f", at: when(5 * minute)}},
			when(6 * minute), 5 * minute},
		{"both used up: the longer wait counts",
			[]request{{who: "b", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "c", at: when(3 * minute)}, {who: "alice", at: when(4 * minute)}, {who: "alice", at: when(5 * minute)}},
			when(6 * minute), 6 * minute},
		{"an hour ago",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(1 * minute)}, {who: "alice", at: when(1 * minute)}},
			when(61 * minute), 0},

		{"the wall clock went back a year in the same boot",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			at{up: 4 * minute, wall: noon.AddDate(-1, 0, 0), boot: "first"}, 7 * minute},
		{"the wall clock went on a year in the same boot",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			at{up: 4 * minute, wall: noon.AddDate(1, 0, 0), boot: "first"}, 7 * minute},
		{"pulling the plug frees nothing",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			later(10*time.Second, noon.Add(4*minute)), 7 * minute},
		{"some before, some after the plug was pulled",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: later(minute, noon.Add(4*minute))}},
			later(2*minute, noon.Add(5*minute)), 6 * minute},
		{"the plug was pulled for an hour",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			later(10*time.Second, noon.Add(time.Hour)), 0},
		{"after the plug the clock says 1970: counted from the start of this boot",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			later(10*time.Second, time.Unix(0, 0)), 10*minute - 10*time.Second},
		{"the clock still says 1970 ten minutes later: not locked for ever",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			later(10*minute, time.Unix(600, 0)), 0},
		{"asked in 1970, then the clock was set: the time since the boot is sure",
			[]request{{who: "alice", at: at{up: minute, wall: time.Unix(60, 0), boot: "second"}}, {who: "alice", at: at{up: minute, wall: time.Unix(60, 0), boot: "second"}}, {who: "alice", at: at{up: minute, wall: time.Unix(60, 0), boot: "second"}}},
			later(2*minute, noon), 9 * minute},
		{"one with a wrong clock between does not hide the older ones",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}, {who: "bob", at: at{up: minute, wall: time.Unix(60, 0), boot: "between"}}},
			later(10*time.Second, noon.Add(5*minute)), 6 * minute},
		{"boots have no names: as old as if it were this boot, or older by the wall clock",
			[]request{{who: "alice", at: at{up: minute, wall: noon}}, {who: "alice", at: at{up: minute, wall: noon}}, {who: "alice", at: at{up: minute, wall: noon}}},
			at{up: 2 * minute, wall: noon.Add(4 * minute)}, 6 * minute},
		{"boots have no names and the wall clock went back five years: not locked for ever",
			[]request{{who: "alice", at: at{up: minute, wall: noon}}, {who: "alice", at: at{up: minute, wall: noon}}, {who: "alice", at: at{up: minute, wall: noon}}},
			at{up: 4 * minute, wall: noon.AddDate(-5, 0, 0)}, 7 * minute},

		{"nobody keeps the clock right: a year later by the wall clock is no proof",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			at{up: minute, wall: noon.AddDate(1, 0, 0), boot: "second", alone: true}, 9 * minute},
		{"nobody keeps the clock right: after the window has passed in this boot it is certain",
			[]request{{who: "alice", at: when(1 * minute)}, {who: "alice", at: when(2 * minute)}, {who: "alice", at: when(3 * minute)}},
			at{up: 10 * minute, wall: noon, boot: "second", alone: true}, 0},
		{"nobody keeps the clock right: the device as a whole is not closed by a start",
			[]request{{who: "b", at: when(1 * minute)}, {who: "c", at: when(2 * minute)}, {who: "d", at: when(3 * minute)}, {who: "e", at: when(4 * minute)}, {who: "f", at: when(5 * minute)}},
			at{up: minute, wall: noon.Add(time.Hour), boot: "second", alone: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := c.now
			got, err := New(limits, &past{requests: c.past}, &now).Allow(kiosk.Secret("alice"))
			if err != nil || got.Wait != c.want {
				t.Errorf("wait %v, want %v (%v)", got.Wait, c.want, err)
			}
		})
	}
}

func TestWithoutMemoryNothingLeaves(t *testing.T) {
	broken := errors.New("card gone")
	clock := when(time.Hour)
	wait, err := New(DefaultLimits(), &past{err: broken}, &clock).Allow(kiosk.Secret("alice"))
	if !errors.Is(err, broken) || wait.Wait <= 0 {
		t.Errorf("wait %v, error %v", wait, err)
	}
}

// TestADayOfPushing plays somebody who asks every second for a day, with a
// reboot each hour and a wall clock that jumps at each: in no ten minutes are
// there more requests than the budget, and the device is never locked for good.
func TestADayOfPushing(t *testing.T) {
	memory := &past{}
	jumps := []time.Duration{0, -time.Hour, -24 * 365 * time.Hour, 0}
	var left []time.Duration // true times
	truth := time.Duration(0)
	for hour := range 24 {
		clock := &at{boot: string(rune('a' + hour))}
		g := New(Limits{Person: Rate{3, 10 * minute}}, memory, clock)
		for second := range 3600 {
			clock.up = time.Duration(second) * time.Second
			clock.wall = noon.Add(truth + jumps[hour%len(jumps)])
			wait, err := g.Allow(kiosk.Secret("alice"))
			if err != nil || wait.Wait < 0 || wait.Wait > 10*minute {
				t.Fatalf("wait %v, %v", wait, err)
			}
			if wait.Wait == 0 {
				memory.requests = append(memory.requests, request{who: "alice", at: *clock})
				left = append(left, truth)
			}
			truth += time.Second
		}
	}
	for i := 3; i < len(left); i++ {
		// The clock went on from an hour or a year back to the truth at some
		// reboots: then the wall clock is all there is, and it says "long ago".
		if left[i]-left[i-3] < 10*minute && left[i]%time.Hour >= 10*minute {
			t.Errorf("requests %d to %d within %v", i-3, i, left[i]-left[i-3])
		}
	}
	// Three in each ten minutes would be 432; a jump may cost a window each hour.
	if len(left) < 330 || len(left) > 450 {
		t.Errorf("%d requests left in a day", len(left))
	}
}

func TestItStopsLookingWhenItKnows(t *testing.T) {
	memory := &past{}
	for i := range 5000 {
		memory.requests = append(memory.requests, request{who: "bob", at: when(time.Duration(i) * minute)})
	}
	clock := when(5000 * minute)
	if wait, err := New(DefaultLimits(), memory, &clock).Allow(kiosk.Secret("alice")); wait.Wait != 0 || err != nil {
		t.Fatal(wait, err)
	}
	if memory.looked > 362 {
		t.Errorf("looked at %d requests for six hours of one a minute", memory.looked)
	}
}

// TestAMillionRecords: after a start nobody's clock tells how old they are, and yet
// no more are looked at than can have left within the time that counts.
func TestAMillionRecords(t *testing.T) {
	memory := &past{requests: make([]request, 1_000_000)}
	for i := range memory.requests {
		memory.requests[i] = request{who: "bob", at: when(time.Duration(i) * minute)}
	}
	clock := at{up: minute, wall: noon, boot: "second", alone: true}
	if wait, err := New(DefaultLimits(), memory, &clock).Allow(kiosk.Secret("alice")); wait.Wait < 0 || err != nil {
		t.Fatal(wait, err)
	}
	if memory.looked > 30*38+1 {
		t.Errorf("looked at %d requests", memory.looked)
	}
	if _, err := New(Limits{Device: Rate{1000, time.Second}}, memory, &clock).Allow(kiosk.Secret("alice")); memory.looked > maxLookback+1 || err != nil {
		t.Errorf("looked at %d requests, %v", memory.looked, err)
	}
}

func TestZeroRateIsTheDefault(t *testing.T) {
	memory := &past{requests: []request{{who: "alice", at: when(0)}, {who: "alice", at: when(0)}, {who: "alice", at: when(0)}}}
	clock := when(minute)
	if wait, err := New(Limits{}, memory, &clock).Allow(kiosk.Secret("alice")); wait.Wait != 9*minute || err != nil {
		t.Errorf("wait %v, %v", wait, err)
	}
}
