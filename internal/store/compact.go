package store

import (
	"errors"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const (
	// minCompact: a smaller file is not worth the writing.
	minCompact = 4 << 20
	// compactKeys is how many keys the copy takes in one transaction.
	compactKeys = 500
)

// Compact gives back room, where it is half of the file or more: see Rewrite.
func (s *Store) Compact() (saved int64, err error) {
	size, used := s.room()
	if size < minCompact || used > size/2 {
		return 0, nil
	}
	return s.Rewrite()
}

// Rewrite writes the file anew without its free pages, and says how many bytes
// that gave back. Records can be appended meanwhile: the copy is then thrown away
// (0, nil). It is for a kiosk at which nobody is: what is written is as much as
// the visits on record take.
func (s *Store) Rewrite() (saved int64, err error) {
	if s.reader {
		return 0, ErrReadOnly
	}
	size := fileSize(s.file)
	path := filepath.Join(s.dir, dbName)
	temp := path + tempMark + "compact"
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
	fresh.NoSync = true // flushed as a whole
	last := 0
	err = s.view("compact", func(tx *bolt.Tx) error {
		last = tx.ID()
		return copyAll(fresh, tx)
	})
	if err == nil {
		fresh.NoSync = false
		err = fresh.Sync()
	}
	if err != nil {
		return 0, classify(err)
	}

	s.mu.Lock() // no transaction is under way
	defer s.mu.Unlock()
	now := -1
	if !s.closed && s.broken.Load() == nil && s.inPlace() {
		err = s.db.View(func(tx *bolt.Tx) error { now = tx.ID(); return nil })
	}
	if err != nil || now != last {
		return 0, err // a customer came
	}
	if err := os.Rename(temp, path); err != nil {
		return 0, classify(err)
	}
	swapped = true
	old := s.db
	s.db, s.file = fresh, file
	return size - fileSize(file), errors.Join(syncFolder(s.dir), old.Close())
}

// room is how large the file is and how much of it is in use.
func (s *Store) room() (size, used int64) {
	err := s.view("room", func(tx *bolt.Tx) error {
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

// copyAll copies every bucket, key by key in their order, so that the pages fill.
func copyAll(to *bolt.DB, from *bolt.Tx) error {
	for _, name := range buckets {
		src := from.Bucket(name)
		if src == nil {
			return damaged("bucket %q is missing", name)
		}
		c := src.Cursor()
		key, value := c.First()
		for first := true; first || key != nil; first = false {
			err := to.Update(func(tx *bolt.Tx) error {
				dst, err := tx.CreateBucketIfNotExists(name)
				if err != nil {
					return err
				}
				dst.FillPercent = 0.9
				for n := 0; key != nil && n < compactKeys; n++ {
					if err := dst.Put(key, value); err != nil {
						return err
					}
					key, value = c.Next()
				}
				return dst.SetSequence(src.Sequence())
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
