package guard

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// clockReading is the device's clock when the guard is asked.
type clockReading struct {
	now         time.Duration
	wall        time.Time
	boot        string
	wallTrusted bool // the wall clock is trusted
}

// minAge returns the least possible age of a record. Within one boot that is the difference of uptimes. A record from
// another boot is at least as old as this boot. If boots have no IDs, the record is at least as old as if it were from
// this boot.
func (c clockReading) minAge(wall time.Time, boot string, uptime time.Duration) time.Duration {
	if c.boot != "" && boot != "" && boot != c.boot {
		return c.now
	}
	return max(c.now-uptime, 0)
}

// likelyAge returns the age by the uptimes within one boot, else by the wall clock, but not less than minAge: the wall
// clock may have been set back.
func (c clockReading) likelyAge(wall time.Time, boot string, uptime time.Duration) time.Duration {
	least := c.minAge(wall, boot, uptime)
	if c.boot != "" && boot == c.boot {
		return least
	}
	return max(c.wall.Sub(wall), least)
}

// personAge returns the age that counts for a person's budget: likelyAge if the wall clock is trusted, else minAge.
func (c clockReading) personAge(wall time.Time, boot string, uptime time.Duration) time.Duration {
	if c.wallTrusted {
		return c.likelyAge(wall, boot, uptime)
	}
	return c.minAge(wall, boot, uptime)
}

// bucket is the device's budget as a token bucket: it holds as many requests as the rate allows at once, and fills at that rate.
// A refusal that rang nobody costs little, so that nobody closes a device for others by typing nonsense.
type bucket struct {
	rate  Rate
	taken []withdrawal // newest first
}

type withdrawal struct {
	age  time.Duration
	cost float64 // in requests
}

// What requests cost of the device's budget. An authorization server answers a refusal after about two seconds, so a person who
// types nonsense without a pause makes 300 in ten minutes: at this cost they take what the bucket gets in that time.
const (
	ringCost    = 1.0
	refusalCost = 0.1
)

func (b *bucket) add(age time.Duration, cost float64) {
	if cost > 0 && age < b.memory() {
		b.taken = append(b.taken, withdrawal{max(age, 0), cost})
	}
}

// memory is how long a withdrawal matters: after twice its period, an unused bucket is full whatever was taken.
func (b *bucket) memory() time.Duration { return 2 * b.rate.Per }

// wait returns how long until the bucket holds one request.
func (b *bucket) wait() time.Duration {
	// After a jump of the wall clock, the order of ages differs from that of writing.
	slices.SortStableFunc(b.taken, func(x, y withdrawal) int { return cmp.Compare(y.age, x.age) })
	full, perSecond := float64(b.rate.Count), float64(b.rate.Count)/b.rate.Per.Seconds()
	level, before := full, b.memory()
	for _, w := range b.taken {
		level = min(level+(before-w.age).Seconds()*perSecond, full)
		level, before = max(level-w.cost, 0), w.age
	}
	level = min(level+before.Seconds()*perSecond, full)
	if level >= 1 {
		return 0
	}
	return time.Duration(math.Ceil((1 - level) / perSecond * float64(time.Second)))
}

// window collects the newest requests that count against one rate.
type window struct {
	rate   Rate
	count  int
	oldest time.Duration // age of the oldest of the newest rate.Count
}

func (w *window) add(age time.Duration) {
	if w.count >= w.rate.Count || age >= w.rate.Per {
		return
	}
	w.count++
	// The greatest age, not the last one: after a jump of the wall clock, the order of ages differs from that of writing.
	w.oldest = max(w.oldest, age)
}

func (w *window) wait() time.Duration {
	if w.count < w.rate.Count {
		return 0
	}
	return w.rate.Per - w.oldest
}
