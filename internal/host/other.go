//go:build !linux

package host

import (
	"errors"
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

// AsUser is not possible on this system.
func AsUser(int, int, func()) error { return errors.New("rights of another user: not on this system") }

// CanMakeFiles returns an error unless files can be made in dir.
func CanMakeFiles(dir string) error { return Writable(dir) }
