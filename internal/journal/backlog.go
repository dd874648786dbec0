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
	// maxBacklog is how many records are kept in memory: a day of as many requests as the push guard allows (30 in 10
	// minutes, four records each), about 8 MiB.
	maxBacklog = 18000
	// flushBatch is how many of them are written in one commit.
	flushBatch = 256
)

// backlog is the records that wait in memory for a disk, in their order. Only the last record of a visit without an
// ending has secrets; the only personal data of one that has ended is the person tag.
type backlog struct {
	entries []store.Entry
	lost    int // records dropped
}

func (b *backlog) size() int { return len(b.entries) }

// add appends e. Its secrets are copied.
func (b *backlog) add(e store.Entry) error {
	if e.Stage == kiosk.StageAsking && e.Tag == (seal.Tag{}) {
		return fmt.Errorf("journal: %w: asking without an identifier", store.ErrRecord)
	}
	if len(b.entries) >= maxBacklog && !b.dropOldest() {
		return fmt.Errorf("journal: memory: %w", store.ErrFull)
	}
	for i := range b.entries {
		if b.entries[i].Visit == e.Visit {
			b.entries[i].Secrets.Zero() // the new record has all that is still needed
			b.entries[i].Secrets = kiosk.Secrets{}
		}
	}
	if e.Stage.Final() {
		e.Secrets = kiosk.Secrets{}
	} else {
		e.Secrets = cloneSecrets(e.Secrets)
	}
	b.entries = append(b.entries, e)
	return nil
}

// dropOldest drops the oldest visit that has ended.
func (b *backlog) dropOldest() bool {
	for _, end := range b.entries {
		if !end.Stage.Final() {
			continue
		}
		kept := make([]store.Entry, 0, len(b.entries))
		for _, e := range b.entries {
			if e.Visit != end.Visit {
				kept = append(kept, e)
			}
		}
		b.lost += len(b.entries) - len(kept)
		b.entries = kept
		return true
	}
	return false
}

// flush writes the backlog to disk, as far as possible, and returns the number of records written.
func (b *backlog) flush(disk *store.Store, log *slog.Logger) (late int, err error) {
	for n := flushBatch; len(b.entries) > 0; {
		n = min(n, len(b.entries))
		err := disk.AppendAll(b.entries[:n]...)
		switch {
		case err == nil:
			late += n
		case !errors.Is(err, store.ErrOrder) && !errors.Is(err, store.ErrRecord):
			return late, err
		case n > 1:
			n = 1 // one of them does not fit: write the others
			continue
		default:
			log.Error("store", "visit", b.entries[0].Visit, "stage", b.entries[0].Stage.String(), "error", err)
			b.lost++
		}
		for i := range b.entries[:n] {
			b.entries[i].Secrets.Zero()
		}
		b.entries = b.entries[n:]
	}
	b.entries = nil
	return late, nil
}

func (b *backlog) zero() {
	for _, e := range b.entries {
		e.Secrets.Zero()
	}
	b.entries = nil
}

// merge returns the unfinished visits: those on disk, with the later records of the backlog.
func (b *backlog) merge(onDisk []kiosk.Record) []kiosk.Record {
	var out []kiosk.Record
	last := map[string]kiosk.Record{}
	for _, e := range b.entries {
		last[e.Visit] = e.Record
	}
	add := func(r kiosk.Record) {
		if !r.Stage.Final() {
			r.Secrets = cloneSecrets(r.Secrets)
			out = append(out, r)
		}
	}
	for _, r := range onDisk {
		if l, ok := last[r.Visit]; ok {
			r.Secrets.Zero()
			delete(last, r.Visit)
			add(l)
			continue
		}
		out = append(out, r)
	}
	for _, e := range b.entries {
		if l, ok := last[e.Visit]; ok {
			delete(last, e.Visit)
			add(l)
		}
	}
	return out
}

// pastRequests calls each for the requests in the backlog, newest first. It reports whether each always returned true.
func (b *backlog) pastRequests(samePerson func(seal.Tag) bool, each func(kiosk.PastRequest) bool) bool {
	for i := len(b.entries) - 1; i >= 0; i-- {
		e := b.entries[i]
		if e.Stage != kiosk.StageAsking {
			continue
		}
		p := kiosk.PastRequest{SamePerson: samePerson(e.Tag), Wall: e.Wall, Boot: e.Boot, Uptime: e.Uptime}
		begin := e.Record
		begin.Secrets = kiosk.Secrets{}
		p.History = func() []kiosk.Record { return b.extend([]kiosk.Record{begin}) }
		if !each(p) {
			return false
		}
	}
	return true
}

// extend appends the backlog's records of a visit to its history.
func (b *backlog) extend(history []kiosk.Record) []kiosk.Record {
	if len(history) == 0 {
		return nil
	}
	for _, e := range b.entries {
		if e.Visit == history[0].Visit && e.Stage != kiosk.StageAsking {
			r := e.Record
			r.Secrets = kiosk.Secrets{}
			history = append(history, r)
		}
	}
	return history
}

func cloneSecrets(s kiosk.Secrets) kiosk.Secrets {
	s.Identifier = bytes.Clone(s.Identifier)
	s.RequestID = bytes.Clone(s.RequestID)
	s.ExpectedSubject = bytes.Clone(s.ExpectedSubject)
	s.Tokens.Access = bytes.Clone(s.Tokens.Access)
	s.Tokens.ID = bytes.Clone(s.Tokens.ID)
	s.Tokens.Refresh = bytes.Clone(s.Tokens.Refresh)
	return s
}

func randomKey() []byte {
	key := make([]byte, seal.KeySize)
	rand.Read(key) // never fails
	return key
}
