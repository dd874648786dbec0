package guard

import (
	"errors"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// at is the clock of a device at one moment.
type at struct {
	up   time.Duration
	wall time.Time
	boot string
}

func (a *at) Now() time.Duration { return a.up }
func (a *at) Wall() time.Time    { return a.wall }
func (a *at) Boot() string       { return a.boot }

// past is a memory with the oldest request first.
type past struct {
	requests []request
	err      error
	looked   int
}

type request struct {
	who string
	at  at
}

func (p *past) Asked(id kiosk.Secret, each func(bool, time.Time, string, time.Duration) bool) error {
	p.looked = 0
	for i := len(p.requests) - 1; i >= 0; i-- {
		r := p.requests[i]
		p.looked++
		if !each(r.who == string(id), r.at.wall, r.at.boot, r.at.up) {
			break
		}
	}
	return p.err
}

const minute = time.Minute

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// when is a moment of the first boot, which began at noon.
func when(up time.Duration) at { return at{up, noon.Add(up), "first"} }

// later is a moment of the second boot, with the wall clock's say.
func later(up time.Duration, wall time.Time) at { return at{up, wall, "second"} }

func TestAllow(t *testing.T) {
	limits := Limits{Person: Rate{3, 10 * minute}, Device: Rate{5, 10 * minute}}
	for _, c := range []struct {
		name string
		past []request
		now  at
		want time.Duration
	}{
		{"nobody was asked yet", nil, when(0), 0},
		{"twice before", []request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}}, when(3 * minute), 0},
		{"three times before",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			when(4 * minute), 7 * minute},
		{"three times in the same instant",
			[]request{{"alice", when(minute)}, {"alice", when(minute)}, {"alice", when(minute)}},
			when(minute), 10 * minute},
		{"three times, the first just within",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			when(11*minute - 1), 1},
		{"three times, the first just out",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			when(11 * minute), 0},
		{"five times, after the limit was lowered",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}, {"alice", when(4 * minute)}, {"alice", when(5 * minute)}},
			when(6 * minute), 7 * minute},
		{"others were asked three times",
			[]request{{"bob", when(1 * minute)}, {"carol", when(2 * minute)}, {"dave", when(3 * minute)}},
			when(4 * minute), 0},
		{"others used up the device",
			[]request{{"b", when(1 * minute)}, {"c", when(2 * minute)}, {"d", when(3 * minute)}, {"e", when(4 * minute)}, {"f", when(5 * minute)}},
			when(6 * minute), 5 * minute},
		{"both used up: the longer wait counts",
			[]request{{"b", when(1 * minute)}, {"alice", when(2 * minute)}, {"c", when(3 * minute)}, {"alice", when(4 * minute)}, {"alice", when(5 * minute)}},
			when(6 * minute), 6 * minute},
		{"an hour ago",
			[]request{{"alice", when(1 * minute)}, {"alice", when(1 * minute)}, {"alice", when(1 * minute)}},
			when(61 * minute), 0},

		{"the wall clock went back a year in the same boot",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			at{4 * minute, noon.AddDate(-1, 0, 0), "first"}, 7 * minute},
		{"the wall clock went on a year in the same boot",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			at{4 * minute, noon.AddDate(1, 0, 0), "first"}, 7 * minute},
		{"pulling the plug frees nothing",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			later(10*time.Second, noon.Add(4*minute)), 7 * minute},
		{"some before, some after the plug was pulled",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", later(minute, noon.Add(4*minute))}},
			later(2*minute, noon.Add(5*minute)), 6 * minute},
		{"the plug was pulled for an hour",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			later(10*time.Second, noon.Add(time.Hour)), 0},
		{"after the plug the clock says 1970: counted from the start of this boot",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			later(10*time.Second, time.Unix(0, 0)), 10*minute - 10*time.Second},
		{"the clock still says 1970 ten minutes later: not locked for ever",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}},
			later(10*minute, time.Unix(600, 0)), 0},
		{"asked in 1970, then the clock was set: the time since the boot is sure",
			[]request{{"alice", at{minute, time.Unix(60, 0), "second"}}, {"alice", at{minute, time.Unix(60, 0), "second"}}, {"alice", at{minute, time.Unix(60, 0), "second"}}},
			later(2*minute, noon), 9 * minute},
		{"one with a wrong clock between does not hide the older ones",
			[]request{{"alice", when(1 * minute)}, {"alice", when(2 * minute)}, {"alice", when(3 * minute)}, {"bob", at{minute, time.Unix(60, 0), "between"}}},
			later(10*time.Second, noon.Add(5*minute)), 6 * minute},
		{"boot not known: the wall clock alone",
			[]request{{"alice", at{minute, noon.Add(minute), ""}}, {"alice", at{minute, noon.Add(minute), ""}}, {"alice", at{minute, noon.Add(minute), ""}}},
			at{time.Hour, noon.Add(3 * minute), ""}, 8 * minute},
		{"boot not known and the wall clock went back: never more than the window",
			[]request{{"alice", at{minute, noon, ""}}, {"alice", at{minute, noon, ""}}, {"alice", at{minute, noon, ""}}},
			at{time.Hour, noon.AddDate(-5, 0, 0), ""}, 10 * minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := c.now
			got, err := New(limits, &past{requests: c.past}, &now).Allow(kiosk.Secret("alice"))
			if err != nil || got != c.want {
				t.Errorf("wait %v, want %v (%v)", got, c.want, err)
			}
		})
	}
}

func TestWithoutMemoryNothingLeaves(t *testing.T) {
	broken := errors.New("card gone")
	clock := when(time.Hour)
	wait, err := New(DefaultLimits(), &past{err: broken}, &clock).Allow(kiosk.Secret("alice"))
	if !errors.Is(err, broken) || wait <= 0 {
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
			if err != nil || wait < 0 || wait > 10*minute {
				t.Fatalf("wait %v, %v", wait, err)
			}
			if wait == 0 {
				memory.requests = append(memory.requests, request{"alice", *clock})
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
		memory.requests = append(memory.requests, request{"bob", when(time.Duration(i) * minute)})
	}
	clock := when(5000 * minute)
	if wait, err := New(DefaultLimits(), memory, &clock).Allow(kiosk.Secret("alice")); wait != 0 || err != nil {
		t.Fatal(wait, err)
	}
	if memory.looked > 12 {
		t.Errorf("looked at %d requests for a window of ten", memory.looked)
	}
}

func TestZeroRateIsTheDefault(t *testing.T) {
	memory := &past{requests: []request{{"alice", when(0)}, {"alice", when(0)}, {"alice", when(0)}}}
	clock := when(minute)
	if wait, err := New(Limits{}, memory, &clock).Allow(kiosk.Secret("alice")); wait != 9*minute || err != nil {
		t.Errorf("wait %v, %v", wait, err)
	}
}
