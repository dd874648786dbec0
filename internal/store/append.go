package store

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Entry is a record with the person's tag.
type Entry struct {
	kiosk.Record
	// Tag is used if the record has no identifier: the visit ended before it could be written to disk.
	Tag seal.Tag
}

// Append writes one record and returns when it is on disk: one commit, two flushes. Asking begins a visit and needs
// the identifier; the stages follow in their order; an ending drops the secrets. A secret that a record leaves out
// stays as it was. Acknowledged may be repeated 63 times: it changes Interval and Pause, while Expires, Sent and
// SentAt stay within one boot. On an error nothing has changed: ErrOrder and ErrRecord mean that the record does not
// fit.
func (s *Store) Append(r kiosk.Record) error { return s.AppendAll(Entry{Record: r}) }

// AppendAll writes several records in one commit, or none of them.
func (s *Store) AppendAll(entries ...Entry) error {
	for _, e := range entries {
		if err := e.check(); err != nil {
			return fmt.Errorf("store: append: %w", err)
		}
	}
	begun := map[string]uint64{}
	err := s.update("append", func(tx *bolt.Tx) error {
		for _, e := range entries {
			if err := s.appendOne(tx, e, begun); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.numbers.add(begun)
	return s.trimNumbers()
}

func (s *Store) trimNumbers() error {
	if !s.numbers.isFull() {
		return nil
	}
	return s.view("append", func(tx *bolt.Tx) error {
		s.numbers.trim(func(n uint64) bool { return tx.Bucket(openBucket).Get(number(n)) != nil })
		return nil
	})
}

func (e Entry) check() error {
	if err := validate(e.Record); err != nil {
		return err
	}
	if e.Stage == kiosk.StageAsking && len(e.Secrets.Identifier) == 0 && e.Tag == (seal.Tag{}) {
		return fmt.Errorf("%w: asking without an identifier", ErrRecord)
	}
	return checkSecrets(e.Secrets)
}

func (s *Store) appendOne(tx *bolt.Tx, e Entry, begun map[string]uint64) error {
	key, visit, err := s.findOrBegin(tx, e, begun)
	if err != nil {
		return err
	}
	if err := visit.checkNext(e.Stage); err != nil {
		return err
	}
	visit.add(e.Record)
	if err := s.putVisit(tx, key, visit); err != nil {
		return err
	}
	return s.seal(tx, key, e.Record)
}

// putVisit stores a visit whose last step is new.
func (s *Store) putVisit(tx *bolt.Tx, key []byte, v visitRecord) error {
	if err := s.link(tx, key, v); err != nil {
		return err
	}
	b, err := v.encode()
	if err != nil {
		return err
	}
	visits := tx.Bucket(visitBucket)
	visits.FillPercent = 0.9 // numbers only grow, so half-empty pages would stay half empty
	return visits.Put(key, b)
}

// findOrBegin returns the visit that e belongs to, or a new one.
func (s *Store) findOrBegin(tx *bolt.Tx, e Entry, begun map[string]uint64) (key []byte, v visitRecord, err error) {
	n, known := begun[e.Visit]
	if !known {
		n, known = s.numbers.get(e.Visit)
	}
	if known {
		key = number(n)
		v, err = visitAt(tx, key)
		return key, v, err
	}
	if e.Stage != kiosk.StageAsking {
		return nil, visitRecord{}, visitRecord{}.checkNext(e.Stage)
	}
	if n, err = tx.Bucket(visitBucket).NextSequence(); err != nil {
		return nil, visitRecord{}, err
	}
	tag := e.Tag
	if len(e.Secrets.Identifier) > 0 {
		tag = s.ring.PersonTag(e.Secrets.Identifier)
	}
	begun[e.Visit] = n
	return number(n), visitRecord{Visit: e.Visit, Person: tag}, nil
}

// PersonTag returns the tag that stands for an identifier on record: see seal.Ring.PersonTag.
func (s *Store) PersonTag(identifier kiosk.Secret) seal.Tag { return s.ring.PersonTag(identifier) }

// Note records a sentence about the record itself, for example of a quarantined file. text is printable ASCII of up to
// 200 characters without personal data.
func (s *Store) Note(text string, wall time.Time, boot string, uptime time.Duration) error {
	v := visitRecord{Note: text, Steps: []step{{Wall: wall.UTC(), Boot: boot, Uptime: uptime}}}
	if text == "" || v.checkNote() != nil {
		return fmt.Errorf("store: note: %w", ErrRecord)
	}
	return s.update("note", func(tx *bolt.Tx) error {
		n, err := tx.Bucket(visitBucket).NextSequence()
		if err != nil {
			return err
		}
		return s.putVisit(tx, number(n), v)
	})
}

// seal stores r's secrets, sealed, or removes them at the end.
func (s *Store) seal(tx *bolt.Tx, key []byte, r kiosk.Record) error {
	open := tx.Bucket(openBucket)
	if r.Stage.Final() {
		return open.Delete(key)
	}
	all := r.Secrets
	if sealed := open.Get(key); sealed != nil {
		before, err := s.unseal(key, sealed)
		if err != nil {
			return err
		}
		defer before.Zero()
		all = mergeSecrets(all, before)
	}
	plain := encodeSecrets(all)
	defer clear(plain)
	return open.Put(key, s.ring.Seal(openBucket, key, plain))
}

func (s *Store) unseal(key, sealed []byte) (kiosk.Secrets, error) {
	plain, err := s.ring.Open(openBucket, key, sealed)
	if err != nil {
		return kiosk.Secrets{}, damaged("visit %d: %v", binary.BigEndian.Uint64(key), err)
	}
	defer clear(plain)
	return decodeSecrets(plain)
}

// Unfinished returns, for each visit without an ending, its last record with its secrets, oldest first. The caller
// zeroes them. It reads only those visits, however many there are.
func (s *Store) Unfinished() ([]kiosk.Record, error) {
	var out []kiosk.Record
	err := s.view("unfinished", func(tx *bolt.Tx) error {
		return s.forEachUnfinished(tx, func(_ uint64, r kiosk.Record) { out = append(out, r) })
	})
	if err != nil {
		for _, r := range out {
			r.Secrets.Zero()
		}
		return nil, err
	}
	return out, nil
}

func (s *Store) forEachUnfinished(tx *bolt.Tx, each func(n uint64, r kiosk.Record)) error {
	return tx.Bucket(openBucket).ForEach(func(key, sealed []byte) error {
		if len(key) != 8 {
			return damaged("a visit in progress without a number")
		}
		v, err := visitAt(tx, key)
		if err != nil {
			return err
		}
		r := v.record()
		if r.Secrets, err = s.unseal(key, sealed); err != nil {
			return err
		}
		each(binary.BigEndian.Uint64(key), r)
		return nil
	})
}

func visitAt(tx *bolt.Tx, key []byte) (visitRecord, error) {
	b := tx.Bucket(visitBucket).Get(key)
	if b == nil {
		return visitRecord{}, damaged("a visit is missing")
	}
	v, err := decodeVisit(b)
	if err == nil && v.Note != "" {
		err = damaged("a note in place of a visit")
	}
	return v, err
}
