package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// bbolt copies each page that a transaction touches, so a large deletion
	// fails on a full file where small ones pass.
	batchSize = 32
	// Visits are looked at from the oldest on. A wrong clock leaves some that
	// seem young among the old; after this many in a row the rest is young.
	maxYoungRun = 512
	// A date before this program was begun is no date: nothing is old by it.
	firstYear = 2026
)

// Prune takes off record the visits and notes whose last record was written
// before olderThan by the wall clock, and all before them: from the old end
// only, which is what lets the chain be followed afterwards. It stops at a visit
// without an ending. That the wall clock is right is the caller's to make sure.
// It says how many went, with an error too: it works in small transactions, each
// of which stands.
func (s *Store) Prune(olderThan time.Time) (int, error) {
	last := uint64(0)
	err := s.view("prune", func(tx *bolt.Tx) error {
		young := 0
		c := tx.Bucket(visitBucket).Cursor()
		for key, b := c.First(); key != nil && young < maxYoungRun; key, b = c.Next() {
			v, err := decodeVisit(b)
			if err != nil {
				return err
			}
			if wall := v.last().Wall; wall.Before(olderThan) && wall.Year() >= firstYear {
				last, young = binary.BigEndian.Uint64(key), 0
			} else {
				young++
			}
		}
		return nil
	})
	if err != nil || last == 0 {
		return 0, err
	}
	return s.pruneUpTo(last, batchSize)
}

// PruneOldest takes the oldest off record, n of them and a few more where visits
// overlap: for a file that may not grow. It says how many went.
func (s *Store) PruneOldest(n int) (int, error) {
	last := uint64(0)
	err := s.view("shorten", func(tx *bolt.Tx) error {
		c := tx.Bucket(visitBucket).Cursor()
		for key, _ := c.First(); key != nil && n > 0; key, _ = c.Next() {
			last = binary.BigEndian.Uint64(key)
			n--
		}
		return nil
	})
	if err != nil || last == 0 {
		return 0, err
	}
	return s.pruneUpTo(last, batchSize)
}

// pruneUpTo takes off all up to a number, a batch at a time.
func (s *Store) pruneUpTo(last uint64, batch int) (gone int, err error) {
	for {
		n := 0
		err := s.update("prune", func(tx *bolt.Tx) (err error) {
			n, err = s.pruneOneBatch(tx, last, batch)
			return err
		})
		if errors.Is(err, ErrFull) && batch > 1 {
			batch = 1 // fewer pages at once may still fit
			continue
		}
		if err != nil || n == 0 {
			return gone, err
		}
		gone += n
	}
}

// pruneOneBatch takes off one batch. It may be a little larger, so that no record
// that stays is older than one that goes; and nothing goes if that cannot be had
// because a visit is still under way.
func (s *Store) pruneOneBatch(tx *bolt.Tx, last uint64, batch int) (int, error) {
	var keys [][]byte
	var end position
	c := tx.Bucket(visitBucket).Cursor()
	for key, b := c.First(); key != nil; key, b = c.Next() {
		v, err := decodeVisit(b)
		if err != nil {
			return 0, err
		}
		closed := v.Steps[0].Seq > end.seq // nothing from here on is older than what goes
		if closed && (len(keys) >= batch || binary.BigEndian.Uint64(key) > last) {
			break
		}
		if tx.Bucket(openBucket).Get(key) != nil {
			if closed {
				break
			}
			return 0, nil
		}
		keys = append(keys, bytes.Clone(key))
		if l := v.last(); l.Seq > end.seq {
			end.seq = l.Seq
			copy(end.link[:], l.Link)
		}
	}
	if len(keys) == 0 {
		return 0, nil
	}
	for _, key := range keys {
		if err := tx.Bucket(visitBucket).Delete(key); err != nil {
			return 0, err
		}
	}
	return len(keys), s.writePosition(tx, anchorKey, end)
}
