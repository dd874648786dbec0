// Package journal keeps the record of visits whatever the disk does, so that a
// damaged file or a full card never closes the shop. It is the kiosk's Journal
// and the guard's memory; the file itself is package store's. When there is no
// file to be had, records are kept in memory and written when there is one again:
// what is not promised meanwhile, Condition says.
//
// # What is done about what
//
//	damaged, foreign, newer, gone, another key   set aside with its date; a new one is begun, a note in it says so
//	disk full, read-only, failing                in memory; tried again at each record, and every half minute
//	the file has reached its largest size        the oldest visits make room
//	the folder is not ours alone, or the key      no start: a setting has to be put right
//	file that a setting names is none
//	another process holds the file               no start
//
// A request still never leaves without its record, and never twice: recovery asks
// nobody, and within the process memory is as good as a disk. What a power cut
// meanwhile would lose is what Guarantee lists.
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
	// retryPeriod keeps a card that hangs at each attempt from slowing every record.
	retryPeriod = 5 * time.Second
	// pruneCount is how many of the oldest visits go when the file may not grow:
	// room for about as many new ones.
	pruneCount = 64
)

// Journal implements kiosk.Journal and guard.Memory. It is safe for concurrent use.
type Journal struct {
	options store.Options
	clock   kiosk.Clock
	log     *slog.Logger

	mu          sync.Mutex   // the visit's goroutine writes; whoever prunes or asks for the condition is another one
	disk        *store.Store // nil if there is none; may be open for reading only, while out is set
	ring        *seal.Ring   // makes marks while disk is nil
	open        map[string]*openVisit
	backlog     backlog
	outage      *outage
	quarantined []QuarantinedFile
	notes       []string // to be put on record when there is one
}

// openVisit is one under way.
type openVisit struct {
	stage    kiosk.Stage
	recorded []store.Entry // its records without secrets, should the file vanish under it; empty if an earlier process began it
}

// outage is a time in which records cannot be put on disk.
type outage struct {
	cause   error
	since   time.Time
	lastTry time.Duration // uptime of the last attempt to end it
}

var _ kiosk.Journal = (*Journal)(nil)

// Open opens the store, in the worst case in memory. Its errors are those that
// somebody must put right: store.ErrLocked, ErrNotOurs, ErrKey, ErrClosed options.
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

// openDisk opens the file for writing. One that cannot be used is set aside.
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

func (j *Journal) quarantine(why error) error {
	a, err := j.options.Quarantine(why, j.clock.Wall())
	if err != nil {
		j.log.Error("store", "error", why, "set_aside", err)
		return err
	}
	j.quarantined = append(j.quarantined, QuarantinedFile{QuarantinedFile: a, Cause: why.Error()})
	j.log.Error("store", "error", why, "set_aside", a.Name)
	j.notes = append(j.notes, fmt.Sprintf("a file that could not be used was set aside as %s: %s", a.Name, describeCause(why)))
	return nil
}

// beginOutage begins an outage: records go to memory. What is on disk is read as
// far as it can be.
func (j *Journal) beginOutage(why error) error {
	j.outage = &outage{cause: why, since: j.clock.Wall(), lastTry: j.clock.Now()}
	j.log.Error("store", "in_memory", true, "error", why)
	if j.disk != nil {
		return nil
	}
	look := j.options
	look.ReadOnly = true
	if st, err := store.Open(look); err == nil {
		j.disk = st
		return nil
	}
	return j.openRing()
}

// openRing finds the key that makes people's marks, or one that is good for
// this process only: then nobody is known again once the file is back.
func (j *Journal) openRing() error {
	var err error
	if j.ring, err = j.options.Ring(); err != nil {
		j.ring, err = seal.NewRing(randomKey())
	}
	return err
}

// Close writes what can still be written and lets go of the file.
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

// Append puts r on disk, or during an outage into memory. It fails where the
// record does not fit (store.ErrOrder, store.ErrRecord) and where memory is full, too.
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
	return j.remember(e)
}

// write puts e on disk, with whatever that takes.
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
		// Its beginning was in a file that was set aside.
		if len(v.recorded) > 0 {
			err = j.disk.AppendAll(append(v.recorded, e)...)
		} else if e.Stage.Final() {
			j.log.Warn("store", "visit", e.Visit, "ending_not_recorded", "its beginning was set aside")
			err = nil
		}
	}
	if err == nil {
		j.track(e)
	}
	return err
}

// track notes what is on record of the visits under way.
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

// remember keeps e in memory.
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

// replace sets a file aside that turned out to be damaged, and begins a new one.
func (j *Journal) replace(why error) error {
	j.disk.Close()
	j.disk = nil
	if err := j.quarantine(why); err != nil {
		return err
	}
	if err := j.openDisk(); err != nil {
		return err
	}
	j.writeNotes()
	return nil
}

// endOutage ends the outage if it can.
func (j *Journal) endOutage() {
	j.outage.lastTry = j.clock.Now()
	// After a fault nobody knows what the kernel still holds of the file, and a
	// reader cannot write: both are opened anew.
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
		// What the kernel failed to write it may show as written: all of it goes to
		// other blocks now.
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
		j.notes = append(j.notes, fmt.Sprintf("could not be written since %s (%s): %d records were put on record late, %d were lost",
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

// writeNotes puts on record what befell the record.
func (j *Journal) writeNotes() {
	for len(j.notes) > 0 {
		if err := j.disk.Note(j.notes[0], j.clock.Wall(), j.clock.Boot(), j.clock.Now()); err != nil {
			j.log.Warn("store", "note", j.notes[0], "error", err)
			return // with the next
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

// Unfinished gives, for each visit without an ending, its last record with its
// secrets, oldest first.
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

// PastRequests calls each for the requests on record, newest first: see store.Store.PastRequests.
func (j *Journal) PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	known := j.samePerson(identifier)
	if !j.backlog.pastRequests(known, each) || j.disk == nil {
		return nil
	}
	err := j.disk.PastRequests(identifier, func(p kiosk.PastRequest) bool {
		if story := p.History; story != nil {
			p.History = func() []kiosk.Record { return j.backlog.extend(story()) }
		}
		return each(p)
	})
	if errors.Is(err, store.ErrDamaged) && j.outage == nil {
		// Nobody waits for a file that will not get better; what it knew is gone.
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
