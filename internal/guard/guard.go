// Package guard limits how often a kiosk can ring people's phones (push bombing): it decides whether one more
// backchannel authentication request may be sent now. It only decides. What it knows of earlier requests it reads from
// the journal, so it survives restarts and power cuts and has nothing to lose.
//
// # Limits
//
// The longest of four waits counts:
//
//	person's budget   so many requests in a sliding window
//	device's budget   the same for all persons together
//	open request      of the same person
//	pause             grows with each failed request in a row (see pauses)
//
// CIBA cannot cancel a request. So one that was left unanswered here (cancelled, abandoned, connection lost, interrupted
// by a crash) is open on the phone until it expires.
//
// # Failed requests
//
// A request has failed if it was declined, not answered, cancelled or abandoned, if the connection was lost, or if
// another person approved it: the phone rang, or may have, and its owner did not want it. A request that the server
// refused has failed, too, although no phone rang: otherwise the pauses would tell who is a customer. Requests that
// only wanted a user code first, and those of the device flow, which ring nobody, count against the budgets only.
// Errors of ours (settings, clock, an answer that fails a check, no access) count neither way. An approval by the
// right person ends the row of failures, and so does time (streakMemory).
//
// # Clocks
//
// Within one boot only the uptime counts, so setting the wall clock changes nothing. The age of a request from another
// boot is at least the uptime of this one. How long the plug was out, only the wall clock can tell. It is trusted for
// a person's requests if a time service keeps it right, and always for the device's budget: otherwise each start would
// close a device without network time for the length of the window. So neither pulling the plug nor setting the clock
// gets a person a second budget, and a clock that is wrong for good locks nobody out for longer than after a start.
//
// # What it cannot know
//
// A person may have several identifiers (user name, card number, e-mail) where KIOSK_IDENTIFIER is text; each has a
// budget of its own. Requests of other kiosks are the authorization server's to count.
package guard

import (
	"fmt"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Memory is what the guard needs to know of the past.
type Memory interface {
	// PastRequests calls each for the backchannel authentication requests on record, newest first, until it returns
	// false. PastRequest.SamePerson reports whether one was for this identifier. Newest first is the order of writing,
	// which no clock can change.
	PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error
}

// Clock is the device's clock, with what is known of its wall clock.
type Clock interface {
	kiosk.Clock
	// Synchronised reports whether a time service keeps the wall clock right, and whether that is known.
	Synchronised() (yes, known bool)
}

// Limits are the budgets. Each request counts against both.
type Limits struct {
	Person Rate // of one identifier, however spelled; by default 3/10m
	Device Rate // of all persons together; by default 30/10m
	// Lifetime is how long a request is assumed to be open if its acknowledgement never came, from when it was sent;
	// by default 2 min.
	Lifetime time.Duration
}

// DefaultLimits returns the documented defaults.
func DefaultLimits() Limits {
	return Limits{Person: Rate{3, 10 * time.Minute}, Device: Rate{30, 10 * time.Minute}, Lifetime: 2 * time.Minute}
}

// maxLifetime is the longest lifetime that our own client accepts. A record with a longer one is not trusted.
const maxLifetime = time.Hour

// pauses follow the first, second and further failed requests in a row, for a person's window of ten minutes. The
// first is for somebody whose phone was in a coat; the last limits a prankster to 24 rings a day. A shorter window
// shortens them in proportion, a longer one does not change them.
var pauses = [...]time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

const (
	pauseWindow  = 10 * time.Minute // the window that pauses and streakMemory are for
	streakMemory = 6 * time.Hour    // failures longer ago do not count; more than five of the longest pauses
	abuseCount   = 3                // staff are told at the next attempt after so many failures in a row
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

// Allow returns how long no request for identifier may be sent; 0 allows it now. If the memory cannot be read, it
// returns the error and the longest window as the wait.
func (g *Guard) Allow(identifier kiosk.Secret) (kiosk.Throttle, error) {
	yes, known := g.clock.Synchronised()
	reading := clockReading{now: g.clock.Now(), wall: g.clock.Wall(), boot: g.clock.Boot(), wallTrusted: yes || !known}
	memory := g.scaled(streakMemory)
	longest := max(g.limits.Person.Per, g.limits.Device.Per, memory)
	person, device := window{rate: g.limits.Person}, window{rate: g.limits.Device}
	failed := streak{limits: g.limits, clock: reading, memory: memory}
	read, limit := 0, g.lookback(longest)
	err := g.memory.PastRequests(identifier, func(p kiosk.PastRequest) bool {
		if read++; read > limit {
			return false
		}
		if reading.minAge(p.Wall, p.Boot, p.Uptime) >= longest {
			return false // everything written before this one is older
		}
		device.add(reading.likelyAge(p.Wall, p.Boot, p.Uptime))
		if p.SamePerson {
			person.add(reading.personAge(p.Wall, p.Boot, p.Uptime))
			failed.add(p)
		}
		return true
	})
	if err != nil {
		return kiosk.Throttle{Wait: longest}, fmt.Errorf("push guard: %w", err)
	}
	t := kiosk.Throttle{
		Wait:  max(person.wait(), device.wait(), failed.openFor, failed.pause(g.pause(failed.count))),
		Abuse: failed.count >= abuseCount,
	}
	g.record(t, reading.now)
	return t, nil
}

// maxLookback bounds the search where clocks tell nothing and rates are high.
const maxLookback = 8192

// lookback returns how many requests can have been sent in so much time, since the device's budget allowed no more:
// whatever precedes them is older, whatever the clocks say. So a long record costs nothing.
func (g *Guard) lookback(longest time.Duration) int {
	windows := int(longest/g.limits.Device.Per) + 2
	return min(g.limits.Device.Count*windows, maxLookback)
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

// Condition is what staff may know of the guard. It identifies nobody.
type Condition struct {
	Throttled int           // requests refused since the program started
	Abused    bool          // within the last hour, somebody was asked for again after at least three failed requests in a row
	At        time.Duration // with Abused: uptime of the last such attempt
}

// abusePeriod is how long staff are told: the person who does it is likely still near.
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
