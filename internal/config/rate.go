package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// rate is a number of requests in a time, such as 3/10m.
type rate struct{ field }

func (r *rate) Decode(s string) error {
	if !r.accept(s) {
		return nil
	}
	if _, _, err := ParseRate(r.text); err != nil {
		return r.reject(rateAllowed, "%v", err)
	}
	return nil
}

// Limits of a rate. A higher number protects nobody; after a longer time an abuse is over.
const (
	maxRate   = 1000
	minWindow = time.Second
	maxWindow = 24 * time.Hour
)

// ParseRate parses a rate (KIOSK_GUARD_PERSON, KIOSK_GUARD_DEVICE): a number of requests from 1 to 1000, a slash and a Go
// duration from 1s to 24h. Errors do not quote s.
func ParseRate(s string) (count int, per time.Duration, err error) {
	number, window, ok := strings.Cut(s, "/")
	if !ok {
		return 0, 0, errors.New("contains no /")
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n < 1 || n > maxRate {
		return 0, 0, errors.New("the number is not from 1 to 1000")
	}
	per, err = time.ParseDuration(window)
	if err != nil || per < minWindow || per > maxWindow {
		return 0, 0, errors.New("the duration is not from 1s to 24h")
	}
	return int(n), per, nil
}
