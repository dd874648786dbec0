package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// bbolt copies each page that a transaction touches, so on a full disk a large deletion fails where small ones
	// pass.
	batchSize = 32
	// Pruning looks at visits from the oldest on. A wrong clock leaves some that seem young among the old ones; after
	// this many in a row, the rest is young.
	maxYoungRun = 512
	// A wall clock before the year in which this program was begun is not set, and nothing is old by it.
	firstYear = 2026
)

// Prune removes visits and notes whose last record was written before olderThan by the wall clock, and all that are
// older than those: always from the old end, so that the chain can still be followed. It stops at a visit without an
// ending. The caller ensures that the wall clock is right. Prune returns how many were removed, with an error, too: it
// works in small transactions, each of which stands.
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

// PruneOldest removes the n oldest visits and notes, and a few more where visits overlap: for a file that has reached
// its size limit. It returns how many were removed.
func (s *Store) PruneOldest(n int) (int, error) {
	last := uint64(0)
	err := s.view("prune oldest", func(tx *bolt.Tx) error {
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

// pruneUpTo removes everything up to a number, in batches.
func (s *Store) pruneUpTo(last uint64, batch int) (removed int, err error) {
	for {
		n := 0
		err := s.update("prune", func(tx *bolt.Tx) (err error) {
			n, err = s.pruneOneBatch(tx, last, batch)
			return err
		})
		if errors.Is(err, ErrFull) && batch > 1 {
			batch = 1 // a smaller transaction may still fit
			continue
		}
		if err != nil || n == 0 {
			return removed, err
		}
		removed += n
	}
}

// pruneOneBatch removes one batch. It may be a little larger, so that no record that stays is older than one that is
// removed; if a visit in progress prevents that, nothing is removed.
func (s *Store) pruneOneBatch(tx *bolt.Tx, last uint64, batch int) (int, error) {
	var keys [][]byte
	var end position
	c := tx.Bucket(visitBucket).Cursor()
	for key, b := c.First(); key != nil; key, b = c.Next() {
		v, err := decodeVisit(b)
		if err != nil {
			return 0, err
		}
		complete := v.Steps[0].Seq > end.seq // nothing from here on is older than what is removed
		if complete && (len(keys) >= batch || binary.BigEndian.Uint64(key) > last) {
			break
		}
		if tx.Bucket(openBucket).Get(key) != nil {
			if complete {
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
