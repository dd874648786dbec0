package store

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Visit is what an operator may see of a visit or note. It has no secrets.
type Visit struct {
	Number uint64       `json:"number"`           // counts up; a gap is a pruned visit
	Visit  string       `json:"visit,omitempty"`  // name in logs and JSON lines; empty for a note
	Note   string       `json:"note,omitempty"`   // text of a note about the record itself
	Person string       `json:"person,omitempty"` // first eight hexadecimal digits of the person's tag
	Code   string       `json:"code,omitempty"`
	Stage  kiosk.Stage  `json:"stage,omitempty"` // of the last record
	Reason kiosk.Reason `json:"reason,omitempty"`
	Began  time.Time    `json:"began"` // wall clock, UTC
	Last   time.Time    `json:"last"`  // wall clock of the last record, UTC
	Steps  []Step       `json:"steps"`

	Technician bool `json:"technician,omitempty"` // opened the technician's menu

	Tag seal.Tag `json:"-"` // the whole of Person
}

// Step is one record of a visit.
type Step struct {
	Record   uint64        `json:"record"` // sequence number among all records
	Stage    kiosk.Stage   `json:"stage,omitempty"`
	Reason   kiosk.Reason  `json:"reason,omitempty"`
	Time     time.Time     `json:"time"` // wall clock, UTC
	Boot     string        `json:"boot,omitempty"`
	Uptime   time.Duration `json:"uptime_ns"`
	Expires  time.Duration `json:"expires_ns,omitempty"`
	Interval time.Duration `json:"interval_ns,omitempty"`
	Pause    time.Duration `json:"pause_ns,omitempty"` // no poll before this long after Time
}

func (s visitRecord) public(n uint64) Visit {
	v := Visit{
		Number: n, Visit: s.Visit, Note: s.Note, Code: s.Code,
		Stage: s.last().Stage, Reason: s.last().Reason,
		Began: s.Steps[0].Wall, Last: s.last().Wall,
		Steps: make([]Step, len(s.Steps)), Tag: s.Person, Technician: s.last().Technician,
	}
	if s.Note == "" {
		v.Person = hex.EncodeToString(s.Person[:4])
	}
	for i, t := range s.Steps {
		v.Steps[i] = Step{t.Seq, t.Stage, t.Reason, t.Wall, t.Boot, t.Uptime, t.Expires, t.Interval, t.Pause}
	}
	return v
}

// List returns up to limit visits, newest first: those older than number after, or the newest if after is 0.
func (s *Store) List(after uint64, limit int) ([]Visit, error) {
	var out []Visit
	err := s.view("list", func(tx *bolt.Tx) error {
		c := tx.Bucket(visitBucket).Cursor()
		key, b := c.Last()
		if after != 0 {
			if key, b = c.Seek(number(after)); key == nil {
				key, b = c.Last()
			}
			for key != nil && binary.BigEndian.Uint64(key) >= after {
				key, b = c.Prev()
			}
		}
		for ; key != nil && len(out) < limit; key, b = c.Prev() {
			v, err := decodeVisit(b)
			if err != nil {
				return err
			}
			out = append(out, v.public(binary.BigEndian.Uint64(key)))
		}
		return nil
	})
	return out, err
}

// Visits iterates over all visits, newest first. It reads 64 at a time: a reader that stalls must not keep the file
// growing.
func (s *Store) Visits() iter.Seq2[Visit, error] {
	return func(yield func(Visit, error) bool) {
		const page = 64
		for after := uint64(0); ; {
			list, err := s.List(after, page)
			if err != nil {
				yield(Visit{}, err)
				return
			}
			for _, v := range list {
				if !yield(v, nil) {
					return
				}
				after = v.Number
			}
			if len(list) < page {
				return
			}
		}
	}
}

// Show returns one visit by name, or ErrNoVisit. It searches from the newest on: there is no index.
func (s *Store) Show(visit string) (Visit, error) {
	if visit != "" {
		for v, err := range s.Visits() {
			if err != nil || v.Visit == visit {
				return v, err
			}
		}
	}
	return Visit{}, fmt.Errorf("store: show: %w", ErrNoVisit)
}
