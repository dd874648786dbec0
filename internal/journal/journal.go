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
	k := &Journal{options: o, clock: clock, log: log, open: map[string]*openVisit{}}
	err := k.openDisk()
	switch {
	case err == nil:
		k.writeNotes()
	case errors.Is(err, store.ErrLocked), errors.Is(err, store.ErrNotOurs), errors.Is(err, store.ErrKey):
		return nil, err
	default:
		if err := k.beginOutage(err); err != nil {
			return nil, err
		}
	}
	left, err := k.unfinished()
	if err != nil {
		k.Close()
		return nil, err
	}
	for _, r := range left {
		k.open[r.Visit] = &openVisit{stage: r.Stage}
		zero(r.Secrets)
	}
	return k, nil
}

// openDisk opens the file for writing. One that cannot be used is set aside.
func (k *Journal) openDisk() error {
	for tries := 0; ; tries++ {
		st, err := store.Open(k.options)
		if err == nil {
			k.disk = st
			return nil
		}
		if tries > 0 || !k.options.CanQuarantine(err) {
			return err
		}
		if err := k.quarantine(err); err != nil {
			return err
		}
	}
}

func (k *Journal) quarantine(why error) error {
	a, err := k.options.Quarantine(why, k.clock.Wall())
	if err != nil {
		k.log.Error("store", "error", why, "set_aside", err)
		return err
	}
	k.quarantined = append(k.quarantined, QuarantinedFile{QuarantinedFile: a, Cause: why.Error()})
	k.log.Error("store", "error", why, "set_aside", a.Name)
	k.notes = append(k.notes, fmt.Sprintf("a file that could not be used was set aside as %s: %s", a.Name, describeCause(why)))
	return nil
}

// beginOutage begins an outage: records go to memory. What is on disk is read as
// far as it can be.
func (k *Journal) beginOutage(why error) error {
	k.outage = &outage{cause: why, since: k.clock.Wall(), lastTry: k.clock.Now()}
	k.log.Error("store", "in_memory", true, "error", why)
	if k.disk != nil {
		return nil
	}
	look := k.options
	look.ReadOnly = true
	if st, err := store.Open(look); err == nil {
		k.disk = st
		return nil
	}
	return k.openRing()
}

// openRing finds the key that makes people's marks, or one that is good for
// this process only: then nobody is known again once the file is back.
func (k *Journal) openRing() error {
	var err error
	if k.ring, err = k.options.Ring(); err != nil {
		k.ring, err = seal.NewRing(randomKey())
	}
	return err
}

// Close writes what can still be written and lets go of the file.
func (k *Journal) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.outage != nil {
		k.endOutage()
	}
	if n := k.backlog.size(); n > 0 {
		k.log.Error("store", "lost_with_the_process", n)
	}
	k.backlog.zero()
	if k.ring != nil {
		k.ring.Forget()
	}
	if k.disk == nil {
		return nil
	}
	return k.disk.Close()
}

// Append puts r on disk, or during an outage into memory. It fails where the
// record does not fit (store.ErrOrder, store.ErrRecord) and where memory is full, too.
func (k *Journal) Append(r kiosk.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := store.Entry{Record: r}
	if r.Stage == kiosk.StageAsking && len(r.Secrets.Identifier) > 0 {
		e.Tag = k.personTag(r.Secrets.Identifier)
	}
	if k.outage != nil && k.clock.Now()-k.outage.lastTry >= retryPeriod {
		k.endOutage()
	}
	if k.outage == nil {
		err := k.write(e)
		if err == nil || errors.Is(err, store.ErrOrder) || errors.Is(err, store.ErrRecord) || errors.Is(err, store.ErrClosed) {
			return err
		}
		if err := k.beginOutage(err); err != nil {
			return err
		}
	}
	return k.remember(e)
}

// write puts e on disk, with whatever that takes.
func (k *Journal) write(e store.Entry) error {
	err := k.disk.AppendAll(e)
	if errors.Is(err, store.ErrMaxSize) {
		if _, short := k.disk.PruneOldest(pruneCount); short == nil {
			err = k.disk.AppendAll(e)
		}
	}
	if errors.Is(err, store.ErrDamaged) {
		if err := k.replace(err); err != nil {
			return err
		}
		err = k.disk.AppendAll(e)
	}
	v := k.open[e.Visit]
	if errors.Is(err, store.ErrOrder) && v != nil && store.CheckOrder(v.stage, e.Stage) == nil {
		// Its beginning was in a file that was set aside.
		if len(v.recorded) > 0 {
			err = k.disk.AppendAll(append(v.recorded, e)...)
		} else if e.Stage.Final() {
			k.log.Warn("store", "visit", e.Visit, "ending_not_recorded", "its beginning was set aside")
			err = nil
		}
	}
	if err == nil {
		k.track(e)
	}
	return err
}

// track notes what is on record of the visits under way.
func (k *Journal) track(e store.Entry) {
	if e.Stage.Final() {
		delete(k.open, e.Visit)
		return
	}
	v := k.open[e.Visit]
	if v == nil {
		v = &openVisit{}
		k.open[e.Visit] = v
	}
	if v.stage = e.Stage; e.Stage == kiosk.StageAsking || len(v.recorded) > 0 {
		e.Secrets = kiosk.Secrets{}
		v.recorded = append(v.recorded, e)
	}
}

// remember keeps e in memory.
func (k *Journal) remember(e store.Entry) error {
	last := kiosk.Stage(0)
	if v := k.open[e.Visit]; v != nil {
		last = v.stage
	}
	if err := store.CheckOrder(last, e.Stage); err != nil {
		return err
	}
	if err := k.backlog.add(e); err != nil {
		return err
	}
	k.track(e)
	return nil
}

// replace sets a file aside that turned out to be damaged, and begins a new one.
func (k *Journal) replace(why error) error {
	k.disk.Close()
	k.disk = nil
	if err := k.quarantine(why); err != nil {
		return err
	}
	if err := k.openDisk(); err != nil {
		return err
	}
	k.writeNotes()
	return nil
}

// endOutage ends the outage if it can.
func (k *Journal) endOutage() {
	k.outage.lastTry = k.clock.Now()
	// After a fault nobody knows what the kernel still holds of the file, and a
	// reader cannot write: both are opened anew.
	if k.disk == nil || !errors.Is(k.outage.cause, store.ErrFull) || k.disk.ReadOnly() {
		if k.disk != nil {
			k.disk.Close()
			k.disk = nil
		}
		if err := k.openDisk(); err != nil {
			since := k.outage.since
			if err := k.beginOutage(err); err != nil {
				k.log.Error("store", "error", err)
			}
			k.outage.since = since
			return
		}
	}
	if describeCause(k.outage.cause) == "failing" {
		// What the kernel failed to write it may show as written: all of it goes to
		// other blocks now.
		if _, err := k.disk.Rewrite(); err != nil {
			return
		}
	}
	late, err := k.backlog.flush(k.disk, k.log)
	if errors.Is(err, store.ErrDamaged) {
		if err = k.replace(err); err == nil {
			late, err = k.backlog.flush(k.disk, k.log)
		} else if k.disk == nil {
			err = k.openRing()
		}
	}
	if err != nil || k.disk == nil {
		return
	}
	if late > 0 || k.backlog.lost > 0 {
		k.notes = append(k.notes, fmt.Sprintf("could not be written since %s (%s): %d records were put on record late, %d were lost",
			k.outage.since.UTC().Format(time.RFC3339), describeCause(k.outage.cause), late, k.backlog.lost))
	}
	k.log.Info("store", "in_memory", false, "late", late, "lost", k.backlog.lost)
	k.outage, k.backlog.lost = nil, 0
	if k.ring != nil {
		k.ring.Forget()
		k.ring = nil
	}
	k.writeNotes()
}

// writeNotes puts on record what befell the record.
func (k *Journal) writeNotes() {
	for len(k.notes) > 0 {
		if err := k.disk.Note(k.notes[0], k.clock.Wall(), k.clock.Boot(), k.clock.Now()); err != nil {
			k.log.Warn("store", "note", k.notes[0], "error", err)
			return // with the next
		}
		k.notes = k.notes[1:]
	}
}

func (k *Journal) personTag(identifier kiosk.Secret) seal.Tag {
	if k.disk == nil {
		return k.ring.PersonTag(identifier)
	}
	return k.disk.PersonTag(identifier)
}

// Unfinished gives, for each visit without an ending, its last record with its
// secrets, oldest first.
func (k *Journal) Unfinished() ([]kiosk.Record, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unfinished()
}

func (k *Journal) unfinished() ([]kiosk.Record, error) {
	var onDisk []kiosk.Record
	if k.disk != nil {
		var err error
		onDisk, err = k.disk.Unfinished()
		if errors.Is(err, store.ErrDamaged) && k.outage == nil {
			if err := k.replace(err); err != nil {
				return nil, k.beginOutage(err)
			}
			err = nil
		}
		if err != nil && k.outage == nil {
			return nil, err
		}
	}
	return k.backlog.merge(onDisk), nil
}

// PastRequests calls each for the requests on record, newest first: see store.Store.PastRequests.
func (k *Journal) PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := k.samePerson(identifier)
	if !k.backlog.pastRequests(known, each) || k.disk == nil {
		return nil
	}
	err := k.disk.PastRequests(identifier, func(p kiosk.PastRequest) bool {
		if story := p.History; story != nil {
			p.History = func() []kiosk.Record { return k.backlog.extend(story()) }
		}
		return each(p)
	})
	if errors.Is(err, store.ErrDamaged) && k.outage == nil {
		// Nobody waits for a file that will not get better; what it knew is gone.
		if err := k.replace(err); err != nil {
			return k.beginOutage(err)
		}
		return nil
	}
	return err
}

func (k *Journal) samePerson(identifier kiosk.Secret) func(seal.Tag) bool {
	if k.disk == nil {
		return k.ring.MatchPerson(identifier)
	}
	return k.disk.SamePerson(identifier)
}
