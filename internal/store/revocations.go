package store

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// dueBucket holds tokens that are still to be given back, number -> sealed. It is made
// when it is first needed.
var revocationBucket = []byte("dues")

// maxDues is how many are kept; the oldest go first. A server that gives tokens and
// takes none back would fill the disk otherwise.
const maxRevocations = 256

var _ kiosk.RevocationQueue = (*Store)(nil)

// AddRevocation puts tokens on disk, sealed, as still to be given back.
func (s *Store) AddRevocation(d kiosk.Revocation) (id uint64, err error) {
	secrets := kiosk.Secrets{Tokens: d.Tokens}
	if err := checkSecrets(secrets); err != nil {
		return 0, fmt.Errorf("store: owe: %w", err)
	}
	if !isDate(d.Until) || d.Lifetime < 0 {
		return 0, fmt.Errorf("store: owe: %w: times out of range", ErrRecord)
	}
	packed := encodeSecrets(secrets)
	defer clear(packed)
	plain := make([]byte, 0, 16+len(packed))
	plain = binary.BigEndian.AppendUint64(plain, uint64(d.Until.Unix()))
	plain = binary.BigEndian.AppendUint64(plain, uint64(d.Lifetime))
	plain = append(plain, packed...)
	defer clear(plain)
	err = s.update("owe", func(tx *bolt.Tx) error {
		dues, err := tx.CreateBucketIfNotExists(revocationBucket)
		if err != nil {
			return err
		}
		if id, err = dues.NextSequence(); err != nil {
			return err
		}
		if id > maxRevocations {
			if err := dues.Delete(number(id - maxRevocations)); err != nil {
				return err
			}
		}
		return dues.Put(number(id), s.ring.Seal(revocationBucket, number(id), plain))
	})
	return id, err
}

// RevocationDone forgets tokens that were given back, or have run out.
func (s *Store) RevocationDone(id uint64) error {
	return s.update("paid", func(tx *bolt.Tx) error {
		dues := tx.Bucket(revocationBucket)
		if dues == nil {
			return nil
		}
		return dues.Delete(number(id))
	})
}

// PendingRevocations gives what is still to be given back, oldest first. What cannot be read is
// left out: it will run out by itself.
func (s *Store) PendingRevocations() (out []kiosk.Revocation, err error) {
	err = s.view("owed", func(tx *bolt.Tx) error {
		dues := tx.Bucket(revocationBucket)
		if dues == nil {
			return nil
		}
		return dues.ForEach(func(key, sealed []byte) error {
			plain, err := s.ring.Open(revocationBucket, key, sealed)
			if err != nil {
				return nil
			}
			defer clear(plain)
			if d, ok := decodeRevocation(plain); ok && len(key) == 8 {
				d.ID = binary.BigEndian.Uint64(key)
				out = append(out, d)
			}
			return nil
		})
	})
	return out, err
}

func decodeRevocation(plain []byte) (d kiosk.Revocation, ok bool) {
	if len(plain) < 16 {
		return d, false
	}
	d.Until = time.Unix(int64(binary.BigEndian.Uint64(plain)), 0).UTC()
	d.Lifetime = time.Duration(binary.BigEndian.Uint64(plain[8:]))
	secrets, err := decodeSecrets(plain[16:])
	d.Tokens = secrets.Tokens
	return d, err == nil && isDate(d.Until) && d.Lifetime >= 0
}
