package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Append puts one record on disk and returns when it is there: one commit, two
// flushes of the card. Asking begins a visit, whose secrets must name whom it
// asks for; the stages follow in their order; an ending drops the secrets. A
// secret that a record leaves out stays as it was. Asked may follow asked: it
// brings another Interval and Pause, while Expires, Sent and SentAt stay within
// one boot. A record that does not fit (ErrOrder, ErrRecord) changes nothing, nor
// does any other error.
func (s *Store) Append(r kiosk.Record) error {
	if err := check(r); err != nil {
		return fmt.Errorf("store: append: %w", err)
	}
	if err := checkSecrets(r.Secrets); err != nil {
		return fmt.Errorf("store: append: %w", err)
	}
	if r.Stage == kiosk.StageAsking && len(r.Secrets.Identifier) == 0 {
		return fmt.Errorf("store: append: %w: asking without an identifier", ErrRecord)
	}
	return s.update("append", func(tx *bolt.Tx) error {
		key, visit, err := s.find(tx, r)
		if err != nil {
			return err
		}
		if err := visit.follows(r.Stage); err != nil {
			return err
		}
		visit.add(r)
		if r.Code != "" {
			visit.Code = r.Code
		}
		b, err := visit.encode()
		if err != nil {
			return err
		}
		visits := tx.Bucket(visitBucket)
		visits.FillPercent = 0.9 // numbers only grow: half-empty pages would stay so
		if err := visits.Put(key, b); err != nil {
			return err
		}
		return s.hide(tx, key, r)
	})
}

// find gets the visit that r belongs to, or begins it.
func (s *Store) find(tx *bolt.Tx, r kiosk.Record) (key []byte, v story, err error) {
	names := tx.Bucket(nameBucket)
	if known := names.Get([]byte(r.Visit)); known != nil {
		key = bytes.Clone(known)
		v, err = visitAt(tx, key)
		return key, v, err
	}
	if r.Stage != kiosk.StageAsking {
		return nil, story{}, story{}.follows(r.Stage)
	}
	n, err := tx.Bucket(visitBucket).NextSequence()
	if err != nil {
		return nil, story{}, err
	}
	key = number(n)
	if err := names.Put([]byte(r.Visit), key); err != nil {
		return nil, story{}, err
	}
	tag := s.seal.person(r.Secrets.Identifier)
	if err := remember(tx, n, asked{Tag: tag, Wall: r.Wall, Boot: r.Boot, Uptime: r.Uptime}); err != nil {
		return nil, story{}, err
	}
	return key, story{Visit: r.Visit, Person: tag[:]}, nil
}

// hide puts r's secrets where only the key finds them, or drops them at the end.
func (s *Store) hide(tx *bolt.Tx, key []byte, r kiosk.Record) error {
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
		defer zero(before)
		all = keep(all, before)
	}
	plain := packSecrets(all)
	defer clear(plain)
	return open.Put(key, s.seal.seal(openBucket, key, plain))
}

func (s *Store) unseal(key, sealed []byte) (kiosk.Secrets, error) {
	plain, err := s.seal.open(openBucket, key, sealed)
	if err != nil {
		return kiosk.Secrets{}, damaged("visit %d: %v", binary.BigEndian.Uint64(key), err)
	}
	defer clear(plain)
	return unpackSecrets(plain)
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
			zero(r.Secrets)
		}
		return nil, err
	}
	return out, nil
}

func visitAt(tx *bolt.Tx, key []byte) (story, error) {
	b := tx.Bucket(visitBucket).Get(key)
	if b == nil {
		return story{}, damaged("a visit is gone")
	}
	return readStory(b)
}
