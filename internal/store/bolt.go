package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
)

// format is the version of everything in the file. A newer one is refused; an older one would be converted in
// inspectMeta.
const format = 1

var (
	metaBucket  = []byte("meta")
	visitBucket = []byte("visits")
	openBucket  = []byte("open")
	buckets     = [][]byte{metaBucket, visitBucket, openBucket}

	formatKey = []byte("format")
	checkKey  = []byte("check")
	headKey   = []byte("head")
	anchorKey = []byte("anchor")
	checkText = []byte("this key fits")
)

// openBolt opens a bbolt file. If bbolt panics or faults on a damaged one, that is an error. The handle is returned,
// too, because after a panic it, and the lock with it, remains open.
func openBolt(path string, o Options, readOnly bool) (db *bolt.DB, file *os.File, err error) {
	defer func() {
		if err != nil && file != nil {
			file.Close() // bbolt has closed it unless it panicked
		}
	}()
	err = recoverPanic(func() error {
		var err error
		db, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout:      o.Wait,
			PageSize:     pageSize,
			FreelistType: bolt.FreelistMapType,
			MaxSize:      o.MaxSize,
			ReadOnly:     readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				if o.snapshot != nil {
					fd, err := syscall.Dup(int(o.snapshot.Fd()))
					if err != nil {
						return nil, err
					}
					syscall.CloseOnExec(fd)
					file = os.NewFile(uintptr(fd), name)
					return file, nil
				}
				f, err := os.OpenFile(name, flag|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, mode)
				file = f
				return f, err
			},
		})
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, file, lockedError(o.Dir)
	case err != nil && strings.Contains(err.Error(), "file size too small"): // bbolt has no error value for it
		return nil, file, damaged("%v", err)
	}
	return db, file, err
}

// recoverPanic runs f and returns its panic, or fault in mapped memory, as ErrDamaged. A truncated file or failing
// card would end the process otherwise.
func recoverPanic(f func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{damaged("%s", sanitize.ASCII(fmt.Sprint(p), 160))}
		}
	}()
	return f()
}

// panicError is an error that was a panic. After it, bbolt cannot be used.
type panicError struct{ error }

func (p *panicError) Unwrap() error { return p.error }

// create makes a complete database. If another process has made one at the same time, that one stays.
func create(path string, ring *seal.Ring, o Options) error {
	err := createWhole(path, func(temp string) error {
		db, _, err := openBolt(temp, o, false)
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bolt.Tx) error {
			for _, name := range buckets {
				if _, err := tx.CreateBucket(name); err != nil {
					return err
				}
			}
			meta := tx.Bucket(metaBucket)
			if err := meta.Put(formatKey, binary.BigEndian.AppendUint32(nil, format)); err != nil {
				return err
			}
			return meta.Put(checkKey, ring.Seal(metaBucket, checkKey, checkText))
		})
		return errors.Join(err, db.Close())
	})
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// inspect reads whether the file is complete, ours, of a known format and of our key. It opens it for reading only, so
// that a file that fails is unchanged: bbolt may write to a file while opening it. It reads a few pages, however large
// the file is.
func inspect(path string, ring *seal.Ring, o Options) error {
	db, file, err := openBolt(path, o, true)
	if err != nil {
		return err
	}
	err = recoverPanic(func() error {
		return db.View(func(tx *bolt.Tx) error {
			info, err := file.Stat()
			if err != nil {
				return err
			}
			if info.Size() < tx.Size() {
				return damaged("truncated: %d bytes of %d", info.Size(), tx.Size())
			}
			return inspectMeta(tx, ring)
		})
	})
	var p *panicError
	if errors.As(err, &p) {
		file.Close()
		return err
	}
	return errors.Join(err, db.Close())
}

func inspectMeta(tx *bolt.Tx, ring *seal.Ring) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return damaged("a bbolt file, but not of a kiosk")
	}
	v := meta.Get(formatKey)
	if len(v) != 4 {
		return damaged("a bbolt file, but not of a kiosk")
	}
	switch version := binary.BigEndian.Uint32(v); {
	case version > format:
		return fmt.Errorf("%w: format %d, this program reads up to %d", ErrVersion, version, format)
	case version < 1:
		return damaged("format %d", version)
	}
	if _, err := ring.Open(metaBucket, checkKey, meta.Get(checkKey)); err != nil {
		return ErrWrongKey
	}
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return damaged("bucket %q is missing", name)
		}
	}
	return nil
}

// update runs one transaction that writes.
func (s *Store) update(operation string, f func(*bolt.Tx) error) error {
	if s.readOnly {
		return fmt.Errorf("store: %s: %w", operation, ErrReadOnly)
	}
	return s.run(operation, func(tx *bolt.Tx) error {
		if !s.isInPlace() {
			return damaged("%s was removed", dbName)
		}
		return f(tx)
	}, (*bolt.DB).Update)
}

// isInPlace reports whether the open file still has its name. What is written to a file that was deleted or moved is
// lost.
func (s *Store) isInPlace() bool {
	now, err := os.Lstat(filepath.Join(s.dir, dbName))
	if err != nil {
		return false
	}
	ours, err := s.file.Stat()
	return err == nil && os.SameFile(now, ours)
}

// view runs one transaction that reads.
func (s *Store) view(operation string, f func(*bolt.Tx) error) error {
	return s.run(operation, f, (*bolt.DB).View)
}

// run runs one transaction. After a panic, every further transaction fails with ErrDamaged: bbolt's own locks may
// never be released.
func (s *Store) run(operation string, f func(*bolt.Tx) error, transact func(*bolt.DB, func(*bolt.Tx) error) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return fmt.Errorf("store: %s: %w", operation, ErrClosed)
	}
	if before := s.broken.Load(); before != nil {
		return fmt.Errorf("store: %s: %w", operation, *before)
	}
	err := recoverPanic(func() error { return transact(s.db, f) })
	var p *panicError
	if errors.As(err, &p) {
		s.broken.Store(&err)
	}
	if err != nil {
		return fmt.Errorf("store: %s: %w", operation, classify(err))
	}
	return nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
