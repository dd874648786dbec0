package keeper

import (
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Owe, Paid and Owed are the store's; during an outage nothing can be owed.
func (k *Keeper) Owe(d kiosk.Due) (id uint64, err error) {
	err = k.onDisk(func(s *store.Store) error { id, err = s.Owe(d); return err })
	return id, err
}

// Paid forgets what was given back.
func (k *Keeper) Paid(id uint64) error {
	return k.onDisk(func(s *store.Store) error { return s.Paid(id) })
}

// Owed gives what is still to be given back.
func (k *Keeper) Owed() (dues []kiosk.Due, err error) {
	err = k.onDisk(func(s *store.Store) error { dues, err = s.Owed(); return err })
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
