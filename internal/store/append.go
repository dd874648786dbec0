package store

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Entry is a record with what else the store may be told of it.
type Entry struct {
	kiosk.Record
	// Tag stands for the person where the identifier is known no more: a visit that
	// ended before it could be put on disk. The identifier counts if there is one.
	Tag seal.Tag
}

// Append puts one record on disk and returns when it is there: one commit, two
// flushes of the card. Asking begins a visit, whose secrets must name whom it
// asks for; the stages follow in their order; an ending drops the secrets. A
// secret that a record leaves out stays as it was. Asked may follow asked, 63
// times: it brings another Interval and Pause, while Expires, Sent and SentAt stay
// within one boot. A record that does not fit (ErrOrder, ErrRecord) changes
// nothing, nor does any other error.
func (s *Store) Append(r kiosk.Record) error { return s.AppendAll(Entry{Record: r}) }

// AppendAll puts several records on disk in one commit, or none of them.
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

// putVisit writes a story whose last step is new.
func (s *Store) putVisit(tx *bolt.Tx, key []byte, v visitRecord) error {
	if err := s.link(tx, key, v); err != nil {
		return err
	}
	b, err := v.encode()
	if err != nil {
		return err
	}
	visits := tx.Bucket(visitBucket)
	visits.FillPercent = 0.9 // numbers only grow: half-empty pages would stay so
	return visits.Put(key, b)
}

// findOrBegin gets the visit that e belongs to, or begins it.
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

// PersonTag is who an identifier stands for on record: see seal.Ring.Person.
func (s *Store) PersonTag(identifier kiosk.Secret) seal.Tag { return s.ring.PersonTag(identifier) }

// Note puts a sentence of the kiosk's own on record, between the visits: of a
// file that was set aside, say. text is printable ASCII of up to 200 characters,
// and nothing personal is in it.
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

// seal puts r's secrets where only the key finds them, or drops them at the end.
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
		defer zeroSecrets(before)
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

// Unfinished gives, for each visit without an ending, its last record with its
// secrets, oldest first. It reads those visits only, however many there were.
func (s *Store) Unfinished() ([]kiosk.Record, error) {
	var out []kiosk.Record
	err := s.view("unfinished", func(tx *bolt.Tx) error {
		c := tx.Bucket(openBucket).Cursor()
		for key, sealed := c.First(); key != nil; key, sealed = c.Next() {
			if len(key) != 8 {
				return damaged("an open visit without number")
			}
			v, err := visitAt(tx, key)
			if err != nil {
				return err
			}
			r := v.record()
			if r.Secrets, err = s.unseal(key, sealed); err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		for _, r := range out {
			zeroSecrets(r.Secrets)
		}
		return nil, err
	}
	return out, nil
}

func visitAt(tx *bolt.Tx, key []byte) (visitRecord, error) {
	b := tx.Bucket(visitBucket).Get(key)
	if b == nil {
		return visitRecord{}, damaged("a visit is gone")
	}
	v, err := decodeVisit(b)
	if err == nil && v.Note != "" {
		err = damaged("a note in the place of a visit")
	}
	return v, err
}
