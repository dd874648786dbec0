//go:build !linux

package control

import (
	"errors"
	"io/fs"
	"net"
	"syscall"
)

// The demo also runs on a developer's machine that is not Linux; devices are Linux.

func peerCredentials(*net.UnixConn) (uid, pid int) { return -1, -1 }

func isClosed(*net.UnixConn) bool { return true }

func isNotRunning(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}
