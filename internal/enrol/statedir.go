package enrol

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
)

// Names of the files in the state directory.
const (
	KeyFile    = "client.key"      // the device's key, a JWK
	nextFile   = "client.key.next" // its successor during a rotation
	recordFile = "enrolment.json"
	lockFile   = "enrolment.lock"
)

// Files returns the names of what a registration leaves in the state directory.
func Files() []string { return []string{KeyFile, recordFile} }

// maxRecord is far above the size of a registration.
const maxRecord = 64 << 10

// stateDir is the state directory, locked.
type stateDir struct {
	dir       string
	lock      *os.File
	failWrite func() error // for tests: an error is a power cut before a change; nil: none
}

// ErrBusy means that another process is enrolling this device.
var ErrBusy = errors.New("another `kiosk provision`, or the kiosk's screen, is already setting up this device")

// openStateDir makes the directory if necessary and locks it.
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

// chown gives a file that root made to the owner of the directory, because the kiosk has its own user.
func (d *stateDir) chown(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	// The directory belongs to another user, who could link another file of root's to this name.
	own, err := f.Stat()
	if err != nil {
		return
	}
	if s, ok := own.Sys().(*syscall.Stat_t); !ok || s.Nlink != 1 || !own.Mode().IsRegular() {
		return
	}
	info, err := os.Stat(d.dir)
	if err != nil {
		return
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(s.Uid), int(s.Gid)) // if this fails, the kiosk reports that it cannot read the file
	}
}

// writeFile replaces a file atomically and returns when it is on disk.
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

// readFile returns a file's contents; nil if there is none.
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
		return nil, fmt.Errorf("%s: not a regular file, or too large", name)
	}
	data := make([]byte, info.Size())
	n, err := f.ReadAt(data, 0)
	if n < len(data) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}
