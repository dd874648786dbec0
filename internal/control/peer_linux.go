//go:build linux

package control

import (
	"errors"
	"io/fs"
	"net"

	"golang.org/x/sys/unix"
)

// peerCredentials asks the kernel for the client's user and process; -1 if unknown.
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

// isClosed reports whether the other end is closed altogether, not only for writing.
func isClosed(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	closed := true
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd)}} // POLLHUP and POLLERR are always reported
		if n, err := unix.Poll(p, 0); err == nil && n == 0 {
			closed = false
		}
	})
	return err != nil || closed
}

// isNotRunning reports whether a connection failed because no process listens.
func isNotRunning(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}
