package journal

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// Guarantee is something that holds except during an outage.
type Guarantee string

// The guarantees that an outage suspends. That no request leaves without its record, and none twice, always holds.
const (
	// Recovery: a visit that a power cut or crash interrupts is resumed, or closed with the server and its tokens
	// revoked.
	Recovery Guarantee = "recovery"
	// Budgets: after a restart, the push guard knows the requests before it.
	Budgets Guarantee = "budgets"
	// Retention: visits stay on record for as long as KIOSK_RETENTION says.
	Retention Guarantee = "on_record"
)

// Describe returns a sentence for operators on what the suspension means.
func (p Guarantee) Describe() string {
	switch p {
	case Recovery:
		return "a visit that a power cut interrupts now is neither resumed nor closed with the server; its tokens are not revoked, but expire"
	case Budgets:
		return "after a restart, the push guard will not know the requests made since"
	case Retention:
		return "visits since then are recorded once the disk works again, and lost if the kiosk stops before"
	}
	return string(p)
}

// QuarantinedFile is a quarantined database. Cause is empty if that happened before the program started.
type QuarantinedFile struct {
	store.QuarantinedFile
	Cause string `json:"why,omitempty"`
}

// Condition is the state of the record. It has no personal data.
type Condition struct {
	Healthy     bool              `json:"well"`                // each record is on disk before its effect
	Cause       string            `json:"why,omitempty"`       // of an outage: full, read-only, damaged, missing or failing
	Detail      string            `json:"detail,omitempty"`    // the operating system's error
	Since       time.Time         `json:"since,omitzero"`      // wall clock
	Waiting     int               `json:"held,omitempty"`      // records in memory
	Lost        int               `json:"lost,omitempty"`      // records dropped since then because memory was full
	Suspended   []Guarantee       `json:"suspended,omitempty"` // guarantees that do not hold now
	Quarantined []QuarantinedFile `json:"set_aside,omitempty"` // in the state directory, newest first, usually at most three
}

// Condition returns the current state. It writes nothing.
func (j *Journal) Condition() Condition {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := Condition{Healthy: j.outage == nil, Waiting: j.backlog.size(), Lost: j.backlog.lost}
	if j.outage != nil {
		c.Cause, c.Detail, c.Since = describeCause(j.outage.cause), j.outage.cause.Error(), j.outage.since
		c.Suspended = []Guarantee{Recovery, Budgets, Retention}
	}
	for _, a := range store.Quarantined(j.options.Dir) {
		file := QuarantinedFile{QuarantinedFile: a}
		for _, known := range j.quarantined {
			if known.Name == a.Name {
				file.Cause = known.Cause
			}
		}
		c.Quarantined = append(c.Quarantined, file)
	}
	return c
}

// WaitForDisk returns when pending writes are done and the file has been read from. A disk that hangs makes it hang;
// one that fails does not: see Condition.
func (j *Journal) WaitForDisk() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.disk != nil {
		_ = j.disk.Ping()
	}
}

// describeCause describes an error of the store in a word or two.
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

// WriteSnapshot calls send with a copy of the database: see store.Store.WriteSnapshot. Records can be appended
// meanwhile.
func (j *Journal) WriteSnapshot(send func(content io.WriterTo, size int64) error) error {
	j.mu.Lock()
	disk := j.disk
	j.mu.Unlock()
	if disk == nil {
		return errNoDisk
	}
	return disk.WriteSnapshot(send)
}

// Retry ends an outage if the disk works again. It is for times without a visit.
func (j *Journal) Retry() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.outage != nil {
		j.endOutage()
	}
}

// Compact shrinks the file if much of it is free and no visit is in progress: see store.Store.Compact.
func (j *Journal) Compact() (saved int64, err error) {
	j.mu.Lock()
	disk, idle := j.disk, j.outage == nil && len(j.open) == 0
	j.mu.Unlock()
	if !idle {
		return 0, nil
	}
	return disk.Compact()
}

// Prune removes visits that are older than a time: see store.Store.Prune. Visits go on meanwhile. A file that turns
// out to be damaged is quarantined.
func (j *Journal) Prune(olderThan time.Time) (int, error) {
	j.mu.Lock()
	disk, healthy := j.disk, j.outage == nil
	j.mu.Unlock()
	if !healthy {
		return 0, nil // records in memory are more urgent
	}
	removed, err := disk.Prune(olderThan)
	if errors.Is(err, store.ErrDamaged) {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.outage == nil && j.disk == disk {
			if replaced := j.replace(err); replaced != nil {
				return removed, errors.Join(err, j.beginOutage(replaced))
			}
		}
	}
	return removed, err
}
