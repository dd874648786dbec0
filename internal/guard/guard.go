// Package guard keeps anybody at the kiosk from ringing other people's phones
// over and over (push bombing): it decides whether one more backchannel
// authentication request may leave this device now. It only decides. What it
// knows of earlier requests it reads from a Memory, which is the journal, so that
// it outlives restarts and power cuts and has nothing to lose.
//
// # Four limits, the longest wait counts
//
//   - The person's budget: so many requests in a window that slides.
//   - The device's budget, the same for everybody together.
//   - One open request for a person: CIBA cannot cancel one, so a request that was
//     left unanswered here (cancelled, abandoned, connection lost, watched after a
//     crash) is open on the phone until it expires.
//   - A pause that grows with each request in a row that came to nothing (pauses).
//
// # What counts as having come to nothing
//
// Declined, not answered, cancelled, abandoned, the connection lost, approved by
// another person: the phone rang, or may have, and its owner did not want it.
// A request that the server refused counts, too, though no phone rang: were it
// otherwise, the pauses would tell who is a customer and who is not; but not one
// that only wanted a user code first, nor one on the second road, which rings
// nobody: both count against the budgets only. Our own
// faults (settings, clock, an answer that fails a check, no access) count neither
// way. An approval by the right person ends the row, and so does time (forgetting).
//
// # Whose clock
//
// Within one boot only the uptime counts, so setting the wall clock changes
// nothing. Across boots the age of a request is at least the uptime of this boot.
// That the plug was out for longer only the wall clock can say. It is believed of
// a person's requests where a time service keeps it right; for the device's budget
// it always is, or each start would close a device without network time for as
// long as the window. So pulling the plug or setting the clock gets nobody a
// second budget for one person, and a clock that is wrong for good locks nobody
// out for longer than after a start.
//
// # What it cannot know
//
// One person may go by several identifiers (user name, card number, e-mail) where
// KIOSK_IDENTIFIER is text; each has a budget of its own then. Another kiosk's
// requests are the authorization server's to count.
package guard

import (
	"fmt"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Memory is what the guard needs to know of the past.
type Memory interface {
	// Asked calls each for the backchannel authentication requests on record,
	// the newest first, until it returns false; Push.Mine says whether one was for
	// this identifier. Newest first is the order of writing, which no clock can upset.
	PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error
}

// Clock is the device's, with what it knows of its own wall clock.
type Clock interface {
	kiosk.Clock
	// Synchronised says whether a time service keeps the wall clock right, and
	// whether that can be known here at all.
	Synchronised() (yes, known bool)
}

// Limits are the budgets. Each request counts against both.
type Limits struct {
	Person Rate // for one identifier, however it is spelt; by default 3/10m
	Device Rate // for all of them together; by default 30/10m
	// Life is how long a request is taken to be open whose acknowledgement never
	// came, from when it was asked for; by default 2 min.
	Lifetime time.Duration
}

// DefaultLimits are the contract's budgets.
func DefaultLimits() Limits {
	return Limits{Person: Rate{3, 10 * time.Minute}, Device: Rate{30, 10 * time.Minute}, Lifetime: 2 * time.Minute}
}

// longestLife is what a request may live by our own client's measure; a record
// that says more is not believed.
const maxLifetime = time.Hour

// pauses follow the first, second, … request in a row that came to nothing, with
// the person's window of ten minutes. The first is for who had the phone in a
// coat; the last keeps a prankster to 24 rings a day. A shorter window shortens
// them in proportion, a longer one leaves them.
var pauses = [...]time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

const (
	pauseWindow  = 10 * time.Minute // the window that pauses are for
	streakMemory = 6 * time.Hour    // likewise: what came to nothing longer ago does not count; more than five of the longest pauses
	abuseCount   = 3                // so many in a row, and another try, and staff should know
)

// Guard implements kiosk.Guard. It is safe for concurrent use.
type Guard struct {
	limits Limits
	memory Memory
	clock  Clock

	mu        sync.Mutex // the visit asks, whoever tells staff of the condition does so beside it
	condition Condition
}

var _ kiosk.Guard = (*Guard)(nil)

// New makes a guard. A zero limit takes the contract's default: there is no way
// to switch the guard off by leaving it out.
func New(l Limits, m Memory, c Clock) *Guard {
	d := DefaultLimits()
	l.Person, l.Device = l.Person.orDefault(d.Person), l.Device.orDefault(d.Device)
	if l.Lifetime <= 0 {
		l.Lifetime = d.Lifetime
	}
	return &Guard{limits: l, memory: m, clock: c}
}

// Allow says for how long no request for identifier may leave: 0 lets it go. When
// the memory cannot be read nothing leaves: the error comes back with the longer
// window as the wait.
func (g *Guard) Allow(identifier kiosk.Secret) (kiosk.Throttle, error) {
	yes, known := g.clock.Synchronised()
	here := moment{now: g.clock.Now(), wall: g.clock.Wall(), boot: g.clock.Boot(), wallTrusted: yes || !known}
	forget := g.scaled(streakMemory)
	longest := max(g.limits.Person.Per, g.limits.Device.Per, forget)
	person, device := window{rate: g.limits.Person}, window{rate: g.limits.Device}
	row := streak{limits: g.limits, moment: here, memory: forget}
	looked, most := 0, g.lookback(longest)
	err := g.memory.PastRequests(identifier, func(p kiosk.PastRequest) bool {
		if looked++; looked > most {
			return false
		}
		least := here.minAge(p.Wall, p.Boot, p.Uptime)
		if least >= longest {
			return false // what was written before this one is older still
		}
		device.add(here.likelyAge(p.Wall, p.Boot, p.Uptime))
		if p.SamePerson {
			person.add(here.personAge(p.Wall, p.Boot, p.Uptime))
			row.add(p)
		}
		return true
	})
	if err != nil {
		return kiosk.Throttle{Wait: longest}, fmt.Errorf("push guard: %w", err)
	}
	h := kiosk.Throttle{
		Wait:  max(person.wait(), device.wait(), row.openFor, row.pause(g.pause(row.count))),
		Abuse: row.count >= abuseCount,
	}
	g.record(h, here.now)
	return h, nil
}

// mostLooked bounds the look back where clocks say nothing and rates are high.
const maxLookback = 8192

// lookback is how many requests can have left in so much time, since the device's
// budget let no more go: what is before them is older, whatever the clocks say. So
// a long record costs nothing.
func (g *Guard) lookback(longest time.Duration) int {
	windows := int(longest/g.limits.Device.Per) + 2
	return min(g.limits.Device.Count*windows, maxLookback)
}

// pause follows so many requests in a row that came to nothing.
func (g *Guard) pause(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return g.scaled(pauses[min(n, len(pauses))-1])
}

// scaled is a time that goes with the person's window.
func (g *Guard) scaled(d time.Duration) time.Duration {
	per := min(g.limits.Person.Per, pauseWindow)
	return time.Duration(float64(d) * float64(per) / float64(pauseWindow))
}

// Condition is what staff and operators may know of the guard: no identity is in it.
type Condition struct {
	Throttled int           // requests held back since the program started
	Abused    bool          // within the last hour somebody was asked for once more after at least three requests in a row that came to nothing
	At        time.Duration // with Pestered: when that was last seen, as uptime
}

// pesteredFor is how long staff are told: whoever does it is likely still near.
const abusePeriod = time.Hour

// Condition says how things are. After a restart somebody is seen to be pestered
// with the next try.
func (g *Guard) Condition() Condition {
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.condition
	c.Abused = c.Abused && now-c.At < abusePeriod
	return c
}

func (g *Guard) record(h kiosk.Throttle, now time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if h.Wait > 0 {
		g.condition.Throttled++
	}
	if h.Abuse {
		g.condition.Abused, g.condition.At = true, now
	}
}
