package store

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const tagSize = seal.TagSize

// header is what the push guard reads of a visit: its backchannel authentication request. It precedes the rest of the
// visit, so that the guard can read hundreds of them without decoding the visits.
type header struct {
	Tag    seal.Tag
	Wall   time.Time
	Boot   string
	Uptime time.Duration
}

// encode returns tag, wall clock (seconds and nanoseconds), uptime (nanoseconds) and boot ID.
func (h header) encode() []byte {
	b := make([]byte, 0, tagSize+20+len(h.Boot))
	b = append(b, h.Tag[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Wall.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Wall.Nanosecond()))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Uptime))
	return append(b, h.Boot...)
}

func decodeHeader(b []byte) (header, error) {
	const fixed = tagSize + 20
	if len(b) < fixed || len(b) > fixed+maxName {
		return header{}, damaged("a request of %d bytes", len(b))
	}
	var h header
	n := copy(h.Tag[:], b)
	sec, nano := int64(binary.BigEndian.Uint64(b[n:])), binary.BigEndian.Uint32(b[n+8:])
	h.Uptime = time.Duration(binary.BigEndian.Uint64(b[n+12:]))
	h.Boot = string(b[fixed:])
	if nano >= 1e9 || sec < -1<<36 || sec > 1<<38 || h.Uptime < 0 || !isName(h.Boot) {
		return header{}, damaged("a request with invalid values")
	}
	h.Wall = time.Unix(sec, int64(nano)).UTC()
	return h, nil
}

// PastRequests calls each for the requests on record, newest first in the order of writing, until it returns false.
// Each must be quick and must not call the store.
func (s *Store) PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error {
	return s.view("past requests", func(tx *bolt.Tx) error {
		isPerson := s.ring.MatchPerson(identifier)
		c := tx.Bucket(visitBucket).Cursor()
		for key, b := c.Last(); key != nil; key, b = c.Prev() {
			head, _, err := splitVisit(b)
			if err != nil {
				return err
			}
			if len(head) == 0 {
				continue // a note
			}
			h, err := decodeHeader(head)
			if err != nil {
				return err
			}
			p := kiosk.PastRequest{SamePerson: isPerson(h.Tag), Wall: h.Wall, Boot: h.Boot, Uptime: h.Uptime}
			p.History = func() (r []kiosk.Record) { r, err = decodeRecords(b); return r }
			if !each(p) || err != nil {
				return err
			}
		}
		return nil
	})
}

// SamePerson returns a function that reports whether a tag on record belongs to identifier.
func (s *Store) SamePerson(identifier kiosk.Secret) func(seal.Tag) bool {
	return s.ring.MatchPerson(identifier)
}

// decodeRecords returns a visit's records without secrets.
func decodeRecords(b []byte) ([]kiosk.Record, error) {
	v, err := decodeVisit(b)
	if err != nil {
		return nil, err
	}
	out := make([]kiosk.Record, len(v.Steps))
	for i := range v.Steps {
		out[i] = visitRecord{Visit: v.Visit, Code: v.Code, Steps: v.Steps[:i+1]}.record()
	}
	return out, nil
}
