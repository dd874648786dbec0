//go:build linux

package control

import (
	"errors"
	"io/fs"
	"net"

	"golang.org/x/sys/unix"
)

// peerCredentials asks the kernel who is at the other end.
func peerCredentials(conn *net.UnixConn) (uid, pid int) {
	uid, pid = -1, -1
	raw, err := conn.SyscallConn()
	if err != nil {
		return uid, pid
	}
	_ = raw.Control(func(fd uintptr) {
		if who, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid, pid = int(who.Uid), int(who.Pid)
		}
	})
	return uid, pid
}

// isClosed says whether the other end is closed altogether, and not only for writing.
func isClosed(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	gone := true
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd)}} // POLLHUP and POLLERR are told unasked
		if n, err := unix.Poll(p, 0); err == nil && n == 0 {
			gone = false
		}
	})
	return err != nil || gone
}

// isNotRunning says whether an error of connecting means that nobody listens.
func isNotRunning(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}
