package guard

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
)

// Rate is a budget: so many requests in so much time, in a sliding window. The zero Rate means the default.
type Rate struct {
	Count int           // 1 to 1000
	Per   time.Duration // 1 s to 24 h
}

// ParseRate parses a budget as written in KIOSK_GUARD_PERSON and KIOSK_GUARD_DEVICE: a count, a slash and a Go
// duration, as in "3/10m". It accepts what config.ParseRate accepts.
func ParseRate(s string) (Rate, error) {
	count, per, err := config.ParseRate(s)
	if err != nil {
		return Rate{}, fmt.Errorf("rate: %w", err)
	}
	return Rate{Count: count, Per: per}, nil
}

// String returns the rate as ParseRate parses it.
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

func (r Rate) orDefault(d Rate) Rate {
	if r.Count < 1 || r.Per <= 0 {
		return d
	}
	return r
}
