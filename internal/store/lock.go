package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
)

// writeHolder writes who has the database open: one line, "PID COMMAND". The lock itself is bbolt's, on the database;
// the file only makes another process's error message more useful.
func writeHolder(dir, process string) {
	path := filepath.Join(dir, holderName)
	os.Remove(path) // it may be a link, or have another mode
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return
	}
	fmt.Fprintf(f, "%d %s\n", os.Getpid(), sanitize.ASCII(process, 60))
	f.Close()
}

// lockedError returns the error for a database that another process has open.
func lockedError(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, holderName), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return &LockedError{}
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 128))
	return parseHolder(string(b))
}

func parseHolder(line string) *LockedError {
	line, _, _ = strings.Cut(line, "\n")
	pid, process, _ := strings.Cut(line, " ")
	n, err := strconv.ParseInt(pid, 10, 32)
	if err != nil || n <= 0 {
		return &LockedError{}
	}
	return &LockedError{PID: int(n), Process: strings.TrimSpace(sanitize.ASCII(process, 60))}
}
