package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// visitRecord is a visit or note as stored. Its only personal data is the tag.
type visitRecord struct {
	Visit string `json:"visit,omitempty"`
	Note  string `json:"note,omitempty"`
	Code  string `json:"code,omitempty"`
	Steps []step `json:"steps"`

	Person seal.Tag `json:"-"` // in the header
}

// step is one record. Durations and uptimes are in nanoseconds.
type step struct {
	Seq      uint64        `json:"seq"`  // sequence number among all records
	Link     []byte        `json:"link"` // in the chain
	Stage    kiosk.Stage   `json:"stage,omitempty"`
	Reason   kiosk.Reason  `json:"reason,omitempty"`
	Wall     time.Time     `json:"wall"`
	Boot     string        `json:"boot,omitempty"`
	Uptime   time.Duration `json:"uptime"`
	Expires  time.Duration `json:"expires,omitempty"`
	Interval time.Duration `json:"interval,omitempty"`
	Pause    time.Duration `json:"pause,omitempty"`
	Sent     time.Duration `json:"sent,omitempty"`
	SentAt   time.Time     `json:"sent_at,omitzero"`

	Technician bool `json:"technician,omitempty"`
	Unsent     bool `json:"unsent,omitempty"`
}

const (
	maxName      = 64       // of a visit's name, a code or a boot ID (36): all ours, all short
	maxNote      = 200      // of a note: a sentence of ours
	maxIntervals = 64       // acknowledged steps of one visit: few servers change the interval twice, none may fill the disk with it
	maxVisitSize = 64 << 10 // bytes; four steps take 1.2 KiB, maxIntervals of them with a boot ID that JSON escapes 50
)

func newStep(r kiosk.Record) step {
	return step{
		Stage: r.Stage, Reason: r.Reason,
		Wall: r.Wall.UTC(), Boot: r.Boot, Uptime: r.Uptime,
		Expires: r.Expires, Interval: r.Interval, Pause: r.Pause, Sent: r.Sent, SentAt: r.SentAt.UTC(),
		Technician: r.Technician, Unsent: r.Unsent,
	}
}

// add appends r. A second acknowledged record changes only the polling interval. The request's lifetime stays as
// acknowledged, unless r is of another boot, to which the request's uptime means nothing.
func (s *visitRecord) add(r kiosk.Record) {
	next := newStep(r)
	if r.Stage == kiosk.StageAcknowledged && s.last().Stage == kiosk.StageAcknowledged {
		before := s.last()
		if next.Boot == before.Boot {
			next.Expires, next.Sent, next.SentAt = before.Expires, before.Sent, before.SentAt
		}
	}
	if len(s.Steps) == 0 {
		s.Code = r.Code
	}
	s.Steps = append(s.Steps, next)
}

func (s visitRecord) last() step { return s.Steps[len(s.Steps)-1] }

// record returns the visit's last record without its secrets.
func (s visitRecord) record() kiosk.Record {
	l := s.last()
	return kiosk.Record{
		Visit: s.Visit, Stage: l.Stage, Reason: l.Reason, Code: s.Code,
		Expires: l.Expires, Interval: l.Interval, Pause: l.Pause,
		Wall: l.Wall, Boot: l.Boot, Uptime: l.Uptime, Sent: l.Sent, SentAt: l.SentAt, Technician: l.Technician, Unsent: l.Unsent,
	}
}

// checkNext returns ErrOrder if next cannot follow what is on record. No stage can be skipped or repeated, except
// acknowledged, which is repeated when the interval changes.
func (s visitRecord) checkNext(next kiosk.Stage) error {
	var last kiosk.Stage
	if len(s.Steps) > 0 {
		last = s.last().Stage
	}
	fits := false
	switch next {
	case kiosk.StageAsking:
		fits = last == 0
	case kiosk.StageAcknowledged:
		fits = last == kiosk.StageAsking || last == kiosk.StageAcknowledged
	case kiosk.StageGranted, kiosk.StageShown:
		fits = last == next-1
	case kiosk.StageEnded, kiosk.StageAbandoned:
		fits = last != 0 && !last.Final()
	}
	switch {
	case fits && next == kiosk.StageAcknowledged && len(s.Steps) > maxIntervals: // the first is asking
		return fmt.Errorf("%w: the polling interval has changed %d times", ErrRecord, maxIntervals)
	case fits:
		return nil
	case last == 0:
		return fmt.Errorf("%w: %v for a visit that is not on record", ErrOrder, next)
	}
	return fmt.Errorf("%w: %v after %v", ErrOrder, next, last)
}

// CheckOrder returns ErrOrder if next cannot follow last in a visit; last is 0 before its beginning.
func CheckOrder(last, next kiosk.Stage) error {
	v := visitRecord{}
	if last != 0 {
		v.Steps = []step{{Stage: last}}
	}
	return v.checkNext(next)
}

// validate returns ErrRecord if r must not be stored.
func validate(r kiosk.Record) error {
	switch {
	case r.Visit == "":
		return fmt.Errorf("%w: no visit", ErrRecord)
	case !isName(r.Visit), !isName(r.Code), !isName(r.Boot):
		return fmt.Errorf("%w: visit, code or boot is too long or not ASCII", ErrRecord)
	case r.Stage < kiosk.StageAsking || r.Stage > kiosk.StageAbandoned:
		return fmt.Errorf("%w: %v", ErrRecord, r.Stage)
	case int(r.Reason) > len(kiosk.Reasons()):
		return fmt.Errorf("%w: %v", ErrRecord, r.Reason)
	case !isDate(r.Wall), !isDate(r.SentAt):
		return fmt.Errorf("%w: a wall time out of range", ErrRecord)
	case r.Uptime < 0, r.Sent < 0, r.Expires < 0, r.Interval < 0, r.Pause < 0:
		return fmt.Errorf("%w: a negative time", ErrRecord)
	}
	return nil
}

func (s visitRecord) checkNote() error {
	malformed := len(s.Steps) != 1 || s.Visit != "" || s.Code != "" || sanitize.ASCII(s.Note, maxNote) != s.Note
	if malformed || s.Steps[0].Stage != 0 || s.Steps[0].Reason != 0 || !isDate(s.Steps[0].Wall) || !isName(s.Steps[0].Boot) || s.Steps[0].Uptime < 0 {
		return damaged("a note with invalid values")
	}
	return nil
}

func isName(s string) bool { return len(s) <= maxName && sanitize.ASCII(s, maxName) == s }

// isDate reports whether RFC 3339 can write t.
func isDate(t time.Time) bool { y := t.UTC().Year(); return y >= 1 && y <= 9999 }

// encode returns the header's length, the header, and the rest as JSON.
func (s visitRecord) encode() ([]byte, error) {
	var head []byte
	if s.Note == "" {
		head = s.header().encode()
	}
	rest, err := json.Marshal(s)
	return append(append([]byte{byte(len(head))}, head...), rest...), err
}

func (s visitRecord) header() header {
	first := s.Steps[0]
	return header{Tag: s.Person, Wall: first.Wall, Boot: first.Boot, Uptime: first.Uptime}
}

func splitVisit(b []byte) (head, rest []byte, err error) {
	if len(b) > maxVisitSize {
		return nil, nil, damaged("a visit of %d bytes", len(b))
	}
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, damaged("a truncated visit")
	}
	return b[1 : 1+b[0]], b[1+b[0]:], nil
}

// decodeVisit decodes what encode returned and nothing else: a failing card may have changed the file.
func decodeVisit(b []byte) (visitRecord, error) {
	head, rest, err := splitVisit(b)
	if err != nil {
		return visitRecord{}, err
	}
	var s visitRecord
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || d.More() {
		return visitRecord{}, damaged("a visit that cannot be read")
	}
	if len(s.Steps) == 0 {
		return visitRecord{}, damaged("a visit without steps")
	}
	for _, step := range s.Steps {
		if len(step.Link) != seal.LinkSize || step.Seq == 0 {
			return visitRecord{}, damaged("a record without its link")
		}
	}
	if s.Note != "" && len(head) == 0 {
		return s, s.checkNote()
	}
	h, err := decodeHeader(head)
	if err != nil {
		return visitRecord{}, err
	}
	if s.Person = h.Tag; s.Note != "" || s.header() != h {
		return visitRecord{}, damaged("a visit whose header does not match")
	}
	if len(s.Steps) > 3+maxIntervals { // besides acknowledged: asking, granted and an ending
		return visitRecord{}, damaged("a visit of %d steps", len(s.Steps))
	}
	before := s
	for i, step := range s.Steps {
		r := visitRecord{Visit: s.Visit, Code: s.Code, Steps: s.Steps[:i+1]}.record()
		before.Steps = s.Steps[:i]
		if validate(r) != nil || before.checkNext(step.Stage) != nil {
			return visitRecord{}, damaged("a visit with invalid values")
		}
	}
	return s, nil
}
