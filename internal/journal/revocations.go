package journal

import (
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// AddRevocation Paid and Owed are the store's; during an outage nothing can be owed.
func (j *Journal) AddRevocation(d kiosk.Revocation) (id uint64, err error) {
	err = j.withDisk(func(s *store.Store) error { id, err = s.AddRevocation(d); return err })
	return id, err
}

// RevocationDone forgets what was given back.
func (j *Journal) RevocationDone(id uint64) error {
	return j.withDisk(func(s *store.Store) error { return s.RevocationDone(id) })
}

// PendingRevocations gives what is still to be given back.
func (j *Journal) PendingRevocations() (dues []kiosk.Revocation, err error) {
	err = j.withDisk(func(s *store.Store) error { dues, err = s.PendingRevocations(); return err })
	return dues, err
}

var errNoDisk = errors.New("journal: there is no disk at present")

func (j *Journal) withDisk(do func(*store.Store) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.disk == nil || j.outage != nil {
		return errNoDisk
	}
	return do(j.disk)
}
