//go:build linux

package host

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// uptime returns the clock that includes suspension, because requests expire at the server meanwhile.
func uptime() (time.Duration, bool) {
	var ts unix.Timespec
	for _, id := range []int32{unix.CLOCK_BOOTTIME, unix.CLOCK_MONOTONIC} {
		if unix.ClockGettime(id, &ts) == nil {
			return time.Duration(ts.Nano()), true
		}
	}
	return 0, false
}

func synchronised() (yes, known bool) {
	var t unix.Timex // modes 0 only reads and needs no privilege
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, false
	}
	return state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, true
}

// NoCoreDumps makes the kernel write no core dump of this process and keeps other processes of the same user out of its
// memory, which contains tokens.
func NoCoreDumps() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("core dumps: set not dumpable: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("core dumps: set limit: %w", err)
	}
	return nil
}

// HideInput switches the echo of a terminal off until restore is called. It does nothing to other files.
func HideInput(f *os.File) (restore func()) {
	conn, err := f.SyscallConn()
	if err != nil {
		return func() {}
	}
	var before *unix.Termios
	conn.Control(func(fd uintptr) {
		if before, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err == nil {
			hidden := *before
			hidden.Lflag &^= unix.ECHO
			err = unix.IoctlSetTermios(int(fd), unix.TCSETS, &hidden)
		}
	})
	if before == nil || err != nil {
		return func() {}
	}
	return func() {
		conn.Control(func(fd uintptr) { unix.IoctlSetTermios(int(fd), unix.TCSETS, before) })
	}
}

// CanMakeFiles returns an error unless files can be made in dir, with the rights of AsUser if it is called there.
func CanMakeFiles(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}
