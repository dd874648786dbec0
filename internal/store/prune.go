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
	pruneBatch = 32
	// Visits are looked at from the oldest on. A wrong clock leaves some that
	// seem young among the old; after this many in a row the rest is young.
	pruneRun = 512
)

// Prune takes off record the visits whose last record was written before
// olderThan by the wall clock, and beyond those the oldest until the numbers
// left span maxVisits at the most; 0 means no such limit. The person tags kept
// for the guard go with olderThan too. Unfinished visits stay. That the wall
// clock is right is the caller's to make sure. It says how many visits went,
// with an error too: it works in small transactions, each of which stands.
func (s *Store) Prune(olderThan time.Time, maxVisits int) (int, error) {
	gone, err := s.thin(visitBucket, func(tx *bolt.Tx, key, value []byte) (bool, error) {
		if tx.Bucket(openBucket).Get(key) != nil {
			return false, nil
		}
		last := tx.Bucket(visitBucket).Sequence()
		if maxVisits > 0 && last > uint64(maxVisits) && binary.BigEndian.Uint64(key) <= last-uint64(maxVisits) {
			return true, nil
		}
		v, err := readStory(value)
		return err == nil && v.last().Wall.Before(olderThan), err
	})
	if err != nil {
		return gone, err
	}
	_, err = s.thin(askedBucket, func(_ *bolt.Tx, _, value []byte) (bool, error) {
		a, err := readAsked(value)
		return err == nil && a.Wall.Before(olderThan), err
	})
	return gone, err
}

// thin deletes what is old from a bucket, a batch at a time.
func (s *Store) thin(bucket []byte, old func(tx *bolt.Tx, key, value []byte) (bool, error)) (gone int, err error) {
	next, young, batch := number(0), 0, pruneBatch
	for {
		var keys [][]byte
		from, run := next, young
		err := s.view("prune", func(tx *bolt.Tx) error {
			c := tx.Bucket(bucket).Cursor()
			for key, value := c.Seek(from); key != nil && len(keys) < batch && run < pruneRun; key, value = c.Next() {
				is, err := old(tx, key, value)
				switch {
				case err != nil:
					return err
				case is:
					keys, run = append(keys, bytes.Clone(key)), 0
				default:
					run++
				}
				next = append(bytes.Clone(key), 0) // the first that can follow it
			}
			return nil
		})
		if err != nil || len(keys) == 0 {
			return gone, err
		}
		err = s.update("prune", func(tx *bolt.Tx) error {
			for _, key := range keys {
				if err := drop(tx, bucket, key); err != nil {
					return err
				}
			}
			return nil
		})
		if errors.Is(err, ErrFull) && batch > 1 {
			batch, next = 1, from // fewer pages at once may still fit
			continue
		}
		if err != nil {
			return gone, err
		}
		gone, young = gone+len(keys), run
	}
}

// drop deletes one key, and with a visit its name.
func drop(tx *bolt.Tx, bucket, key []byte) error {
	b := tx.Bucket(bucket)
	value := b.Get(key)
	if value == nil {
		return nil // another Prune was faster
	}
	if bytes.Equal(bucket, visitBucket) {
		v, err := readStory(value)
		if err != nil {
			return err
		}
		if err := tx.Bucket(nameBucket).Delete([]byte(v.Visit)); err != nil {
			return err
		}
	}
	return b.Delete(key)
}
