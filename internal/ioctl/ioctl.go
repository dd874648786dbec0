// Package ioctl sends requests to device drivers for which golang.org/x/sys has no function.
package ioctl

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Do sends a request to the driver of an open file (ioctl(2)). arg points to the request's data in the layout of the
// driver's header; pointers in it must be pinned. A driver's error is a unix.Errno. The file stays registered with Go's
// poller.
func Do(f *os.File, request uintptr, arg unsafe.Pointer) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno unix.Errno
	if err := conn.Control(func(fd uintptr) { _, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg)) }); err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}
