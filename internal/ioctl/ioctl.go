// Package ioctl asks the drivers of the kernel what there is no function for in
// golang.org/x/sys.
package ioctl

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Do has the driver of an open file carry a request out (ioctl(2)). arg is what the
// request is about, as the driver's header lays it out; pointers in it are to be pinned.
// An error of the driver comes as a unix.Errno. The file stays with Go's poller.
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
