package journal

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// Guarantee is something that holds at every other time.
type Guarantee string

// What cannot be promised while records are kept in memory. That no request leaves
// without its record, and none twice, holds all the same.
const (
	// Recovery: a visit that a power cut or a crash interrupts is taken up, or
	// closed with the server and its tokens given back.
	Recovery Guarantee = "recovery"
	// Budgets: the push guard knows after a restart who was asked before it.
	Budgets Guarantee = "budgets"
	// Retention: what happened is on record for as long as KIOSK_RETENTION says.
	Retention Guarantee = "on_record"
)

// Describe says to an operator what it means that the promise is suspended.
func (p Guarantee) Describe() string {
	switch p {
	case Recovery:
		return "a visit that a power cut interrupts now is neither taken up nor closed with the server; its tokens run out by themselves"
	case Budgets:
		return "after a restart the push guard will not know of the requests made since"
	case Retention:
		return "visits since then are on record only once the disk takes them, and lost if the kiosk stops before"
	}
	return string(p)
}

// QuarantinedFile is a file that was set aside, and why if that was since the program started.
type QuarantinedFile struct {
	store.QuarantinedFile
	Cause string `json:"why,omitempty"`
}

// Condition is how it stands with the record. It holds nothing personal.
type Condition struct {
	Healthy     bool              `json:"well"`                // each record is on disk before what it allows
	Cause       string            `json:"why,omitempty"`       // if not: full, read-only, damaged, missing or failing
	Detail      string            `json:"detail,omitempty"`    // and in the operating system's words
	Since       time.Time         `json:"since,omitzero"`      // by the wall clock
	Waiting     int               `json:"held,omitempty"`      // records that wait in memory
	Lost        int               `json:"lost,omitempty"`      // records that were given up since then, memory being full
	Suspended   []Guarantee       `json:"suspended,omitempty"` // what cannot be promised now
	Quarantined []QuarantinedFile `json:"set_aside,omitempty"` // files in the state folder, newest first, at most three or so
}

// Condition says how it stands now. It writes nothing.
func (j *Journal) Condition() Condition {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := Condition{Healthy: j.outage == nil, Waiting: j.backlog.size(), Lost: j.backlog.lost}
	if j.outage != nil {
		c.Cause, c.Detail, c.Since = describeCause(j.outage.cause), j.outage.cause.Error(), j.outage.since
		c.Suspended = []Guarantee{Recovery, Budgets, Retention}
	}
	for _, a := range store.Quarantined(j.options.Dir) {
		one := QuarantinedFile{QuarantinedFile: a}
		for _, known := range j.quarantined {
			if known.Name == a.Name {
				one.Cause = known.Cause
			}
		}
		c.Quarantined = append(c.Quarantined, one)
	}
	return c
}

// WaitForDisk returns when whatever is being written is written and the file has been read
// from. A disk that hangs hangs it; one that fails does not: Condition tells that.
func (j *Journal) WaitForDisk() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.disk != nil {
		_ = j.disk.Ping()
	}
}

// describeCause is an error in a word.
func describeCause(err error) string {
	switch {
	case errors.Is(err, store.ErrFull):
		return "full"
	case errors.Is(err, store.ErrWrongKey):
		return "sealed with another key"
	case errors.Is(err, store.ErrKey):
		return "its key is missing"
	case errors.Is(err, store.ErrVersion):
		return "written by a newer version"
	case errors.Is(err, store.ErrDamaged):
		return "damaged"
	case errors.Is(err, fs.ErrPermission):
		return "not permitted"
	case errors.Is(err, store.ErrReadOnly):
		return "read-only"
	}
	return "failing"
}

// WriteSnapshot calls send with a copy of the database: see store.Store.WriteSnapshot. Records can be appended meanwhile.
func (j *Journal) WriteSnapshot(send func(content io.WriterTo, size int64) error) error {
	j.mu.Lock()
	disk := j.disk
	j.mu.Unlock()
	if disk == nil {
		return errNoDisk
	}
	return disk.WriteSnapshot(send)
}

// Retry ends an outage if that is possible by now; without one it does nothing.
// It is for whoever has time while no customer is there.
func (j *Journal) Retry() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.outage != nil {
		j.endOutage()
	}
}

// Compact gives room back to the disk where much of the file is free, if nobody's
// openVisit is under way: see store.Store.Compact.
func (j *Journal) Compact() (saved int64, err error) {
	j.mu.Lock()
	disk, idle := j.disk, j.outage == nil && len(j.open) == 0
	j.mu.Unlock()
	if !idle {
		return 0, nil
	}
	return disk.Compact()
}

// Prune takes visits off record that are older than a time: see store.Store.Prune.
// Visits go on meanwhile. A file that turns out to be damaged is set aside.
func (j *Journal) Prune(olderThan time.Time) (int, error) {
	j.mu.Lock()
	disk, well := j.disk, j.outage == nil
	j.mu.Unlock()
	if !well {
		return 0, nil // there is something more urgent, and less room
	}
	gone, err := disk.Prune(olderThan)
	if errors.Is(err, store.ErrDamaged) {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.outage == nil && j.disk == disk {
			if bad := j.replace(err); bad != nil {
				return gone, errors.Join(err, j.beginOutage(bad))
			}
		}
	}
	return gone, err
}
