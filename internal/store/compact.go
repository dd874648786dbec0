package store

import (
	"errors"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
)

const (
	// minCompact is the size in bytes under which compaction is not worth the writing.
	minCompact = 4 << 20
	// compactBatch is how many bytes the copy takes in one transaction. It bounds the memory needed.
	compactBatch = 256 << 10
)

// Compact rewrites the file if half of it or more is free, and returns how many bytes that saved.
func (s *Store) Compact() (saved int64, err error) {
	size, used := s.usage()
	if size < minCompact || used > size/2 {
		return 0, nil
	}
	return s.Rewrite()
}

// Rewrite writes the file anew without its free pages and returns how many bytes that saved. If a record is appended
// meanwhile, the copy is thrown away (0, nil). It writes as much as the visits on record take, so it is for a kiosk
// that is idle.
func (s *Store) Rewrite() (saved int64, err error) {
	if s.readOnly {
		return 0, ErrReadOnly
	}
	size := fileSize(s.file)
	path := filepath.Join(s.dir, dbName)
	temp := path + atomicfile.TempMark + "compact"
	os.Remove(temp)
	defer os.Remove(temp)
	fresh, file, err := openBolt(temp, Options{Dir: s.dir, Wait: defaultWait, MaxSize: s.maxSize}, false)
	if err != nil {
		return 0, classify(err)
	}
	swapped := false
	defer func() {
		if !swapped {
			err = errors.Join(err, fresh.Close())
		}
	}()
	fresh.NoSync = true // it is flushed once, at the end
	last := 0           // a commit after this one makes the copy useless, whether the copy contains it or not
	err = s.view("compact", func(tx *bolt.Tx) error { last = tx.ID(); return nil })
	if err == nil {
		// Outside that transaction: bbolt's readers must not nest, since a writer may wait between them.
		err = s.run("compact", nil, func(db *bolt.DB, _ func(*bolt.Tx) error) error {
			return bolt.Compact(fresh, db, compactBatch)
		})
	}
	if err == nil {
		fresh.NoSync = false
		err = fresh.Sync()
	}
	if err != nil {
		return 0, classify(err)
	}

	s.mu.Lock() // from here on there is no transaction
	defer s.mu.Unlock()
	now := -1
	if !s.closed && s.broken.Load() == nil && s.isInPlace() {
		err = s.db.View(func(tx *bolt.Tx) error { now = tx.ID(); return nil })
	}
	if err != nil || now != last {
		return 0, err // a record was appended
	}
	if err := os.Rename(temp, path); err != nil {
		return 0, classify(err)
	}
	swapped = true
	old := s.db
	s.db, s.file = fresh, file
	return size - fileSize(file), errors.Join(atomicfile.SyncDir(s.dir), old.Close())
}

// usage returns the file's size and how much of it is in use, in bytes.
func (s *Store) usage() (size, used int64) {
	err := s.view("usage", func(tx *bolt.Tx) error {
		size = fileSize(s.file)
		used = tx.Size() - int64(s.db.Stats().FreePageN)*pageSize
		return nil
	})
	if err != nil {
		return 0, 0
	}
	return size, used
}

func fileSize(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
