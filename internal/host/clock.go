// Package host asks the machine itself: uptime, boot, wall clock and how far it
// can be trusted, and that no core dump is written. It decides nothing; it leaves
// deadlines to the visit, the device's name to the settings and checks of the
// whole chain to the doctor.
package host

import (
	"os"
	"regexp"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// floor is a date before which this program was not yet built, RFC 3339. A wall
// clock that says less is certainly wrong: boards without a battery start in
// 1970 or when they were last shut down. A release build sets it by
// -ldflags "-X github.com/ciba-kiosk/ciba-kiosk/internal/host.floor=..." to the
// date of its commit; what is written here is the year of the first line.
var floor = firstLine

const firstLine = "2026-01-01T00:00:00Z"

// Clock implements kiosk.Clock. It is safe for concurrent use.
type Clock struct {
	started time.Time // with Go's monotonic reading: the last resort of Now
	boot    string
	floor   time.Time
}

var _ kiosk.Clock = (*Clock)(nil)

// NewClock reads what does not change while the machine runs.
func NewClock() *Clock {
	c := &Clock{started: time.Now(), boot: bootID("/proc/sys/kernel/random/boot_id")}
	var err error
	if c.floor, err = time.Parse(time.RFC3339, floor); err != nil {
		// A release script's slip must not switch the check off.
		c.floor, _ = time.Parse(time.RFC3339, firstLine)
	}
	return c
}

// Now is the time since the machine started, suspension included; setting the
// wall clock does not move it. Where the machine does not say, it is the time
// since NewClock.
func (c *Clock) Now() time.Duration {
	if up, ok := uptime(); ok {
		return up
	}
	return time.Since(c.started)
}

// Wall is the wall clock, without a monotonic reading, so that two of them
// differ by what the clock showed.
func (c *Clock) Wall() time.Time { return time.Now().Round(0) }

// Boot identifies this boot; empty where the machine does not say, which those
// who compare boots take for "not the same".
func (c *Clock) Boot() string { return c.boot }

// Trusted says that the wall clock is not before the date of this build. That
// is little, but what it rules out is what devices without a battery do.
func (c *Clock) Trusted() bool { return !c.Wall().Before(c.floor) }

// Floor is the date before which this program was not yet built.
func (c *Clock) Floor() time.Time { return c.floor }

// Synchronised says whether the kernel's clock is kept right by a time service,
// and whether the kernel would tell at all: some time services do not report to
// it, so a no is information for a technician, not a reason to close.
func (c *Clock) Synchronised() (yes, known bool) { return synchronised() }

// IsKept says whether a time service is known to keep the wall clock right.
func (c *Clock) IsKept() bool {
	yes, known := c.Synchronised()
	return yes && known
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n?$`)

// bootID reads the kernel's random name of this boot.
func bootID(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	var b [64]byte
	n, _ := f.Read(b[:])
	if !uuid.Match(b[:n]) {
		return ""
	}
	return string(b[:36])
}
