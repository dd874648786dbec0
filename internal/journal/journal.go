// Package journal keeps the record of visits whatever the disk does, so that a damaged file or a full card never stops
// the kiosk. It implements kiosk.Journal and is the push guard's memory; the file itself belongs to package store.
// While the disk takes nothing, records are kept in memory and written later; Condition tells which guarantees are
// suspended meanwhile.
//
//	file damaged, foreign, newer, missing, other key    quarantined; a new file begins with a note about it
//	disk full, read-only or failing                     records in memory; retried at each record and every 30 s
//	file has reached its size limit                     the oldest visits are pruned
//	directory not private, or key file unusable         Open fails: the settings have to be corrected
//	another process has the file open                   Open fails
//
// Even without a disk, no request leaves without its record, and none twice: recovery sends no requests, and within
// the process memory is as good as a disk. What a power cut would lose meanwhile is listed by Guarantee.
package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// retryPeriod keeps a card that hangs at each attempt from delaying every record.
	retryPeriod = 5 * time.Second
	// pruneCount is how many of the oldest visits make room when the file has reached its size limit: for about as
	// many new ones.
	pruneCount = 64
)

// Journal implements kiosk.Journal and guard.Memory. It is safe for concurrent use.
type Journal struct {
	options store.Options
	clock   kiosk.Clock
	log     *slog.Logger

	mu          sync.Mutex            // the visit's goroutine writes; pruning and Condition run in others
	disk        *store.Store          // nil if it cannot be opened; may be read-only during an outage
	ring        *seal.Ring            // makes person tags while disk is nil
	open        map[string]*openVisit // visits without an ending, by name
	backlog     backlog
	outage      *outage
	quarantined []QuarantinedFile
	notes       []string // to be recorded when the disk works
	diskOnly    bool     // no visit begins in memory
}

// openVisit is a visit without an ending.
type openVisit struct {
	stage    kiosk.Stage
	recorded []store.Entry // its records without secrets, in case the file vanishes; empty if an earlier process began the visit
}

// outage is a period in which records cannot be written to disk.
type outage struct {
	cause   error
	since   time.Time
	lastTry time.Duration // uptime of the last attempt to end it
}

var _ kiosk.Journal = (*Journal)(nil)

// Open opens the store; if that is not possible, it begins with an outage. It returns only errors that an operator
// must correct: store.ErrLocked, store.ErrNotOurs and store.ErrKey.
func Open(o store.Options, clock kiosk.Clock, log *slog.Logger) (*Journal, error) {
	j := &Journal{options: o, clock: clock, log: log, open: map[string]*openVisit{}}
	err := j.openDisk()
	switch {
	case err == nil:
		j.writeNotes()
	case errors.Is(err, store.ErrLocked), errors.Is(err, store.ErrNotOurs), errors.Is(err, store.ErrKey):
		return nil, err
	default:
		if err := j.beginOutage(err); err != nil {
			return nil, err
		}
	}
	left, err := j.unfinished()
	if err != nil {
		j.Close()
		return nil, err
	}
	for _, r := range left {
		j.open[r.Visit] = &openVisit{stage: r.Stage}
		r.Secrets.Zero()
	}
	return j, nil
}

// openDisk opens the file for writing. An unusable one is quarantined.
func (j *Journal) openDisk() error {
	for tries := 0; ; tries++ {
		st, err := store.Open(j.options)
		if err == nil {
			j.disk = st
			return nil
		}
		if tries > 0 || !j.options.CanQuarantine(err) {
			return err
		}
		if err := j.quarantine(err); err != nil {
			return err
		}
	}
}

func (j *Journal) quarantine(cause error) error {
	a, err := j.options.Quarantine(cause, j.clock.Wall())
	if err != nil {
		j.log.Error("store", "error", cause, "quarantine", err)
		return err
	}
	j.quarantined = append(j.quarantined, QuarantinedFile{QuarantinedFile: a, Cause: cause.Error()})
	j.log.Error("store", "error", cause, "quarantined", a.Name)
	j.notes = append(j.notes, fmt.Sprintf("an unusable database was quarantined as %s: %s", a.Name, describeCause(cause)))
	return nil
}

// beginOutage begins an outage: records go to memory. What is on disk is read as far as possible.
func (j *Journal) beginOutage(cause error) error {
	j.outage = &outage{cause: cause, since: j.clock.Wall(), lastTry: j.clock.Now()}
	j.log.Error("store", "in_memory", true, "error", cause)
	if j.disk != nil {
		return nil
	}
	readOnly := j.options
	readOnly.ReadOnly = true
	if st, err := store.Open(readOnly); err == nil {
		j.disk = st
		return nil
	}
	return j.openRing()
}

// openRing reads the key that makes person tags. If that fails, it makes one for this process only: then nobody is
// recognized once the file is back.
func (j *Journal) openRing() error {
	var err error
	if j.ring, err = j.options.Ring(); err != nil {
		j.ring, err = seal.NewRing(randomKey())
	}
	return err
}

// Close writes what can still be written and closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.outage != nil {
		j.endOutage()
	}
	if n := j.backlog.size(); n > 0 {
		j.log.Error("store", "lost_with_the_process", n)
	}
	j.backlog.zero()
	if j.ring != nil {
		j.ring.Forget()
	}
	if j.disk == nil {
		return nil
	}
	return j.disk.Close()
}

// RequireDisk lets a visit begin only if its first record is on disk. It is for a process that serves one visit: memory that ends
// with it would hide the request from the push guard of the next.
func (j *Journal) RequireDisk() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.diskOnly = true
}

// Append writes r to disk, or to memory during an outage. It fails if the record does not fit (store.ErrOrder,
// store.ErrRecord) or memory is full, too.
func (j *Journal) Append(r kiosk.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := store.Entry{Record: r}
	if r.Stage == kiosk.StageAsking && len(r.Secrets.Identifier) > 0 {
		e.Tag = j.personTag(r.Secrets.Identifier)
	}
	if j.outage != nil && j.clock.Now()-j.outage.lastTry >= retryPeriod {
		j.endOutage()
	}
	if j.outage == nil {
		err := j.write(e)
		if err == nil || errors.Is(err, store.ErrOrder) || errors.Is(err, store.ErrRecord) || errors.Is(err, store.ErrClosed) {
			return err
		}
		if err := j.beginOutage(err); err != nil {
			return err
		}
	}
	if j.diskOnly && r.Stage == kiosk.StageAsking {
		return fmt.Errorf("record: %w", j.outage.cause)
	}
	return j.remember(e)
}

// write writes e to disk. It makes room, or replaces a damaged file, if that is necessary.
func (j *Journal) write(e store.Entry) error {
	err := j.disk.AppendAll(e)
	if errors.Is(err, store.ErrMaxSize) {
		if _, short := j.disk.PruneOldest(pruneCount); short == nil {
			err = j.disk.AppendAll(e)
		}
	}
	if errors.Is(err, store.ErrDamaged) {
		if err := j.replace(err); err != nil {
			return err
		}
		err = j.disk.AppendAll(e)
	}
	v := j.open[e.Visit]
	if errors.Is(err, store.ErrOrder) && v != nil && store.CheckOrder(v.stage, e.Stage) == nil {
		// The visit began in a file that was quarantined.
		if len(v.recorded) > 0 {
			err = j.disk.AppendAll(append(v.recorded, e)...)
		} else if e.Stage.Final() {
			j.log.Warn("store", "visit", e.Visit, "ending_not_recorded", "the visit began in a file that was quarantined")
			err = nil
		}
	}
	if err == nil {
		j.track(e)
	}
	return err
}

// track remembers what is on record of visits without an ending.
func (j *Journal) track(e store.Entry) {
	if e.Stage.Final() {
		delete(j.open, e.Visit)
		return
	}
	v := j.open[e.Visit]
	if v == nil {
		v = &openVisit{}
		j.open[e.Visit] = v
	}
	if v.stage = e.Stage; e.Stage == kiosk.StageAsking || len(v.recorded) > 0 {
		e.Secrets = kiosk.Secrets{}
		v.recorded = append(v.recorded, e)
	}
}

// remember keeps e in memory until the disk works.
func (j *Journal) remember(e store.Entry) error {
	last := kiosk.Stage(0)
	if v := j.open[e.Visit]; v != nil {
		last = v.stage
	}
	if err := store.CheckOrder(last, e.Stage); err != nil {
		return err
	}
	if err := j.backlog.add(e); err != nil {
		return err
	}
	j.track(e)
	return nil
}

// replace quarantines a damaged file and begins a new one.
func (j *Journal) replace(cause error) error {
	j.disk.Close()
	j.disk = nil
	if err := j.quarantine(cause); err != nil {
		return err
	}
	if err := j.openDisk(); err != nil {
		return err
	}
	j.writeNotes()
	return nil
}

// endOutage ends the outage if the disk works again.
func (j *Journal) endOutage() {
	j.outage.lastTry = j.clock.Now()
	// After an I/O error the kernel's view of the file is not reliable, and a reader cannot write: both are reopened.
	if j.disk == nil || !errors.Is(j.outage.cause, store.ErrFull) || j.disk.ReadOnly() {
		if j.disk != nil {
			j.disk.Close()
			j.disk = nil
		}
		if err := j.openDisk(); err != nil {
			since := j.outage.since
			if err := j.beginOutage(err); err != nil {
				j.log.Error("store", "error", err)
			}
			j.outage.since = since
			return
		}
	}
	if describeCause(j.outage.cause) == "failing" {
		// The kernel may show pages as written that it failed to write, so all of them are written to other blocks.
		if _, err := j.disk.Rewrite(); err != nil {
			return
		}
	}
	late, err := j.backlog.flush(j.disk, j.log)
	if errors.Is(err, store.ErrDamaged) {
		if err = j.replace(err); err == nil {
			late, err = j.backlog.flush(j.disk, j.log)
		} else if j.disk == nil {
			err = j.openRing()
		}
	}
	if err != nil || j.disk == nil {
		return
	}
	if late > 0 || j.backlog.lost > 0 {
		j.notes = append(j.notes, fmt.Sprintf("could not be written since %s (%s): %d records were written late, %d were lost",
			j.outage.since.UTC().Format(time.RFC3339), describeCause(j.outage.cause), late, j.backlog.lost))
	}
	j.log.Info("store", "in_memory", false, "late", late, "lost", j.backlog.lost)
	j.outage, j.backlog.lost = nil, 0
	if j.ring != nil {
		j.ring.Forget()
		j.ring = nil
	}
	j.writeNotes()
}

// writeNotes records what has happened to the record.
func (j *Journal) writeNotes() {
	for len(j.notes) > 0 {
		if err := j.disk.Note(j.notes[0], j.clock.Wall(), j.clock.Boot(), j.clock.Now()); err != nil {
			j.log.Warn("store", "note", j.notes[0], "error", err)
			return // retried with the next note
		}
		j.notes = j.notes[1:]
	}
}

func (j *Journal) personTag(identifier kiosk.Secret) seal.Tag {
	if j.disk == nil {
		return j.ring.PersonTag(identifier)
	}
	return j.disk.PersonTag(identifier)
}

// Unfinished returns, for each visit without an ending, its last record with its secrets, oldest first. The caller
// zeroes them.
func (j *Journal) Unfinished() ([]kiosk.Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.unfinished()
}

func (j *Journal) unfinished() ([]kiosk.Record, error) {
	var onDisk []kiosk.Record
	if j.disk != nil {
		var err error
		onDisk, err = j.disk.Unfinished()
		if errors.Is(err, store.ErrDamaged) && j.outage == nil {
			if err := j.replace(err); err != nil {
				return nil, j.beginOutage(err)
			}
			err = nil
		}
		if err != nil && j.outage == nil {
			return nil, err
		}
	}
	return j.backlog.merge(onDisk), nil
}

// PastRequests calls each for the requests on record, newest first, until it returns false: see
// store.Store.PastRequests.
func (j *Journal) PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	samePerson := j.samePerson(identifier)
	if !j.backlog.pastRequests(samePerson, each) || j.disk == nil {
		return nil
	}
	err := j.disk.PastRequests(identifier, func(p kiosk.PastRequest) bool {
		history := p.History
		p.History = func() []kiosk.Record { return j.backlog.extend(history()) }
		return each(p)
	})
	if errors.Is(err, store.ErrDamaged) && j.outage == nil {
		// Retrying does not repair the file. What it contained is lost for the guard.
		if err := j.replace(err); err != nil {
			return j.beginOutage(err)
		}
		return nil
	}
	return err
}

func (j *Journal) samePerson(identifier kiosk.Secret) func(seal.Tag) bool {
	if j.disk == nil {
		return j.ring.MatchPerson(identifier)
	}
	return j.disk.SamePerson(identifier)
}
