package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile is a file without a name, in memory: looking must not wear the card,
// nor need room on it.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("kiosk.db", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "a copy of kiosk.db"), nil
}
