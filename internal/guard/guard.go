// Package guard limits how often a kiosk can ring people's phones (push bombing): it decides whether one more
// backchannel authentication request may be sent now. It keeps nothing itself: it reads the earlier requests from the
// journal, so its decisions survive restarts and power cuts.
//
// # Limits
//
// The longest of four waits counts:
//
//	person's budget   a number of requests in a sliding window
//	device's budget   rings of all persons together, in a token bucket
//	open request      of the same person
//	pause             grows with each failed request in a row (see pauses)
//
// A request that has not left the device counts nowhere. A refusal that rang nobody counts for the person like a ring, because
// the pauses must not reveal who has an account, and for the device a tenth.
//
// CIBA cannot cancel a request. A request without a final answer (cancelled, abandoned, connection lost, interrupted by
// a crash) is therefore open on the phone until it expires.
//
// # Failed requests
//
// A request has failed if it was declined, not answered, cancelled or abandoned, if the connection was lost, or if
// another person approved it: the phone rang, or may have rung, and its owner did not approve. A request that the server
// refused has failed as well, although no phone rang: otherwise the pauses would reveal who has an account. Requests of the
// device flow, which rings no phone, count against the budgets only.
//
// A request that the server answered by demanding a user code rang nobody either. It counts apart: a visit may have one
// without a code and three with one (codesPerVisit); each further such number in a row counts as a failed request, over
// visits. While a customer answers such a demand, they are not held back for it.
//
// Errors of the device or its settings (clock, validation of the answer, no access) are not failed requests, and neither
// is one that a power cut interrupted, if its outcome is unknown; of those only the newest is left out, so that pulling the
// plug does not avoid the pauses. An approval by the right person ends the row of failures, and so does time
// (streakMemory).
//
// # Clocks
//
// Within one boot only the uptime counts, so setting the wall clock changes nothing. A request from an earlier boot is
// at least as old as the uptime of this boot. Only the wall clock knows how long the device was switched off. For a
// person's requests the guard trusts the wall clock if a time service keeps it right. For the device's budget it always
// does: otherwise a device without network time would be closed for a whole window after each start. So neither a power
// cut nor a changed clock gives a person a second budget, and a clock that stays wrong locks nobody out for longer than
// after a start.
//
// # What it cannot know
//
// A person may have several identifiers (user name, card number, e-mail) if KIOSK_IDENTIFIER is text; each has a budget
// of its own. The authorization server must limit requests of several kiosks.
package guard

import (
	"fmt"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Memory provides the earlier requests.
type Memory interface {
	// PastRequests calls each for the backchannel authentication requests on record, newest first, until it returns
	// false. PastRequest.SamePerson reports whether a request was for this identifier. The order is that of writing, so
	// that no clock can change it.
	PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error
}

// Clock is the device's clock.
type Clock interface {
	kiosk.Clock
	// Synchronised reports whether a time service keeps the wall clock right, and whether that is known.
	Synchronised() (yes, known bool)
}

// Limits are the budgets. Each request counts against both.
type Limits struct {
	Person Rate // of one identifier, however spelled; by default 3/10m
	Device Rate // of all persons together; by default 30/10m
	// Lifetime is how long a request without an acknowledgement is assumed to be open after it was sent; by default
	// 2 min.
	Lifetime time.Duration
}

// DefaultLimits returns the documented defaults.
func DefaultLimits() Limits {
	return Limits{Person: Rate{3, 10 * time.Minute}, Device: Rate{30, 10 * time.Minute}, Lifetime: 2 * time.Minute}
}

// maxLifetime is the longest lifetime that package ciba accepts. A record with a longer one is not trusted.
const maxLifetime = time.Hour

// pauses follow the first, second and further failed requests in a row, for a person's window of ten minutes. The
// first is short for a customer who first has to find the phone; the last limits an abuser to 24 rings a day. A shorter
// window shortens the pauses in proportion, a longer one does not change them.
var pauses = [...]time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

const (
	pauseWindow  = 10 * time.Minute // the window that pauses and streakMemory are for
	streakMemory = 6 * time.Hour    // older failures do not count; more than five of the longest pauses
	abuseCount   = 3                // failures in a row after which the next attempt is reported as abuse

	// codesPerVisit is how many requests of one visit may be answered by a demand for a user code: the first, which has none,
	// and three tries (kiosk.Rules.MaxCodeTries).
	codesPerVisit = 4
)

// Guard implements kiosk.Guard. It is safe for concurrent use.
type Guard struct {
	limits Limits
	memory Memory
	clock  Clock

	mu        sync.Mutex // the visit calls Allow, the daemon Condition
	condition Condition
}

var _ kiosk.Guard = (*Guard)(nil)

// New returns a guard. A zero limit means the default: leaving it out does not switch the guard off.
func New(l Limits, m Memory, c Clock) *Guard {
	d := DefaultLimits()
	l.Person, l.Device = l.Person.orDefault(d.Person), l.Device.orDefault(d.Device)
	if l.Lifetime <= 0 {
		l.Lifetime = d.Lifetime
	}
	return &Guard{limits: l, memory: m, clock: c}
}

// Allow returns how long no request for identifier may be sent; 0 allows it now. withCode says that the customer answers a demand
// for a user code. If the memory cannot be read, it returns the error and the longest window as the wait.
func (g *Guard) Allow(identifier kiosk.Secret, withCode bool) (kiosk.Throttle, error) {
	yes, known := g.clock.Synchronised()
	reading := clockReading{now: g.clock.Now(), wall: g.clock.Wall(), boot: g.clock.Boot(), wallTrusted: yes || !known}
	memory := g.scaled(streakMemory)
	longest := max(g.limits.Person.Per, g.limits.Device.Per, memory)
	person, device := window{rate: g.limits.Person}, bucket{rate: g.limits.Device}
	failed := streak{limits: g.limits, clock: reading, memory: memory}
	read, limit := 0, g.lookback(longest)
	err := g.memory.PastRequests(identifier, func(p kiosk.PastRequest) bool {
		if read++; read > limit {
			return false
		}
		if reading.minAge(p.Wall, p.Boot, p.Uptime) >= longest {
			return false // everything written before this one is older
		}
		age := reading.likelyAge(p.Wall, p.Boot, p.Uptime)
		personAge := reading.personAge(p.Wall, p.Boot, p.Uptime)
		if age >= device.memory() && (!p.SamePerson || failed.done && personAge >= person.rate.Per) {
			return true // its history changes nothing
		}
		history := p.History()
		kind := kindOf(history)
		if kind == unsent {
			return true
		}
		device.add(age, kind.cost())
		if p.SamePerson {
			if kind != codeDemanded {
				person.add(personAge)
			}
			failed.add(p, history, kind)
		}
		return true
	})
	if err != nil {
		return kiosk.Throttle{Wait: longest}, fmt.Errorf("push guard: %w", err)
	}
	t := kiosk.Throttle{
		Wait:  max(person.wait(), device.wait(), failed.openFor, failed.pause(g.pause(failed.failures(withCode)))),
		Abuse: failed.failures(false) >= abuseCount,
	}
	g.record(t, reading.now)
	return t, nil
}

// maxLookback bounds the search if the clocks are useless and the rates are high.
const maxLookback = 8192

// lookback returns how many requests the device's budget allows within a time, if all are refused. Requests before these are
// older, even if the clocks are wrong, so a long record costs nothing.
func (g *Guard) lookback(longest time.Duration) int {
	windows := int(longest/g.limits.Device.Per) + 2
	return min(int(float64(g.limits.Device.Count)/refusalCost)*windows, maxLookback)
}

// pause returns the pause after n failed requests in a row.
func (g *Guard) pause(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return g.scaled(pauses[min(n, len(pauses))-1])
}

// scaled returns d in proportion to the person's window.
func (g *Guard) scaled(d time.Duration) time.Duration {
	per := min(g.limits.Person.Per, pauseWindow)
	return time.Duration(float64(d) * float64(per) / float64(pauseWindow))
}

// Condition is the guard's state for staff. It contains no personal data.
type Condition struct {
	Throttled int           // requests refused since the program started
	Abused    bool          // within the last hour a person was to be asked again after at least three failed requests in a row
	At        time.Duration // with Abused: uptime of the last such attempt
}

// abusePeriod is how long abuse is reported: during this time the abuser is likely still near.
const abusePeriod = time.Hour

// Condition returns the current state. After a restart, abuse is seen at the next attempt.
func (g *Guard) Condition() Condition {
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.condition
	c.Abused = c.Abused && now-c.At < abusePeriod
	return c
}

func (g *Guard) record(t kiosk.Throttle, now time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.Wait > 0 {
		g.condition.Throttled++
	}
	if t.Abuse {
		g.condition.Abused, g.condition.At = true, now
	}
}
