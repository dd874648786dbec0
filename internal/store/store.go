// Package store keeps the record of visits in a bbolt file, so that a power cut loses nothing and no request is sent
// twice. It implements kiosk.Journal and kiosk.RevocationQueue and is the memory of the push guard. What a restart
// does with an interrupted visit is up to kiosk.Recover; what a budget is, up to the guard.
//
// # Files
//
//	kiosk.db      the record; 0600, one process at a time
//	store.key     32 random bytes in hex, the key for personal data; 0600
//	kiosk.holder  the process that has kiosk.db open, for another process's error message
//
// # Buckets
//
//	meta    format (version, big-endian), check (a known text, sealed), head and anchor of the chain
//	visits  number -> a header (person tag and time of the request) and a visit or note as JSON
//	open    number -> sealed secrets, of each visit without an ending
//	dues    number -> sealed tokens to be revoked; created when first needed
//
// A number is eight bytes, big-endian, and only grows. The only personal data in visits is the tag, a keyed hash of
// the identifier. open is emptied when the visit ends. Each record is one commit and on disk when Append returns.
// There is no index by name: it would cost a random page a visit, and only visits in progress are looked up by name.
// meta and, while nobody has been approved, open are small enough to lie within the root page.
//
// # Chain
//
// Each record has a sequence number and a link: a keyed hash of the link before it and of its content. head is the
// last record, anchor the last pruned one; each has a keyed hash of its own. So Verify finds any record that was
// changed, removed, moved or added without the key. It cannot detect that the whole file was replaced by an older
// copy; an operator who has noted the head that verify and export print can. Visits are pruned from the old end only,
// so there is one anchor.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const (
	dbName     = "kiosk.db"
	keyName    = "store.key"
	holderName = "kiosk.holder"
	socketName = "kiosk.sock"          // not the store's, but in the same directory by default
	outageName = "out-of-service.json" // likewise

	// The file keeps its page size. bbolt would take the kernel's, and with the 16 KiB of some boards each commit
	// would wear the card three times as much.
	pageSize = 4096
	// Long enough for a process that is about to end. There is no point in waiting for one that keeps running.
	defaultWait = 2 * time.Second
	readerWait  = 100 * time.Millisecond // a reader can ask for a snapshot
)

// DefaultMaxSize is the file's size limit in bytes if Options.MaxSize is 0. A 32-bit
// process can map less than 2 GiB. The cost of a commit does not depend on the size. At about 1 KiB for a visit there is
// room for 60,000.
const DefaultMaxSize = 64 << 20

// Files lists the files that the store keeps in its directory.
func Files() []string { return []string{dbName, keyName, holderName} }

// Options say where the store is and how to open it.
type Options struct {
	// Dir is the state directory. It is created with mode 0700 if it does not exist. One that other users may enter is
	// restricted to 0700 if it holds only files of this program; otherwise it is refused with ErrNotOurs.
	Dir string
	// Key is the key, 32 bytes. It is copied. If nil, KeyFile is read.
	Key []byte
	// KeyFile holds the key: 32 bytes, or lines of 64 hexadecimal digits, the current key first, then up to three
	// older ones that only read. If empty, it is store.key in Dir, which is created together with the first database.
	KeyFile string
	// KeyText is the content of a key file, used instead of KeyFile if it is not nil.
	KeyText []byte
	// Wait is how long to wait for another process that has the file open; 0 means 2 s, or 0.1 s with ReadOnly.
	Wait time.Duration
	// MaxSize is the file's size limit in bytes; 0 means DefaultMaxSize.
	MaxSize int
	// ReadOnly opens for reading: nothing is created or changed, other readers may open it, too, and writing returns
	// ErrReadOnly. If another process has the file open for writing, the error is ErrLocked; see OpenSnapshot.
	ReadOnly bool
	// Process is this process's command, as in "kiosk run", for the error of another process that finds the file
	// locked.
	Process string

	snapshot *os.File // read instead of the file in Dir
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	dir      string
	ring     *seal.Ring
	db       *bolt.DB
	file     *os.File // the database's handle, to close it when bbolt cannot
	readOnly bool
	maxSize  int

	numbers visitNumbers // of the visits in progress and the most recent ones
	mu      sync.RWMutex // read-locked by each transaction, locked by Close and Rewrite
	closed  bool
	broken  atomic.Pointer[error] // the panic of a transaction; after it, bbolt's own locks may hang
}

var _ kiosk.Journal = (*Store)(nil)

// Open opens the store in o.Dir, or creates it. On an error the database file is unchanged: it is checked by reading
// before it is opened for writing. Errors are those of this package or of the operating system.
func Open(o Options) (*Store, error) {
	if o.Wait <= 0 {
		if o.Wait = defaultWait; o.ReadOnly {
			o.Wait = readerWait
		}
	}
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultMaxSize
	}
	s, err := open(o)
	if err != nil {
		return nil, fmt.Errorf("store: %w", classify(err))
	}
	return s, nil
}

func open(o Options) (*Store, error) {
	err := ensureDir(o.Dir, o.ReadOnly)
	path := filepath.Join(o.Dir, dbName)
	if err == nil {
		err = checkFile(path, o.ReadOnly)
	}
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && o.ReadOnly:
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	case err != nil && !missing:
		return nil, err
	}
	ring, err := o.ring(missing)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: o.Dir, readOnly: o.ReadOnly, ring: ring, maxSize: o.MaxSize}
	if missing {
		if err := create(path, ring, o); err != nil {
			return nil, err
		}
	}
	if err := inspect(path, ring, o); err != nil {
		return nil, err
	}
	if s.db, s.file, err = openBolt(path, o, o.ReadOnly); err != nil {
		return nil, err
	}
	if o.snapshot == nil && !s.isInPlace() {
		s.db.Close()
		return nil, lockedError(o.Dir) // the other process has put another file in its place
	}
	if err := s.prepare(o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// prepare checks what a start needs, so that damage is found now, and completes what a crash or a new key left undone.
func (s *Store) prepare(o Options) error {
	if err := s.checkNewest(); err != nil {
		return err
	}
	if o.ReadOnly {
		return nil
	}
	removeTemps(o.Dir)
	writeHolder(o.Dir, o.Process)
	return s.resealAll()
}

// ReadOnly reports whether the store was opened for reading.
func (s *Store) ReadOnly() bool { return s.readOnly }

// Ping reads one page. It returns when the disk has answered.
func (s *Store) Ping() error { return s.view("ping", func(*bolt.Tx) error { return nil }) }

// Close closes the file. Further calls do nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if !s.readOnly {
		os.Remove(filepath.Join(s.dir, holderName)) // while the file is still locked; a stale one does no harm
	}
	s.ring.Forget()
	if s.broken.Load() != nil {
		return s.file.Close()
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}
