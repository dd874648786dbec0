package journal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	// maxBacklog is how many records are kept in memory: a day of as many requests as
	// the push guard lets out (30 in 10 minutes, four records each), 8 MiB or so.
	maxBacklog = 18000
	// flushBatch is how many of them are put on disk at once.
	flushBatch = 256
)

// backlog is what waits in memory for a disk, in the order in which it came. Only the
// last record of a visit under way has secrets; of one that ended nothing personal
// is left but the mark.
type backlog struct {
	entries []store.Entry
	lost    int // records given up
}

func (h *backlog) size() int { return len(h.entries) }

// add keeps e. Its secrets are copied.
func (h *backlog) add(e store.Entry) error {
	if e.Stage == kiosk.StageAsking && e.Tag == (seal.Tag{}) {
		return fmt.Errorf("journal: %w: asking without an identifier", store.ErrRecord)
	}
	if len(h.entries) >= maxBacklog && !h.dropOldest() {
		return fmt.Errorf("journal: memory: %w", store.ErrFull)
	}
	for i := range h.entries {
		if h.entries[i].Visit == e.Visit {
			zero(h.entries[i].Secrets) // the new record has all that is still needed
			h.entries[i].Secrets = kiosk.Secrets{}
		}
	}
	if e.Stage.Final() {
		e.Secrets = kiosk.Secrets{}
	} else {
		e.Secrets = clone(e.Secrets)
	}
	h.entries = append(h.entries, e)
	return nil
}

// dropOldest gives up the oldest visit that has ended.
func (h *backlog) dropOldest() bool {
	for _, end := range h.entries {
		if !end.Stage.Final() {
			continue
		}
		kept := make([]store.Entry, 0, len(h.entries))
		for _, e := range h.entries {
			if e.Visit != end.Visit {
				kept = append(kept, e)
			}
		}
		h.lost += len(h.entries) - len(kept)
		h.entries = kept
		return true
	}
	return false
}

// flush puts what is held on disk, as far as it goes. It says how much that was.
func (h *backlog) flush(disk *store.Store, log *slog.Logger) (late int, err error) {
	for n := flushBatch; len(h.entries) > 0; {
		n = min(n, len(h.entries))
		err := disk.AppendAll(h.entries[:n]...)
		switch {
		case err == nil:
			late += n
		case !errors.Is(err, store.ErrOrder) && !errors.Is(err, store.ErrRecord):
			return late, err
		case n > 1:
			n = 1 // one of them does not fit; the others shall not suffer
			continue
		default:
			log.Error("store", "visit", h.entries[0].Visit, "stage", h.entries[0].Stage.String(), "error", err)
			h.lost++
		}
		for i := range h.entries[:n] {
			zero(h.entries[i].Secrets)
		}
		h.entries = h.entries[n:]
	}
	h.entries = nil
	return late, nil
}

func (h *backlog) zero() {
	for _, e := range h.entries {
		zero(e.Secrets)
	}
	h.entries = nil
}

// merge puts what is held over what the disk says is unfinished.
func (h *backlog) merge(onDisk []kiosk.Record) []kiosk.Record {
	var out []kiosk.Record
	last := map[string]kiosk.Record{}
	for _, e := range h.entries {
		last[e.Visit] = e.Record
	}
	add := func(r kiosk.Record) {
		if !r.Stage.Final() {
			r.Secrets = clone(r.Secrets)
			out = append(out, r)
		}
	}
	for _, r := range onDisk {
		if l, ok := last[r.Visit]; ok {
			zero(r.Secrets)
			delete(last, r.Visit)
			add(l)
			continue
		}
		out = append(out, r)
	}
	for _, e := range h.entries {
		if l, ok := last[e.Visit]; ok {
			delete(last, e.Visit)
			add(l)
		}
	}
	return out
}

// pastRequests tells each of the requests that are held, newest first; false if it said stop.
func (h *backlog) pastRequests(mine func(seal.Tag) bool, each func(kiosk.PastRequest) bool) bool {
	for i := len(h.entries) - 1; i >= 0; i-- {
		e := h.entries[i]
		if e.Stage != kiosk.StageAsking {
			continue
		}
		p := kiosk.PastRequest{SamePerson: mine(e.Tag), Wall: e.Wall, Boot: e.Boot, Uptime: e.Uptime}
		if p.SamePerson {
			begin := e.Record
			begin.Secrets = kiosk.Secrets{}
			p.History = func() []kiosk.Record { return h.extend([]kiosk.Record{begin}) }
		}
		if !each(p) {
			return false
		}
	}
	return true
}

// extend continues a story with what is held of it.
func (h *backlog) extend(story []kiosk.Record) []kiosk.Record {
	if len(story) == 0 {
		return nil
	}
	for _, e := range h.entries {
		if e.Visit == story[0].Visit && e.Stage != kiosk.StageAsking {
			r := e.Record
			r.Secrets = kiosk.Secrets{}
			story = append(story, r)
		}
	}
	return story
}

func clone(s kiosk.Secrets) kiosk.Secrets {
	for _, p := range all(&s) {
		*p = bytes.Clone(*p)
	}
	return s
}

func zero(s kiosk.Secrets) {
	for _, p := range all(&s) {
		p.Zero()
	}
}

func all(s *kiosk.Secrets) [6]*kiosk.Secret {
	return [6]*kiosk.Secret{&s.Identifier, &s.RequestID, &s.ExpectedSubject, &s.Tokens.Access, &s.Tokens.ID, &s.Tokens.Refresh}
}

func randomKey() []byte {
	key := make([]byte, seal.KeySize)
	rand.Read(key) // never fails
	return key
}
