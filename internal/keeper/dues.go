package keeper

import (
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// AddRevocation Paid and Owed are the store's; during an outage nothing can be owed.
func (k *Keeper) AddRevocation(d kiosk.Revocation) (id uint64, err error) {
	err = k.onDisk(func(s *store.Store) error { id, err = s.AddRevocation(d); return err })
	return id, err
}

// RevocationDone forgets what was given back.
func (k *Keeper) RevocationDone(id uint64) error {
	return k.onDisk(func(s *store.Store) error { return s.RevocationDone(id) })
}

// PendingRevocations gives what is still to be given back.
func (k *Keeper) PendingRevocations() (dues []kiosk.Revocation, err error) {
	err = k.onDisk(func(s *store.Store) error { dues, err = s.PendingRevocations(); return err })
	return dues, err
}

var errNoDisk = errors.New("keeper: there is no disk at present")

func (k *Keeper) onDisk(do func(*store.Store) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.disk == nil || k.out != nil {
		return errNoDisk
	}
	return do(k.disk)
}
