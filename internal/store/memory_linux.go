package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile returns an empty file without a name, in memory.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("kiosk.db", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "snapshot of kiosk.db"), nil
}
