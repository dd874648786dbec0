package store

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
)

// mark is a place in the chain: behind the record with this sequence number.
type mark struct {
	seq  uint64
	link seal.Link
}

const markSize = 8 + 2*seal.LinkSize

// readMark gets head or anchor; a new file has none, which is before the first record.
func (s *Store) readMark(tx *bolt.Tx, name []byte) (m mark, err error) {
	b := tx.Bucket(metaBucket).Get(name)
	if b == nil {
		return mark{}, nil
	}
	if len(b) != markSize {
		return mark{}, damaged("the chain's %s cannot be read", name)
	}
	m.seq = binary.BigEndian.Uint64(b)
	copy(m.link[:], b[8:])
	var own seal.Link
	copy(own[:], b[8+seal.LinkSize:])
	if ok, err := s.ring.Linked(own, m.link, name, b[:8]); !ok && !errors.Is(err, seal.ErrKey) {
		return mark{}, damaged("the chain's %s was changed", name)
	}
	return m, nil
}

func (s *Store) writeMark(tx *bolt.Tx, name []byte, m mark) error {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, markSize), m.seq)
	own := s.ring.Link(m.link, name, b)
	b = append(append(b, m.link[:]...), own[:]...)
	return tx.Bucket(metaBucket).Put(name, b)
}

// chain links the last step of v, which is new, to the record before it.
func (s *Store) chain(tx *bolt.Tx, key []byte, v story) error {
	head, err := s.readMark(tx, headKey)
	if err != nil {
		return err
	}
	last := &v.Steps[len(v.Steps)-1]
	last.Seq, last.Link = head.seq+1, nil
	said, err := v.said(key, len(v.Steps)-1)
	if err != nil {
		return err
	}
	link := s.ring.Link(head.link, said)
	last.Link = link[:]
	return s.writeMark(tx, headKey, mark{last.Seq, link})
}

// said is what a link vouches for: one step, and whose it is.
func (s story) said(key []byte, i int) ([]byte, error) {
	one := s.Steps[i]
	one.Link = nil
	return json.Marshal(struct {
		Number            []byte
		Visit, Note, Code string
		Person            seal.Tag
		Step              step
	}{key, s.Visit, s.Note, s.Code, s.Person, one})
}

// checkHead looks whether the newest record is there and linked.
func (s *Store) checkHead(tx *bolt.Tx) error {
	head, err := s.readMark(tx, headKey)
	if err != nil {
		return err
	}
	if _, err := s.readMark(tx, anchorKey); err != nil {
		return err
	}
	key, b := tx.Bucket(visitBucket).Cursor().Last()
	if key == nil {
		return nil
	}
	v, err := readStory(b)
	if err != nil {
		return err
	}
	if len(key) != 8 || v.last().Seq > head.seq {
		return damaged("the newest visit is not the one that the chain ends with")
	}
	return nil
}

// Report is what Verify found.
type Report struct {
	Visits   int      `json:"visits"`
	Notes    int      `json:"notes"`
	Records  int      `json:"records"`
	First    uint64   `json:"first"` // sequence number of the oldest record
	Last     uint64   `json:"last"`  // and of the newest
	Pruned   uint64   `json:"pruned"`
	Head     string   `json:"head"`               // the newest link; who keeps it can tell later whether the file was put back as it once was
	Unread   int      `json:"unread,omitempty"`   // records whose key is not there any more: not checked
	Problems []string `json:"problems,omitempty"` // what is wrong, in order; at most 20
}

// Whole says whether nothing was found to be wrong.
func (r Report) Whole() bool { return len(r.Problems) == 0 }

const maxProblems = 20

func (r *Report) problem(why string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(why, args...))
	}
}

// Verify walks the whole chain, from the oldest record to the newest, and says
// what does not hold. It keeps in memory only the records of visits that overlap.
func (s *Store) Verify() (Report, error) {
	var r Report
	err := s.view("verify", func(tx *bolt.Tx) error {
		head, err := s.readMark(tx, headKey)
		if err != nil {
			r.problem("%v", err)
			return nil
		}
		at, err := s.readMark(tx, anchorKey)
		if err != nil {
			r.problem("%v", err)
			return nil
		}
		r.Pruned, r.Last, r.Head = at.seq, head.seq, hex.EncodeToString(head.link[:])
		w := walk{ring: s.ring, at: at, report: &r, ahead: map[uint64]linked{}}
		c := tx.Bucket(visitBucket).Cursor()
		for key, b := c.First(); key != nil; key, b = c.Next() {
			v, err := readStory(b)
			if err != nil || len(key) != 8 {
				r.problem("visit %x: cannot be read", key)
				continue
			}
			if v.Note != "" {
				r.Notes++
			} else {
				r.Visits++
			}
			if err := w.take(key, v); err != nil {
				return err
			}
		}
		w.end(head)
		return nil
	})
	return r, err
}

type linked struct {
	link seal.Link
	said []byte
}

// walk follows the chain through stories that come in the order of their numbers.
type walk struct {
	ring   *seal.Ring
	at     mark
	ahead  map[uint64]linked // of visits that were under way while later ones began
	report *Report
	lost   bool // a record is missing: the next link is taken as it is
}

func (w *walk) take(key []byte, v story) error {
	n := binary.BigEndian.Uint64(key)
	for i, step := range v.Steps {
		said, err := v.said(key, i)
		if err != nil {
			return err
		}
		_, twice := w.ahead[step.Seq]
		if twice || step.Seq <= w.at.seq {
			w.report.problem("visit %d: record %d is there twice, or was pruned", n, step.Seq)
			continue
		}
		l := linked{said: bytes.Clone(said)}
		copy(l.link[:], step.Link)
		w.ahead[step.Seq] = l
		w.report.Records++
	}
	w.follow()
	// Visits overlap by a few; what is waited for longer does not come.
	for len(w.ahead) > 4096 {
		w.skip()
	}
	return nil
}

func (w *walk) follow() {
	for {
		next, ok := w.ahead[w.at.seq+1]
		if !ok {
			return
		}
		delete(w.ahead, w.at.seq+1)
		if w.report.First == 0 {
			w.report.First = w.at.seq + 1
		}
		good, err := w.ring.Linked(next.link, w.at.link, next.said)
		switch {
		case errors.Is(err, seal.ErrKey):
			w.report.Unread++
		case !good && !w.lost:
			w.report.problem("record %d was changed, or the one before it", w.at.seq+1)
		}
		w.at, w.lost = mark{w.at.seq + 1, next.link}, false
	}
}

// skip goes on behind records that are missing.
func (w *walk) skip() {
	var next uint64
	for seq := range w.ahead {
		if next == 0 || seq < next {
			next = seq
		}
	}
	if next == w.at.seq+2 {
		w.report.problem("record %d is missing", w.at.seq+1)
	} else {
		w.report.problem("records %d to %d are missing", w.at.seq+1, next-1)
	}
	w.at.seq, w.lost = next-1, true
	w.follow()
}

func (w *walk) end(head mark) {
	for len(w.ahead) > 0 {
		w.skip()
	}
	if w.at.seq < head.seq {
		w.report.problem("records %d to %d, the newest, are missing", w.at.seq+1, head.seq)
	} else if w.at != head {
		w.report.problem("the newest record is not the one that the chain ends with")
	}
}

// rotate seals anew, with the present key, what an older one had sealed and is
// still needed. Entries of the chain keep the key that they were linked with.
func (s *Store) rotate() error {
	stale := false
	look := func(tx *bolt.Tx) error {
		stale = !s.ring.Current(tx.Bucket(metaBucket).Get(checkKey))
		return nil
	}
	if err := s.view("look at the key", look); err != nil || !stale {
		return err
	}
	return s.update("change the key", func(tx *bolt.Tx) error {
		for _, name := range [][]byte{headKey, anchorKey} {
			m, err := s.readMark(tx, name)
			if err != nil {
				return err
			}
			if m.seq > 0 {
				if err := s.writeMark(tx, name, m); err != nil {
					return err
				}
			}
		}
		for _, name := range [][]byte{openBucket, dueBucket} {
			if err := s.reseal(tx, name); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(checkKey, s.ring.Seal(metaBucket, checkKey, checkText))
	})
}

// reseal seals what a bucket holds with the newest key.
func (s *Store) reseal(tx *bolt.Tx, name []byte) error {
	b := tx.Bucket(name)
	if b == nil {
		return nil
	}
	anew := map[string][]byte{}
	err := b.ForEach(func(key, sealed []byte) error {
		plain, err := s.ring.Open(name, key, sealed)
		if err != nil {
			return damaged("%s %x: %v", name, key, err)
		}
		anew[string(key)] = s.ring.Seal(name, key, plain)
		clear(plain)
		return nil
	})
	if err != nil {
		return err
	}
	for key, sealed := range anew {
		if err := b.Put([]byte(key), sealed); err != nil {
			return err
		}
	}
	return nil
}
