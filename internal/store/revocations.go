package store

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// revocationBucket is the revocation queue. It is created when first needed.
var revocationBucket = []byte("dues")

// maxRevocations limits the queue; the oldest entries are dropped. A server that issues tokens and never revokes any
// would fill the disk otherwise.
const maxRevocations = 256

var _ kiosk.RevocationQueue = (*Store)(nil)

// AddRevocation puts tokens into the revocation queue, sealed, and returns their number there. They are on disk when
// it returns.
func (s *Store) AddRevocation(r kiosk.Revocation) (id uint64, err error) {
	secrets := kiosk.Secrets{Tokens: r.Tokens}
	if err := checkSecrets(secrets); err != nil {
		return 0, fmt.Errorf("store: revocation: %w", err)
	}
	if !isDate(r.Until) || r.Lifetime < 0 {
		return 0, fmt.Errorf("store: revocation: %w: times out of range", ErrRecord)
	}
	packed := encodeSecrets(secrets)
	defer clear(packed)
	plain := make([]byte, 0, 16+len(packed))
	plain = binary.BigEndian.AppendUint64(plain, uint64(r.Until.Unix()))
	plain = binary.BigEndian.AppendUint64(plain, uint64(r.Lifetime))
	plain = append(plain, packed...)
	defer clear(plain)
	err = s.update("add revocation", func(tx *bolt.Tx) error {
		queue, err := tx.CreateBucketIfNotExists(revocationBucket)
		if err != nil {
			return err
		}
		if id, err = queue.NextSequence(); err != nil {
			return err
		}
		if id > maxRevocations {
			if err := queue.Delete(number(id - maxRevocations)); err != nil {
				return err
			}
		}
		return queue.Put(number(id), s.ring.Seal(revocationBucket, number(id), plain))
	})
	return id, err
}

// RevocationDone removes an entry whose tokens were revoked or have expired.
func (s *Store) RevocationDone(id uint64) error {
	return s.update("revocation done", func(tx *bolt.Tx) error {
		queue := tx.Bucket(revocationBucket)
		if queue == nil {
			return nil
		}
		return queue.Delete(number(id))
	})
}

// PendingRevocations returns the queue, oldest first. Entries that cannot be read are left out: their tokens expire.
func (s *Store) PendingRevocations() (out []kiosk.Revocation, err error) {
	err = s.view("pending revocations", func(tx *bolt.Tx) error {
		queue := tx.Bucket(revocationBucket)
		if queue == nil {
			return nil
		}
		return queue.ForEach(func(key, sealed []byte) error {
			plain, err := s.ring.Open(revocationBucket, key, sealed)
			if err != nil {
				return nil
			}
			defer clear(plain)
			if r, ok := decodeRevocation(plain); ok && len(key) == 8 {
				r.ID = binary.BigEndian.Uint64(key)
				out = append(out, r)
			}
			return nil
		})
	})
	return out, err
}

func decodeRevocation(plain []byte) (r kiosk.Revocation, ok bool) {
	if len(plain) < 16 {
		return r, false
	}
	r.Until = time.Unix(int64(binary.BigEndian.Uint64(plain)), 0).UTC()
	r.Lifetime = time.Duration(binary.BigEndian.Uint64(plain[8:]))
	secrets, err := decodeSecrets(plain[16:])
	r.Tokens = secrets.Tokens
	return r, err == nil && isDate(r.Until) && r.Lifetime >= 0
}
