// Package keeper keeps the record of visits whatever the disk does, so that a
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
// meanwhile would lose is what Promise lists.
package keeper

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
	// retryEvery keeps a card that hangs at each attempt from slowing every record.
	retryEvery = 5 * time.Second
	// shortenBy is how many of the oldest visits go when the file may not grow:
	// room for about as many new ones.
	shortenBy = 64
)

// Keeper implements kiosk.Journal and guard.Memory. It is safe for concurrent use.
type Keeper struct {
	options store.Options
	clock   kiosk.Clock
	log     *slog.Logger

	mu     sync.Mutex   // the visit's goroutine writes; whoever prunes or asks for the condition is another one
	disk   *store.Store // nil if there is none; may be open for reading only, while out is set
	ring   *seal.Ring   // makes marks while disk is nil
	visits map[string]*visit
	held   held
	out    *outage
	asides []Aside
	notes  []string // to be put on record when there is one
}

// visit is one under way.
type visit struct {
	stage kiosk.Stage
	told  []store.Entry // its records without secrets, should the file vanish under it; empty if an earlier process began it
}

// outage is a time in which records cannot be put on disk.
type outage struct {
	why   error
	since time.Time
	tried time.Duration // uptime of the last attempt to end it
}

var _ kiosk.Journal = (*Keeper)(nil)

// Open opens the store, in the worst case in memory. Its errors are those that
// somebody must put right: store.ErrLocked, ErrNotOurs, ErrKey, ErrClosed options.
func Open(o store.Options, clock kiosk.Clock, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{options: o, clock: clock, log: log, visits: map[string]*visit{}}
	err := k.openDisk()
	switch {
	case err == nil:
		k.putNotes()
	case errors.Is(err, store.ErrLocked), errors.Is(err, store.ErrNotOurs), errors.Is(err, store.ErrKey):
		return nil, err
	default:
		if err := k.doWithout(err); err != nil {
			return nil, err
		}
	}
	left, err := k.unfinished()
	if err != nil {
		k.Close()
		return nil, err
	}
	for _, r := range left {
		k.visits[r.Visit] = &visit{stage: r.Stage}
		zero(r.Secrets)
	}
	return k, nil
}

// openDisk opens the file for writing. One that cannot be used is set aside.
func (k *Keeper) openDisk() error {
	for tries := 0; ; tries++ {
		st, err := store.Open(k.options)
		if err == nil {
			k.disk = st
			return nil
		}
		if tries > 0 || !k.options.CanSetAside(err) {
			return err
		}
		if err := k.setAside(err); err != nil {
			return err
		}
	}
}

func (k *Keeper) setAside(why error) error {
	a, err := k.options.SetAside(why, k.clock.Wall())
	if err != nil {
		k.log.Error("store", "error", why, "set_aside", err)
		return err
	}
	k.asides = append(k.asides, Aside{Aside: a, Why: why.Error()})
	k.log.Error("store", "error", why, "set_aside", a.Name)
	k.notes = append(k.notes, fmt.Sprintf("a file that could not be used was set aside as %s: %s", a.Name, reason(why)))
	return nil
}

// doWithout begins an outage: records go to memory. What is on disk is read as
// far as it can be.
func (k *Keeper) doWithout(why error) error {
	k.out = &outage{why: why, since: k.clock.Wall(), tried: k.clock.Now()}
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
	return k.blindMarks()
}

// blindMarks finds the key that makes people's marks, or one that is good for
// this process only: then nobody is known again once the file is back.
func (k *Keeper) blindMarks() error {
	var err error
	if k.ring, err = k.options.Ring(); err != nil {
		k.ring, err = seal.NewRing(randomKey())
	}
	return err
}

// Close writes what can still be written and lets go of the file.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.out != nil {
		k.tryAgain()
	}
	if n := k.held.records(); n > 0 {
		k.log.Error("store", "lost_with_the_process", n)
	}
	k.held.zero()
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
func (k *Keeper) Append(r kiosk.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := store.Entry{Record: r}
	if r.Stage == kiosk.StageAsking && len(r.Secrets.Identifier) > 0 {
		e.Tag = k.tag(r.Secrets.Identifier)
	}
	if k.out != nil && k.clock.Now()-k.out.tried >= retryEvery {
		k.tryAgain()
	}
	if k.out == nil {
		err := k.write(e)
		if err == nil || errors.Is(err, store.ErrOrder) || errors.Is(err, store.ErrRecord) || errors.Is(err, store.ErrClosed) {
			return err
		}
		if err := k.doWithout(err); err != nil {
			return err
		}
	}
	return k.hold(e)
}

// write puts e on disk, with whatever that takes.
func (k *Keeper) write(e store.Entry) error {
	err := k.disk.AppendAll(e)
	if errors.Is(err, store.ErrLargest) {
		if _, short := k.disk.Shorten(shortenBy); short == nil {
			err = k.disk.AppendAll(e)
		}
	}
	if errors.Is(err, store.ErrDamaged) {
		if err := k.replace(err); err != nil {
			return err
		}
		err = k.disk.AppendAll(e)
	}
	v := k.visits[e.Visit]
	if errors.Is(err, store.ErrOrder) && v != nil && store.Follows(v.stage, e.Stage) == nil {
		// Its beginning was in a file that was set aside.
		if len(v.told) > 0 {
			err = k.disk.AppendAll(append(v.told, e)...)
		} else if e.Stage.Final() {
			k.log.Warn("store", "visit", e.Visit, "ending_not_recorded", "its beginning was set aside")
			err = nil
		}
	}
	if err == nil {
		k.tell(e)
	}
	return err
}

// tell notes what is on record of the visits under way.
func (k *Keeper) tell(e store.Entry) {
	if e.Stage.Final() {
		delete(k.visits, e.Visit)
		return
	}
	v := k.visits[e.Visit]
	if v == nil {
		v = &visit{}
		k.visits[e.Visit] = v
	}
	if v.stage = e.Stage; e.Stage == kiosk.StageAsking || len(v.told) > 0 {
		e.Secrets = kiosk.Secrets{}
		v.told = append(v.told, e)
	}
}

// hold keeps e in memory.
func (k *Keeper) hold(e store.Entry) error {
	last := kiosk.Stage(0)
	if v := k.visits[e.Visit]; v != nil {
		last = v.stage
	}
	if err := store.Follows(last, e.Stage); err != nil {
		return err
	}
	if err := k.held.add(e); err != nil {
		return err
	}
	k.tell(e)
	return nil
}

// replace sets a file aside that turned out to be damaged, and begins a new one.
func (k *Keeper) replace(why error) error {
	k.disk.Close()
	k.disk = nil
	if err := k.setAside(why); err != nil {
		return err
	}
	if err := k.openDisk(); err != nil {
		return err
	}
	k.putNotes()
	return nil
}

// tryAgain ends the outage if it can.
func (k *Keeper) tryAgain() {
	k.out.tried = k.clock.Now()
	// After a fault nobody knows what the kernel still holds of the file, and a
	// reader cannot write: both are opened anew.
	if k.disk == nil || !errors.Is(k.out.why, store.ErrFull) || k.disk.ReadOnly() {
		if k.disk != nil {
			k.disk.Close()
			k.disk = nil
		}
		if err := k.openDisk(); err != nil {
			since := k.out.since
			if err := k.doWithout(err); err != nil {
				k.log.Error("store", "error", err)
			}
			k.out.since = since
			return
		}
	}
	if reason(k.out.why) == "failing" {
		// What the kernel failed to write it may show as written: all of it goes to
		// other blocks now.
		if _, err := k.disk.Rewrite(); err != nil {
			return
		}
	}
	late, err := k.held.flush(k.disk, k.log)
	if errors.Is(err, store.ErrDamaged) {
		if err = k.replace(err); err == nil {
			late, err = k.held.flush(k.disk, k.log)
		} else if k.disk == nil {
			err = k.blindMarks()
		}
	}
	if err != nil || k.disk == nil {
		return
	}
	if late > 0 || k.held.lost > 0 {
		k.notes = append(k.notes, fmt.Sprintf("could not be written since %s (%s): %d records were put on record late, %d were lost",
			k.out.since.UTC().Format(time.RFC3339), reason(k.out.why), late, k.held.lost))
	}
	k.log.Info("store", "in_memory", false, "late", late, "lost", k.held.lost)
	k.out, k.held.lost = nil, 0
	if k.ring != nil {
		k.ring.Forget()
		k.ring = nil
	}
	k.putNotes()
}

// putNotes puts on record what befell the record.
func (k *Keeper) putNotes() {
	for len(k.notes) > 0 {
		if err := k.disk.Note(k.notes[0], k.clock.Wall(), k.clock.Boot(), k.clock.Now()); err != nil {
			k.log.Warn("store", "note", k.notes[0], "error", err)
			return // with the next
		}
		k.notes = k.notes[1:]
	}
}

func (k *Keeper) tag(identifier kiosk.Secret) seal.Tag {
	if k.disk == nil {
		return k.ring.Person(identifier)
	}
	return k.disk.Tag(identifier)
}

// Unfinished gives, for each visit without an ending, its last record with its
// secrets, oldest first.
func (k *Keeper) Unfinished() ([]kiosk.Record, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unfinished()
}

func (k *Keeper) unfinished() ([]kiosk.Record, error) {
	var onDisk []kiosk.Record
	if k.disk != nil {
		var err error
		onDisk, err = k.disk.Unfinished()
		if errors.Is(err, store.ErrDamaged) && k.out == nil {
			if err := k.replace(err); err != nil {
				return nil, k.doWithout(err)
			}
			err = nil
		}
		if err != nil && k.out == nil {
			return nil, err
		}
	}
	return k.held.over(onDisk), nil
}

// PastRequests calls each for the requests on record, newest first: see store.Store.PastRequests.
func (k *Keeper) PastRequests(identifier kiosk.Secret, each func(kiosk.PastRequest) bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := k.known(identifier)
	if !k.held.asked(known, each) || k.disk == nil {
		return nil
	}
	err := k.disk.PastRequests(identifier, func(p kiosk.PastRequest) bool {
		if story := p.History; story != nil {
			p.History = func() []kiosk.Record { return k.held.after(story()) }
		}
		return each(p)
	})
	if errors.Is(err, store.ErrDamaged) && k.out == nil {
		// Nobody waits for a file that will not get better; what it knew is gone.
		if err := k.replace(err); err != nil {
			return k.doWithout(err)
		}
		return nil
	}
	return err
}

func (k *Keeper) known(identifier kiosk.Secret) func(seal.Tag) bool {
	if k.disk == nil {
		return k.ring.Known(identifier)
	}
	return k.disk.Known(identifier)
}
