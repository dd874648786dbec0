package store

import (
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// WriteSnapshot calls send with a consistent copy of the database and its exact size in bytes. Records can be appended
// meanwhile; they are not in the copy. send must return soon: until then, a commit for which the file has to grow may
// wait, and Close waits.
func (s *Store) WriteSnapshot(send func(content io.WriterTo, size int64) error) error {
	return s.view("snapshot", func(tx *bolt.Tx) error { return send(tx, tx.Size()) })
}

// OpenSnapshot opens, for reading only, a copy of the database that receive writes: what another process's
// WriteSnapshot sent. o names the state directory, for the key. The copy is kept in memory, so that reading neither
// wears the card nor needs room on it.
// receive may return the content of a key file, which then replaces the key in o.
func OpenSnapshot(o Options, receive func(io.Writer) (keyText []byte, err error)) (*Store, error) {
	file, err := memoryFile()
	if err != nil {
		return nil, fmt.Errorf("store: snapshot: %w", err)
	}
	defer file.Close() // bbolt works on a duplicate
	key, err := receive(file)
	if err != nil {
		return nil, fmt.Errorf("store: snapshot: %w", err)
	}
	if len(key) > 0 {
		o.KeyText = key
	}
	o.ReadOnly, o.snapshot = true, file
	return Open(o)
}
