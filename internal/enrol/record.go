package enrol

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Names of the files in the state directory.
const (
	KeyFile    = "client.key"      // the device's key, a JWK
	nextFile   = "client.key.next" // the key that is to follow it
	recordFile = "enrolment.json"
	lockFile   = "enrolment.lock"
)

// Files are the names of what a registration leaves in the state directory.
func Files() []string { return []string{KeyFile, recordFile} }

// maxRecord is far above what a registration needs; a longer file is not ours.
const maxRecord = 64 << 10

// Stage is how far a registration has come.
type Stage string

// The stages. The empty one comes first: nothing has been sent.
const (
	StageRegistering Stage = "registering" // the request is about to leave, or left, and no answer is on record
	StageRegistered  Stage = "registered"
)

// record is what is known of this device's registration, on disk.
type record struct {
	Stage  Stage     `json:"stage"`
	Issuer string    `json:"issuer"`
	Name   string    `json:"client_name"`
	Since  time.Time `json:"since"` // wall clock, for people

	ClientID string `json:"client_id,omitempty"`
	// Manage is where the registration can be changed (RFC 7592); empty if the server does not offer it.
	ManagementURI string `json:"registration_client_uri,omitempty"`
	// Sealed is the registration access token, sealed under the device's key: whoever
	// has the one can use the other, and nobody else.
	SealedToken []byte `json:"registration_access_token_sealed,omitempty"`
	// SealedNext is the same under the key that is about to take its place.
	SealedTokenNext []byte `json:"registration_access_token_sealed_next,omitempty"`
	// Metadata is what the server answered, without its secrets, to be sent back with a change.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// folder is the state directory, held by one enrolment at a time.
type stateDir struct {
	dir       string
	lock      *os.File
	failWrite func() error // tests: an error is a power cut before a change; nil is none
}

// ErrBusy says that another enrolment is under way on this device.
var ErrBusy = errors.New("another `kiosk provision`, or the kiosk's own screen, is setting this device up already")

// openStateDir makes the folder if need be and locks it.
func openStateDir(dir string) (*stateDir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	d := &stateDir{dir: dir}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	d.chown(f)
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrBusy
	}
	d.lock = f
	return d, nil
}

func (d *stateDir) close() { d.lock.Close() }

func (d *stateDir) path(name string) string { return filepath.Join(d.dir, name) }

// chown gives a file that root makes to the folder's owner: the kiosk has a user of its own.
func (d *stateDir) chown(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	info, err := os.Stat(d.dir)
	if err != nil {
		return
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(s.Uid), int(s.Gid)) // where that cannot be, the kiosk will say that it cannot read it
	}
}

// writeFile replaces a file as a whole and returns when it is on disk.
func (d *stateDir) writeFile(name string, data []byte) error {
	fail := func(err error) error { return fmt.Errorf("%s: %w", name, err) }
	if d.failWrite != nil {
		if err := d.failWrite(); err != nil {
			return fail(err)
		}
	}
	err := atomicfile.Write(d.path(name), data, 0o600, func(f *os.File) error { d.chown(f); return nil })
	if err != nil {
		return fail(err)
	}
	return nil
}

func (d *stateDir) removeFile(name string) error {
	if d.failWrite != nil {
		if err := d.failWrite(); err != nil {
			return err
		}
	}
	return atomicfile.Remove(d.path(name))
}

// readFile gives a file's contents; nil if there is none.
func (d *stateDir) readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return nil, fmt.Errorf("%s: not a file of ours", name)
	}
	data := make([]byte, info.Size())
	n, err := f.ReadAt(data, 0)
	if n < len(data) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

func (d *stateDir) loadRecord() (record, error) {
	var r record
	data, err := d.readFile(recordFile)
	if err != nil || data == nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: damaged; move it away to begin anew", recordFile)
	}
	return r, nil
}

func (d *stateDir) saveRecord(r record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return d.writeFile(recordFile, append(data, '\n'))
}

// tokenRing closes and opens the registration access token with a key that is derived
// from the device's private key.
func tokenRing(k *oidc.ClientKey) (*seal.Ring, error) {
	secret, err := k.Derive("ciba-kiosk registration access token", seal.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return seal.NewRing(secret)
}

var tokenContext = []byte("registration_access_token")

func sealToken(k *oidc.ClientKey, token kiosk.Secret) ([]byte, error) {
	if len(token) == 0 {
		return nil, nil
	}
	ring, err := tokenRing(k)
	if err != nil {
		return nil, err
	}
	defer ring.Forget()
	return ring.Seal([]byte(recordFile), tokenContext, token), nil
}

func (r record) openToken(k *oidc.ClientKey) (kiosk.Secret, error) {
	ring, err := tokenRing(k)
	if err != nil {
		return nil, err
	}
	defer ring.Forget()
	for _, sealed := range [][]byte{r.SealedToken, r.SealedTokenNext} {
		if token, err := ring.Open([]byte(recordFile), tokenContext, sealed); err == nil {
			return token, nil
		}
	}
	return nil, errors.New("the registration access token was kept under another key: the registration can be changed at the server only")
}
