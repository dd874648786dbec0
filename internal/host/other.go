//go:build !linux

package host

import (
	"os"
	"time"
)

// A developer's machine that is not Linux can run the demo; devices are Linux.

func uptime() (time.Duration, bool) { return 0, false }

func synchronised() (yes, known bool) { return false, false }

// NoCoreDumps does nothing here.
func NoCoreDumps() error { return nil }

// HideInput does nothing here.
func HideInput(*os.File) (restore func()) { return func() {} }
