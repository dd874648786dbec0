// Package store keeps the visits on record in a bbolt file, so that a power cut
// loses nothing and rings nobody's phone twice. It implements kiosk.Journal and
// is the memory the guard counts by. It knows nothing of what a record means to
// a visit: what is to be done after a start is kiosk.Recover's to say, what is a
// budget the guard's.
//
// # The folder
//
//	kiosk.db      the records; 0600, one process at a time
//	store.key     32 random bytes in hex that seal what is personal; 0600
//	kiosk.holder  who has kiosk.db open, for the sentence another process gets
//
// # The file
//
//	meta    format (version, big-endian), check (a known text, sealed), anchor and head of the chain
//	visits  number -> the visit's story: person tag and time of the request, then stages, reason, times, code as JSON; or a note
//	open    number -> sealed secrets, for the visits without an ending
//	dues    number -> sealed tokens that are still to be given back; made when first needed
//
// A number is eight bytes, big-endian, and only grows. visits holds nothing
// personal but the tag, a keyed hash of the identifier; open is sealed, and
// emptied when the visit ends. Each record is one commit, on disk when Append
// returns. There is no index by name: it would cost a random page a visit, and
// only the visits under way are looked up by theirs. meta and, while nobody has
// been approved, open are small enough to lie within the root page.
//
// # The chain
//
// Each record, note or step of a visit, has a sequence number and a link: a keyed
// hash of the link before it and of what it says. head names the last, anchor
// the last that was pruned, each with a keyed hash of its own. So an entry that
// was changed, removed, moved or added without the key is found by Verify, be it
// the newest or the oldest. What it cannot find is the whole file put back as it
// once was; who keeps the head that verify and export print, can. Pruning is
// from the old end only, so that there is one anchor.
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
	socketName = "kiosk.sock"          // not the store's, but by default it lies in the same folder
	outageName = "out-of-service.json" // likewise

	// The page size is kept in the file. bbolt would take the kernel's, and with
	// the 16 KiB of some boards each commit wears the card three times as much.
	pageSize = 4096
	// A process that is just ending is waited for; one that runs is not.
	defaultWait = 2 * time.Second
	readerWait  = 100 * time.Millisecond // a reader can ask for a snapshot
)

// DefaultMaxSize is what the file may grow to, in bytes, unless Options.MaxSize says otherwise. bbolt wants 32-bit maps far
// under 2 GiB, and a commit's cost does not depend on it; at about 1 KiB a visit it is room for 60,000.
const DefaultMaxSize = 64 << 20

// Files are the names of what the store keeps in its folder, while it is whole.
func Files() []string { return []string{dbName, keyName, holderName} }

// Options say where the store is and how it is opened.
type Options struct {
	// Dir is the state folder; made with mode 0700 if it is not there. One that
	// lets others in is tightened to 0700 if it is empty or holds only files of
	// this program, and refused with ErrNotOurs if it holds anything else.
	Dir string
	// Key is what seals, 32 bytes. It is copied. If nil, KeyFile is read.
	Key []byte
	// KeyFile holds the key: 32 bytes, or lines of 64 hexadecimal digits: the
	// present key and, to be read with only, up to three older ones. If empty, it
	// is store.key in Dir, which is made together with the first database.
	KeyFile string
	// Wait is how long another process that holds the file is waited for;
	// 0 means 2 s, or 0.1 s for reading.
	Wait time.Duration
	// MaxSize is what the file may grow to, in bytes; 0 means 64 MiB.
	MaxSize int
	// ReadOnly opens for reading: nothing is made or changed, other readers are
	// let in, Append and Prune say ErrReadOnly. While another process has the file
	// open for writing, it is ErrLocked; see OpenSnapshot.
	ReadOnly bool
	// Who says in a word or two what this process is, as in "kiosk run", to
	// another one that finds the file held.
	Process string

	snapshot *os.File // read instead of the file in Dir
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	dir     string
	ring    *seal.Ring
	db      *bolt.DB
	file    *os.File // the database's handle, to let go of it when bbolt cannot
	reader  bool
	maxSize int

	numbers visitNumbers // numbers of the visits under way, and of the last that ended
	mu      sync.RWMutex // held for reading by each transaction, for writing by Close
	closed  bool
	broken  atomic.Pointer[error] // what a transaction panicked with; bbolt's own locks may hang since
}

var _ kiosk.Journal = (*Store)(nil)

// Open opens the store in o.Dir, or makes it. On any error the database file is
// as it was: what is wrong with it is found out by reading, before it is opened
// for writing. The errors are in this package's list; others are the operating
// system's.
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
	s := &Store{dir: o.Dir, reader: o.ReadOnly, ring: ring, maxSize: o.MaxSize}
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
		return nil, lockedError(o.Dir) // who held it has put another file in its place
	}
	if err := s.prepare(o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// prepare looks at what a start needs, so that damage there is found now, and takes
// up what a stop or a new key left to do.
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

// ReadOnly says whether the store was opened for reading.
func (s *Store) ReadOnly() bool { return s.reader }

// Ping reads one page, for whoever wants to know whether the store still does. It
// waits as long as the disk does.
func (s *Store) Ping() error { return s.view("look", func(*bolt.Tx) error { return nil }) }

// Close lets go of the file. Calling it again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if !s.reader {
		os.Remove(filepath.Join(s.dir, holderName)) // while we still hold it; a stale one does no harm
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
