package guard

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a budget: so many requests in so much time, counted in a window that
// slides. The zero Rate stands for the contract's default.
type Rate struct {
	Count int           // 1 to 1000
	Per   time.Duration // 1 s to 24 h
}

const (
	maxCount = 1000           // more is no limit, and the memory behind it would not reach far enough
	maxPer   = 24 * time.Hour // the same
)

// ParseRate reads a budget as written in KIOSK_GUARD_PERSON and
// KIOSK_GUARD_DEVICE: a count, a slash and a Go duration, as in "3/10m".
func ParseRate(s string) (Rate, error) {
	count, per, found := strings.Cut(s, "/")
	if !found || len(s) > 32 {
		return Rate{}, fmt.Errorf("rate: want a count, a slash and a duration, as in 3/10m")
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > maxCount {
		return Rate{}, fmt.Errorf("rate: the count before the slash must be a number from 1 to %d", maxCount)
	}
	d, err := time.ParseDuration(per)
	if err != nil || d < time.Second || d > maxPer {
		return Rate{}, fmt.Errorf("rate: the duration after the slash must be from 1s to %v, as in 90s, 10m or 1h", maxPer)
	}
	return Rate{Count: n, Per: d}, nil
}

// String writes the rate as ParseRate reads it.
func (r Rate) String() string {
	d := r.Per.String()
	if strings.HasSuffix(d, "m0s") {
		d = strings.TrimSuffix(d, "0s")
	}
	if strings.HasSuffix(d, "h0m") {
		d = strings.TrimSuffix(d, "0m")
	}
	return strconv.Itoa(r.Count) + "/" + d
}

func (r Rate) or(d Rate) Rate {
	if r.Count < 1 || r.Per <= 0 {
		return d
	}
	return r
}
