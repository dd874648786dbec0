// Package guard keeps anybody at the kiosk from ringing other people's phones
// over and over (push bombing): it decides whether one more backchannel
// authentication request may leave this device now. It only decides. What it
// knows of earlier requests it reads from a Memory, which is the journal's
// record of what was asked, so the budget outlives restarts and power cuts.
package guard

import (
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Memory is what the guard needs to know of the past.
type Memory interface {
	// Asked calls each for the backchannel authentication requests on record,
	// the newest first, until it returns false. mine says whether it was for this
	// identifier; wall, boot and uptime say when it was written, as in kiosk.Record.
	// Newest first is the order of writing, which no clock can upset.
	Asked(identifier kiosk.Secret, each func(mine bool, wall time.Time, boot string, uptime time.Duration) bool) error
}

// Limits are the budgets. Each request counts against both.
type Limits struct {
	Person Rate // for one identifier, however it is spelt; by default 3/10m
	Device Rate // for all of them together; by default 30/10m
}

// DefaultLimits are the contract's budgets.
func DefaultLimits() Limits {
	return Limits{Person: Rate{3, 10 * time.Minute}, Device: Rate{30, 10 * time.Minute}}
}

// Guard implements kiosk.Guard. It holds no state of its own.
type Guard struct {
	limits Limits
	memory Memory
	clock  kiosk.Clock
}

var _ kiosk.Guard = (*Guard)(nil)

// New makes a guard. A zero rate takes the contract's default: there is no way
// to switch the guard off by leaving it out.
func New(l Limits, m Memory, c kiosk.Clock) *Guard {
	d := DefaultLimits()
	return &Guard{limits: Limits{Person: l.Person.or(d.Person), Device: l.Device.or(d.Device)}, memory: m, clock: c}
}

// Allow says how long to wait before a request for identifier may leave: 0 lets
// it go, otherwise it is the time until enough earlier requests have left the
// window, never more than the longer window. When the memory cannot be read
// nothing leaves: the error comes back with the longer window as the wait.
func (g *Guard) Allow(identifier kiosk.Secret) (time.Duration, error) {
	here := present{now: g.clock.Now(), wall: g.clock.Wall(), boot: g.clock.Boot()}
	longest := max(g.limits.Person.Per, g.limits.Device.Per)
	person, device := window{rate: g.limits.Person}, window{rate: g.limits.Device}
	err := g.memory.Asked(identifier, func(mine bool, wall time.Time, boot string, uptime time.Duration) bool {
		age, sure := here.age(wall, boot, uptime)
		if sure && age >= longest {
			return false // what was written before this one is older still
		}
		device.add(age)
		if mine {
			person.add(age)
		}
		return !(person.full() && device.full())
	})
	if err != nil {
		return longest, fmt.Errorf("push guard: %w", err)
	}
	// Growing pauses after refusals will be a third wait beside these two.
	return max(person.wait(), device.wait()), nil
}

// present is when the question is asked.
type present struct {
	now  time.Duration
	wall time.Time
	boot string
}

// age is how long ago something was written, and whether that is at the least
// its true age. Within one boot the uptime knows. Of another boot's record the
// wall clock says so, but it was written before this boot began: where the wall
// clock went back, the uptime since is the age, so that the budget is neither
// freed before its time nor locked until the clock has caught up.
func (p present) age(wall time.Time, boot string, uptime time.Duration) (age time.Duration, sure bool) {
	byWall := p.wall.Sub(wall)
	switch {
	case boot == "" || p.boot == "":
		return max(byWall, 0), false
	case boot == p.boot:
		return max(p.now-uptime, 0), true
	case p.now >= byWall:
		return p.now, true
	default:
		return byWall, false
	}
}

// window collects the newest requests that count against one rate.
type window struct {
	rate   Rate
	count  int
	oldest time.Duration // age of the oldest of the newest rate.Count
}

func (w *window) full() bool { return w.count >= w.rate.Count }

func (w *window) add(age time.Duration) {
	if w.full() || age >= w.rate.Per {
		return
	}
	w.count++
	// The greatest age, not the last: after a jump of the wall clock the order
	// of writing and the order of ages differ.
	w.oldest = max(w.oldest, age)
}

func (w *window) wait() time.Duration {
	if !w.full() {
		return 0
	}
	return w.rate.Per - w.oldest
}
