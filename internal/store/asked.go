package store

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// maxAsked is how many requests are remembered for the guard: more than the
// contract's 30 in 10 minutes make in a day and a half. The bucket is a ring, so
// that it needs no looking after.
const maxAsked = 8192

// asked is one backchannel request, as the guard counts it.
type asked struct {
	Tag    [tagSize]byte
	Wall   time.Time
	Boot   string
	Uptime time.Duration
}

// remember adds to the ring; n is the visit's number.
func remember(tx *bolt.Tx, n uint64, a asked) error {
	ring := tx.Bucket(askedBucket)
	ring.FillPercent = 0.9 // as with the visits
	if n > maxAsked {
		if err := ring.Delete(number(n - maxAsked)); err != nil {
			return err
		}
	}
	return ring.Put(number(n), a.pack())
}

// pack: tag, wall clock as seconds and nanoseconds, uptime in nanoseconds, boot.
func (a asked) pack() []byte {
	b := make([]byte, 0, tagSize+20+len(a.Boot))
	b = append(b, a.Tag[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(a.Wall.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(a.Wall.Nanosecond()))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Uptime))
	return append(b, a.Boot...)
}

func readAsked(b []byte) (asked, error) {
	const fixed = tagSize + 20
	if len(b) < fixed || len(b) > fixed+maxName {
		return asked{}, damaged("a request of %d bytes", len(b))
	}
	var a asked
	n := copy(a.Tag[:], b)
	sec, nano := int64(binary.BigEndian.Uint64(b[n:])), binary.BigEndian.Uint32(b[n+8:])
	a.Uptime = time.Duration(binary.BigEndian.Uint64(b[n+12:]))
	a.Boot = string(b[fixed:])
	if nano >= 1e9 || sec < -1<<36 || sec > 1<<38 || a.Uptime < 0 || !plain(a.Boot) {
		return asked{}, damaged("a request that makes no sense")
	}
	a.Wall = time.Unix(sec, int64(nano)).UTC()
	return a, nil
}

// Asked calls each for the requests on record, newest first in the order of
// writing, until it returns false. Those for identifier, however that is spelt,
// come with their visit's story. It is what the guard remembers by. each must be
// quick and must not call the store.
func (s *Store) Asked(identifier kiosk.Secret, each func(kiosk.Push) bool) error {
	return s.view("asked", func(tx *bolt.Tx) error {
		tag := s.seal.person(identifier)
		c := tx.Bucket(askedBucket).Cursor()
		for key, b := c.Last(); key != nil; key, b = c.Prev() {
			a, err := readAsked(b)
			if err != nil {
				return err
			}
			p := kiosk.Push{Mine: a.Tag == tag, Wall: a.Wall, Boot: a.Boot, Uptime: a.Uptime}
			if p.Mine {
				p.Story = func() (r []kiosk.Record) { r, err = storyAt(tx, key); return r }
			}
			if !each(p) || err != nil {
				return err
			}
		}
		return nil
	})
}

// storyAt is what is on record of a visit, without secrets; nil if nothing is any more.
func storyAt(tx *bolt.Tx, key []byte) ([]kiosk.Record, error) {
	b := tx.Bucket(visitBucket).Get(key)
	if b == nil {
		return nil, nil
	}
	v, err := readStory(b)
	if err != nil {
		return nil, err
	}
	out := make([]kiosk.Record, len(v.Steps))
	for i := range v.Steps {
		out[i] = story{Visit: v.Visit, Code: v.Code, Steps: v.Steps[:i+1]}.record()
	}
	return out, nil
}
