package journal

import (
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Check reports whether visits are recorded on disk.
func (c Condition) Check() check.Outcome {
	if c.Healthy {
		return check.Pass("all visits are recorded on disk")
	}
	return check.Fail(kiosk.Internal, fmt.Sprintf("the record is %s; %d records wait in memory", c.Cause, c.Waiting),
		"repair the disk: it is full, read-only or worn; the kiosk retries by itself")
}
