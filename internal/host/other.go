//go:build !linux

package host

import (
	"os"
	"time"
)

// Devices run Linux; other systems can run the demo.

func uptime() (time.Duration, bool) { return 0, false }

func synchronised() (yes, known bool) { return false, false }

// NoCoreDumps does nothing on this system.
func NoCoreDumps() error { return nil }

// HideInput does nothing on this system.
func HideInput(*os.File) (restore func()) { return func() {} }
