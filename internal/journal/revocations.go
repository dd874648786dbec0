package journal

import (
	"errors"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// AddRevocation puts tokens into the revocation queue: see store.Store.AddRevocation. During an outage it fails.
func (j *Journal) AddRevocation(d kiosk.Revocation) (id uint64, err error) {
	err = j.withDisk(func(s *store.Store) error { id, err = s.AddRevocation(d); return err })
	return id, err
}

// RevocationDone removes an entry from the queue.
func (j *Journal) RevocationDone(id uint64) error {
	return j.withDisk(func(s *store.Store) error { return s.RevocationDone(id) })
}

// PendingRevocations returns the queue, oldest first.
func (j *Journal) PendingRevocations() (pending []kiosk.Revocation, err error) {
	err = j.withDisk(func(s *store.Store) error { pending, err = s.PendingRevocations(); return err })
	return pending, err
}

var errNoDisk = errors.New("journal: the disk does not work")

func (j *Journal) withDisk(do func(*store.Store) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.disk == nil || j.outage != nil {
		return errNoDisk
	}
	err := do(j.disk)
	if errors.Is(err, syscall.EIO) {
		// The next record must not rely on a file of which the kernel may have lost a part.
		if err := j.beginOutage(err); err != nil {
			return err
		}
	}
	return err
}
