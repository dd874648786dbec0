package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The holder file is a courtesy: the lock is bbolt's, on the database itself.
// Its one line is "<process id> <who>".

func writeHolder(dir, who string) {
	path := filepath.Join(dir, holderName)
	os.Remove(path) // a link, or another mode, that somebody put there
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return
	}
	fmt.Fprintf(f, "%d %s\n", os.Getpid(), printable(who, 60))
	f.Close()
}

// lockedError makes the error for a file that another process holds.
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
	pid, who, _ := strings.Cut(line, " ")
	n, err := strconv.ParseInt(pid, 10, 32)
	if err != nil || n <= 0 {
		return &LockedError{}
	}
	return &LockedError{PID: int(n), Process: strings.TrimSpace(printable(who, 60))}
}
