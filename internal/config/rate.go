package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// rate is a number of requests and a time, as in 3/10m.
type rate struct{ field }

func (r *rate) Decode(s string) error {
	if !r.accept(s) {
		return nil
	}
	if _, _, err := ParseRate(r.text); err != nil {
		return r.reject("number/duration as in 3/10m, with a number from 1 to 1000 and a duration from 1s to 24h", "%v", err)
	}
	return nil
}

// The bounds of a rate: a guard that lets a thousand requests through guards
// nothing, and one that looks back longer than a day outlives its purpose.
const (
	maxRate   = 1000
	minWindow = time.Second
	maxWindow = 24 * time.Hour
)

// ParseRate reads a rate as KIOSK_GUARD_PERSON and KIOSK_GUARD_DEVICE have it: a
// number of requests from 1 to 1000, a slash and a Go duration from 1s to 24h.
// Its errors do not quote it.
func ParseRate(s string) (count int, per time.Duration, err error) {
	number, window, ok := strings.Cut(s, "/")
	if !ok {
		return 0, 0, errors.New("there is no / in it")
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n < 1 || n > maxRate {
		return 0, 0, errors.New("the number is wrong")
	}
	per, err = time.ParseDuration(window)
	if err != nil || per < minWindow || per > maxWindow {
		return 0, 0, errors.New("the duration is wrong")
	}
	return int(n), per, nil
}
