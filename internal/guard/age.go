package guard

import "time"

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
