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

// position is a place in the chain: after the record with this sequence number.
type position struct {
	seq  uint64
	link seal.Link
}

const positionSize = 8 + 2*seal.LinkSize

// readPosition reads head or anchor. A new file has none: the place before the first record.
func (s *Store) readPosition(tx *bolt.Tx, name []byte) (p position, err error) {
	b := tx.Bucket(metaBucket).Get(name)
	if b == nil {
		return position{}, nil
	}
	if len(b) != positionSize {
		return position{}, damaged("the chain's %s cannot be read", name)
	}
	p.seq = binary.BigEndian.Uint64(b)
	copy(p.link[:], b[8:])
	var check seal.Link
	copy(check[:], b[8+seal.LinkSize:])
	if ok, err := s.ring.VerifyLink(check, p.link, name, b[:8]); !ok && !errors.Is(err, seal.ErrKey) {
		return position{}, damaged("the chain's %s was changed", name)
	}
	return p, nil
}

func (s *Store) writePosition(tx *bolt.Tx, name []byte, p position) error {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, positionSize), p.seq)
	check := s.ring.Link(p.link, name, b)
	b = append(append(b, p.link[:]...), check[:]...)
	return tx.Bucket(metaBucket).Put(name, b)
}

// link links the last step of v, which is new, to the record before it.
func (s *Store) link(tx *bolt.Tx, key []byte, v visitRecord) error {
	head, err := s.readPosition(tx, headKey)
	if err != nil {
		return err
	}
	last := &v.Steps[len(v.Steps)-1]
	last.Seq, last.Link = head.seq+1, nil
	content, err := v.linkedContent(key, len(v.Steps)-1)
	if err != nil {
		return err
	}
	link := s.ring.Link(head.link, content)
	last.Link = link[:]
	return s.writePosition(tx, headKey, position{last.Seq, link})
}

// linkedContent returns what a link covers: one step, and the visit that it belongs to.
func (s visitRecord) linkedContent(key []byte, i int) ([]byte, error) {
	one := s.Steps[i]
	one.Link = nil
	return json.Marshal(struct {
		Number            []byte
		Visit, Note, Code string
		Person            seal.Tag
		Step              step
	}{key, s.Visit, s.Note, s.Code, s.Person, one})
}

// checkHead checks that the newest visit is not newer than the head of the chain.
func (s *Store) checkHead(tx *bolt.Tx) error {
	head, err := s.readPosition(tx, headKey)
	if err != nil {
		return err
	}
	if _, err := s.readPosition(tx, anchorKey); err != nil {
		return err
	}
	key, b := tx.Bucket(visitBucket).Cursor().Last()
	if key == nil {
		return nil
	}
	v, err := decodeVisit(b)
	if err != nil {
		return err
	}
	if len(key) != 8 || v.last().Seq > head.seq {
		return damaged("the newest visit is not the one at the end of the chain")
	}
	return nil
}

// Report is the result of Verify.
type Report struct {
	Visits       int      `json:"visits"`
	Notes        int      `json:"notes"`
	Records      int      `json:"records"`
	First        uint64   `json:"first"` // sequence number of the oldest record
	Last         uint64   `json:"last"`  // of the newest record
	Pruned       uint64   `json:"pruned"`
	Head         string   `json:"head"`               // the newest link; an operator who notes it can tell later whether the file was replaced by an older copy
	Unverifiable int      `json:"unread,omitempty"`   // records whose key is no longer in the key file
	Problems     []string `json:"problems,omitempty"` // what is wrong, in order; at most 20
}

// Intact reports whether Verify found no problem.
func (r Report) Intact() bool { return len(r.Problems) == 0 }

const maxProblems = 20

func (r *Report) addProblem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify follows the chain from the oldest record to the newest and reports what does not match. It keeps only the
// records of overlapping visits in memory.
func (s *Store) Verify() (Report, error) {
	var r Report
	err := s.view("verify", func(tx *bolt.Tx) error {
		head, err := s.readPosition(tx, headKey)
		if err != nil {
			r.addProblem("%v", err)
			return nil
		}
		anchor, err := s.readPosition(tx, anchorKey)
		if err != nil {
			r.addProblem("%v", err)
			return nil
		}
		r.Pruned, r.Last, r.Head = anchor.seq, head.seq, hex.EncodeToString(head.link[:])
		w := chainWalker{ring: s.ring, position: anchor, report: &r, pending: map[uint64]pendingLink{}}
		c := tx.Bucket(visitBucket).Cursor()
		for key, b := c.First(); key != nil; key, b = c.Next() {
			v, err := decodeVisit(b)
			if err != nil || len(key) != 8 {
				r.addProblem("visit %x: cannot be read", key)
				continue
			}
			if v.Note != "" {
				r.Notes++
			} else {
				r.Visits++
			}
			if err := w.add(key, v); err != nil {
				return err
			}
		}
		w.finish(head)
		return nil
	})
	return r, err
}

type pendingLink struct {
	link    seal.Link
	content []byte
}

// chainWalker follows the chain through visits in the order of their numbers.
type chainWalker struct {
	ring     *seal.Ring
	position position
	pending  map[uint64]pendingLink // records of visits that were in progress while later ones began
	report   *Report
	gap      bool // a record is missing: the next link cannot be checked
}

func (w *chainWalker) add(key []byte, v visitRecord) error {
	n := binary.BigEndian.Uint64(key)
	for i, step := range v.Steps {
		content, err := v.linkedContent(key, i)
		if err != nil {
			return err
		}
		_, twice := w.pending[step.Seq]
		if twice || step.Seq <= w.position.seq {
			w.report.addProblem("visit %d: record %d occurs twice, or was pruned", n, step.Seq)
			continue
		}
		l := pendingLink{content: bytes.Clone(content)}
		copy(l.link[:], step.Link)
		w.pending[step.Seq] = l
		w.report.Records++
	}
	w.advance()
	// Visits overlap by a few records; one that is missing for longer will not come.
	for len(w.pending) > 4096 {
		w.skipMissing()
	}
	return nil
}

// advance checks the pending records that follow without a gap.
func (w *chainWalker) advance() {
	for {
		next, ok := w.pending[w.position.seq+1]
		if !ok {
			return
		}
		delete(w.pending, w.position.seq+1)
		if w.report.First == 0 {
			w.report.First = w.position.seq + 1
		}
		ok, err := w.ring.VerifyLink(next.link, w.position.link, next.content)
		switch {
		case errors.Is(err, seal.ErrKey):
			w.report.Unverifiable++
		case !ok && !w.gap:
			w.report.addProblem("record %d was changed, or the one before it", w.position.seq+1)
		}
		w.position, w.gap = position{w.position.seq + 1, next.link}, false
	}
}

// skipMissing reports missing records and goes on after them.
func (w *chainWalker) skipMissing() {
	var next uint64
	for seq := range w.pending {
		if next == 0 || seq < next {
			next = seq
		}
	}
	if next == w.position.seq+2 {
		w.report.addProblem("record %d is missing", w.position.seq+1)
	} else {
		w.report.addProblem("records %d to %d are missing", w.position.seq+1, next-1)
	}
	w.position.seq, w.gap = next-1, true
	w.advance()
}

// finish reports the records that are missing at the end.
func (w *chainWalker) finish(head position) {
	for len(w.pending) > 0 {
		w.skipMissing()
	}
	if w.position.seq < head.seq {
		w.report.addProblem("records %d to %d, the newest, are missing", w.position.seq+1, head.seq)
	} else if w.position != head {
		w.report.addProblem("the newest record is not the one at the end of the chain")
	}
}

// resealAll seals with the current key what an older one had sealed and is still needed. Records keep the links of
// their old key.
func (s *Store) resealAll() error {
	stale := false
	check := func(tx *bolt.Tx) error {
		stale = !s.ring.IsCurrent(tx.Bucket(metaBucket).Get(checkKey))
		return nil
	}
	if err := s.view("check the key", check); err != nil || !stale {
		return err
	}
	return s.update("change the key", func(tx *bolt.Tx) error {
		for _, name := range [][]byte{headKey, anchorKey} {
			p, err := s.readPosition(tx, name)
			if err != nil {
				return err
			}
			if p.seq > 0 {
				if err := s.writePosition(tx, name, p); err != nil {
					return err
				}
			}
		}
		for _, name := range [][]byte{openBucket, revocationBucket} {
			if err := s.reseal(tx, name); err != nil {
				return err
			}
		}
		return tx.Bucket(metaBucket).Put(checkKey, s.ring.Seal(metaBucket, checkKey, checkText))
	})
}

// reseal seals the values of a bucket with the current key.
func (s *Store) reseal(tx *bolt.Tx, name []byte) error {
	b := tx.Bucket(name)
	if b == nil {
		return nil
	}
	resealed := map[string][]byte{}
	err := b.ForEach(func(key, sealed []byte) error {
		plain, err := s.ring.Open(name, key, sealed)
		if err != nil {
			return damaged("%s %x: %v", name, key, err)
		}
		resealed[string(key)] = s.ring.Seal(name, key, plain)
		clear(plain)
		return nil
	})
	if err != nil {
		return err
	}
	for key, sealed := range resealed {
		if err := b.Put([]byte(key), sealed); err != nil {
			return err
		}
	}
	return nil
}
