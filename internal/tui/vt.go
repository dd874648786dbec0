package tui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ioctl"
)

// vtGetState is VT_GETSTATE of linux/vt.h.
const vtGetState = 0x5603

// ttyMajor is the device number of virtual terminals (tty1 is 4:1).
const ttyMajor = 4

// terminalNumber returns the number of a virtual terminal, or 0 for any other device. For the controlling terminal it
// asks the kernel.
func terminalNumber(device string) uint16 {
	var st unix.Stat_t
	if unix.Stat(device, &st) != nil {
		return 0
	}
	dev := uint64(st.Rdev)
	if device == "/dev/tty" {
		b, err := os.ReadFile("/proc/self/stat")
		if err != nil {
			return 0
		}
		dev = ttyOf(b)
	}
	if unix.Major(dev) != ttyMajor || unix.Minor(dev) > 63 {
		return 0
	}
	return uint16(unix.Minor(dev))
}

// ttyOf reads tty_nr of proc_pid_stat(5): the fifth field after the name, which is in parentheses and may contain
// anything.
func ttyOf(stat []byte) uint64 {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 5 {
		return 0
	}
	n, err := strconv.ParseUint(string(fields[4]), 10, 32)
	if err != nil {
		return 0
	}
	return n
}

// foregroundCheck returns a function that reports whether a terminal is in the foreground; true if unknown.
func foregroundCheck(device string) func() bool {
	number := terminalNumber(device)
	if number == 0 {
		return func() bool { return true }
	}
	f, err := os.OpenFile(fmt.Sprintf("/dev/tty%d", number), os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return func() bool { return true }
	}
	return func() bool {
		var state struct{ active, signal, state uint16 } // struct vt_stat
		return ioctl.Do(f, vtGetState, unsafe.Pointer(&state)) != nil || state.active == number
	}
}

// activeFile contains the virtual terminal in the foreground and can be polled.
const activeFile = "/sys/class/tty/tty0/active"

// redrawInForeground redraws everything when the terminal comes to the foreground, until the screen is closed: other
// programs may have written to it.
func (s *Screen) redrawInForeground(device string) {
	front := foregroundCheck(device)
	f, err := os.Open(activeFile)
	if err != nil {
		return
	}
	var stop [2]int
	if unix.Pipe2(stop[:], unix.O_CLOEXEC) != nil {
		_ = f.Close()
		return
	}
	s.Go(func() {
		<-s.quit
		_ = unix.Close(stop[1])
	})
	s.Go(func() {
		defer f.Close()
		defer unix.Close(stop[0])
		var text [16]byte
		for {
			// Reading resets the poll.
			if _, err := f.ReadAt(text[:], 0); err != nil && !errors.Is(err, io.EOF) {
				return
			}
			both := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}, {Fd: int32(stop[0])}}
			if _, err := unix.Poll(both, -1); err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
			if both[1].Revents != 0 {
				return
			}
			if both[0].Revents != 0 && front() {
				s.Redraw()
			}
		}
	})
}
