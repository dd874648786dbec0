package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// story is a visit as it lies in the file: nothing personal but the tag. A note
// is one, too: it has no visit and one step.
type visitRecord struct {
	Visit string `json:"visit,omitempty"`
	Note  string `json:"note,omitempty"`
	Code  string `json:"code,omitempty"`
	Steps []step `json:"steps"`

	Person seal.Tag `json:"-"` // in the part before the JSON
}

// step is one record. Durations and uptimes are nanoseconds.
type step struct {
	Seq      uint64        `json:"seq"`  // counts all records
	Link     []byte        `json:"link"` // of the chain
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
}

const (
	maxName      = 64       // a visit's name, a code, a boot id (36): all ours, all short
	maxNote      = 200      // a sentence of ours
	maxIntervals = 64       // asked steps of one visit: few servers change the pace twice, none may fill the disk with it
	maxVisitSize = 64 << 10 // four steps make 1.2 KiB; maxPaces of them with a boot that JSON has to escape 50
)

func newStep(r kiosk.Record) step {
	return step{
		Stage: r.Stage, Reason: r.Reason,
		Wall: r.Wall.UTC(), Boot: r.Boot, Uptime: r.Uptime,
		Expires: r.Expires, Interval: r.Interval, Pause: r.Pause, Sent: r.Sent, SentAt: r.SentAt.UTC(),
		Technician: r.Technician,
	}
}

// add puts r behind what is on record. After asked, another asked says that the
// server wants another pace, and nothing of how long the request lives: that
// stays as it was acknowledged, unless r is of another boot, to which the uptime
// of the request means nothing.
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

// record is the visit's last record without its secrets.
func (s visitRecord) record() kiosk.Record {
	l := s.last()
	return kiosk.Record{
		Visit: s.Visit, Stage: l.Stage, Reason: l.Reason, Code: s.Code,
		Expires: l.Expires, Interval: l.Interval, Pause: l.Pause,
		Wall: l.Wall, Boot: l.Boot, Uptime: l.Uptime, Sent: l.Sent, SentAt: l.SentAt, Technician: l.Technician,
	}
}

// checkNext says whether next can come after what is on record. Strict: a skipped
// stage is as much a mistake as one that comes twice, except asked, which comes
// again when the pace changes.
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
		return fmt.Errorf("%w: the pace has changed %d times", ErrRecord, maxIntervals)
	case fits:
		return nil
	case last == 0:
		return fmt.Errorf("%w: %v for a visit that is not on record", ErrOrder, next)
	}
	return fmt.Errorf("%w: %v after %v", ErrOrder, next, last)
}

// CheckOrder says whether next can come after last in a visit's story; 0 is before
// its beginning. ErrOrder if not.
func CheckOrder(last, next kiosk.Stage) error {
	v := visitRecord{}
	if last != 0 {
		v.Steps = []step{{Stage: last}}
	}
	return v.checkNext(next)
}

// validate reports why r must not be stored.
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
	odd := len(s.Steps) != 1 || s.Visit != "" || s.Code != "" || printable(s.Note, maxNote) != s.Note
	if odd || s.Steps[0].Stage != 0 || s.Steps[0].Reason != 0 || !isDate(s.Steps[0].Wall) || !isName(s.Steps[0].Boot) || s.Steps[0].Uptime < 0 {
		return damaged("a note that makes no sense")
	}
	return nil
}

func isName(s string) bool { return len(s) <= maxName && printable(s, maxName) == s }

// datable: what RFC 3339 can write.
func isDate(t time.Time) bool { y := t.UTC().Year(); return y >= 1 && y <= 9999 }

// encode writes the length of what the guard reads, that, and the rest as JSON.
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
		return nil, nil, damaged("a visit that is cut off")
	}
	return b[1 : 1+b[0]], b[1+b[0]:], nil
}

// decodeVisit reads what encode wrote and nothing else: the file may have come
// through a failing card.
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
		return visitRecord{}, damaged("a visit without beginning")
	}
	for _, step := range s.Steps {
		if len(step.Link) != seal.LinkSize || step.Seq == 0 {
			return visitRecord{}, damaged("a record without its link")
		}
	}
	if s.Note != "" && len(head) == 0 {
		return s, s.checkNote()
	}
	a, err := decodeHeader(head)
	if err != nil {
		return visitRecord{}, err
	}
	if s.Person = a.Tag; s.Note != "" || s.header() != a {
		return visitRecord{}, damaged("a visit that was begun twice")
	}
	if len(s.Steps) > 3+maxIntervals { // beside asked: asking, granted and an ending
		return visitRecord{}, damaged("a visit of %d steps", len(s.Steps))
	}
	before := s
	for i, step := range s.Steps {
		r := visitRecord{Visit: s.Visit, Code: s.Code, Steps: s.Steps[:i+1]}.record()
		before.Steps = s.Steps[:i]
		if validate(r) != nil || before.checkNext(step.Stage) != nil {
			return visitRecord{}, damaged("a visit that makes no sense")
		}
	}
	return s, nil
}
