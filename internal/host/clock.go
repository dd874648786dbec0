// Package host gives access to the machine: uptime, boot, wall clock and its trustworthiness, messages to the service
// manager, protection against core dumps, and the checks of network, disk, power, temperature and systemd units.
package host

import (
	"os"
	"regexp"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// floor is a time before which this program was not built, in RFC 3339. An earlier wall clock is certainly wrong:
// boards without a battery start in 1970 or at the time of their last shutdown. A release build sets it with -ldflags
// "-X github.com/ciba-kiosk/ciba-kiosk/internal/host.floor=..." to about the time of its commit; the default is the
// year of the project's first line.
var floor = firstLine

const firstLine = "2026-01-01T00:00:00Z"

// Clock implements kiosk.Clock. It is safe for concurrent use.
type Clock struct {
	started time.Time // with Go's monotonic reading, the fallback of Now
	boot    string
	floor   time.Time
}

var _ kiosk.Clock = (*Clock)(nil)

// NewClock returns a clock of this boot.
func NewClock() *Clock {
	c := &Clock{started: time.Now(), boot: bootID("/proc/sys/kernel/random/boot_id")}
	var err error
	if c.floor, err = time.Parse(time.RFC3339, floor); err != nil {
		// A malformed value must not switch the check off.
		c.floor, _ = time.Parse(time.RFC3339, firstLine)
	}
	return c
}

// Now returns the time since the machine started, with suspension. Setting the wall clock does not change it. If the
// machine does not provide it, it is the time since NewClock.
func (c *Clock) Now() time.Duration {
	if up, ok := uptime(); ok {
		return up
	}
	return time.Since(c.started)
}

// Wall returns the wall clock without a monotonic reading, so that differences are those of the wall clock.
func (c *Clock) Wall() time.Time { return time.Now().Round(0) }

// Boot identifies this boot; empty if unknown, which counts as another boot.
func (c *Clock) Boot() string { return c.boot }

// Trusted reports whether the wall clock is not earlier than this build. That excludes the usual errors of devices
// without a battery.
func (c *Clock) Trusted() bool { return !c.Wall().Before(c.floor) }

// Floor returns a time before which this program was not built.
func (c *Clock) Floor() time.Time { return c.floor }

// Synchronised reports whether a time service keeps the kernel's clock right, and whether the kernel knows: some time
// services do not report to it, so a no is information for a technician and no reason to close.
func (c *Clock) Synchronised() (yes, known bool) { return synchronised() }

// IsKept reports whether a time service is known to keep the wall clock right.
func (c *Clock) IsKept() bool {
	yes, known := c.Synchronised()
	return yes && known
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n?$`)

// bootID reads the kernel's random identifier of this boot.
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
