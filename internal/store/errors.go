package store

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"
)

// What can be wrong with the store as a whole. Use errors.Is.
var (
	// ErrLocked: another process has the file open. A *LockedError names it.
	ErrLocked = errors.New("another kiosk process has the database open; try again when it has ended")
	// ErrDamaged: the file cannot be read as ours. It is unchanged.
	ErrDamaged = errors.New("damaged")
	// ErrFull: the disk, the quota or Options.MaxSize is used up. The file is intact; Prune makes room.
	ErrFull = errors.New("full")
	// ErrMaxSize is ErrFull where the file has reached Options.MaxSize. PruneOldest makes room.
	ErrMaxSize = fmt.Errorf("%w: the file has reached its size limit", ErrFull)
	// ErrReadOnly: the file system is read-only, permission is missing, or the store was opened for reading.
	ErrReadOnly = errors.New("read-only")
	// ErrKey: the key does not open this file, or its file is missing, malformed or readable by other users.
	ErrKey = errors.New("store key")
	// ErrWrongKey is ErrKey where there is a key, but not the file's.
	ErrWrongKey = fmt.Errorf("%w: it does not open this database", ErrKey)
	// ErrVersion: the file was written by a newer version of this program.
	ErrVersion = errors.New("written by a newer version")
	// ErrNotOurs: the directory belongs to another user, is shared by users, or gives other users access and holds
	// other files than ours; the text says what to do. With ErrDamaged, the file belongs to another user.
	ErrNotOurs = errors.New("not private to this user")
	// ErrAbsent: there is no database in this directory yet. Only with Options.ReadOnly; otherwise Open creates one.
	ErrAbsent = errors.New("no database yet")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("closed")
)

// What can be wrong with one call. The store is as it was.
var (
	// ErrOrder: the record does not continue its visit: the visit has ended, has not begun, or is further already.
	ErrOrder = errors.New("record out of order")
	// ErrRecord: a part of the record is missing, too long or out of range.
	ErrRecord = errors.New("invalid record")
	// ErrNoVisit: no visit of this name is on record.
	ErrNoVisit = errors.New("no such visit")
)

// LockedError is ErrLocked with what the other process has written about itself.
type LockedError struct {
	PID     int    // 0 if unknown
	Process string // its command, as in "kiosk run", in printable ASCII; empty if unknown
}

// Error names the other process.
func (e *LockedError) Error() string {
	switch {
	case e.PID == 0:
		return ErrLocked.Error()
	case e.Process == "":
		return fmt.Sprintf("another kiosk process (pid %d) has the database open; try again when it has ended", e.PID)
	}
	return fmt.Sprintf("another kiosk process (pid %d, `%s`) has the database open; try again when it has ended", e.PID, e.Process)
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// classify wraps the errors of the operating system and of bbolt in ours.
func classify(err error) error {
	under := func(ours error) error {
		if errors.Is(err, ours) {
			return err
		}
		return fmt.Errorf("%w: %w", ours, err)
	}
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return nil
	case is(ErrLocked, ErrDamaged, ErrFull, ErrReadOnly, ErrKey, ErrVersion, ErrNotOurs):
		return err
	case is(bolterrors.ErrMaxSizeReached):
		return under(ErrMaxSize)
	case is(syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG),
		strings.Contains(err.Error(), syscall.ENOSPC.Error()): // bbolt's "file resize error" does not wrap
		return under(ErrFull)
	case is(syscall.EROFS, syscall.EACCES, syscall.EPERM, bolterrors.ErrDatabaseReadOnly, bolterrors.ErrTxNotWritable):
		return under(ErrReadOnly)
	case is(bolterrors.ErrInvalid, bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum, bolterrors.ErrInvalidMapping):
		return under(ErrDamaged)
	}
	return err
}
