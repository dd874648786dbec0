package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
)

const (
	quarantineMark = ".set-aside-"
	quarantineDate = "20060102T150405Z"
	// keptAside is how many files that were set aside are kept: enough to see
	// whether the card is dying, too few to fill it.
	maxQuarantined = 3
)

// QuarantinedFile is a file that could not be used and was set aside.
type QuarantinedFile struct {
	Name string    `json:"name"` // in the state folder
	At   time.Time `json:"at"`   // by the wall clock of then
}

// CanQuarantine says whether err, from Open with these options, is about the
// database, so that a new one can take its place: damaged, of a newer version, not
// readable by us, or sealed with a key that is not there any more. A key file
// that somebody named must be there and be a key: that is a setting.
func (o Options) CanQuarantine(err error) bool {
	if errors.Is(err, ErrKey) {
		return errors.Is(err, ErrWrongKey) || o.Key == nil && o.KeyFile == ""
	}
	return errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion) || errors.Is(err, fs.ErrPermission) && !errors.Is(err, ErrNotOurs)
}

// Quarantine gives the database in the state folder another name, with a date in
// it, and with it a key of our own making that is none (ErrKey, but not
// ErrOtherKey). It keeps the newest three that were set aside. why is what Open said.
func (o Options) Quarantine(why error, at time.Time) (QuarantinedFile, error) {
	a := QuarantinedFile{Name: dbName + quarantineMark + at.UTC().Format(quarantineDate), At: at.UTC().Truncate(time.Second)}
	for n := 2; ; n++ { // the clock may stand
		if _, err := os.Lstat(filepath.Join(o.Dir, a.Name)); errors.Is(err, fs.ErrNotExist) {
			break
		}
		a.Name = fmt.Sprintf("%s%s%s-%d", dbName, quarantineMark, at.UTC().Format(quarantineDate), n)
	}
	err := os.Rename(filepath.Join(o.Dir, dbName), filepath.Join(o.Dir, a.Name))
	if errors.Is(why, ErrKey) && !errors.Is(why, ErrWrongKey) && o.Key == nil && o.KeyFile == "" {
		key := strings.Replace(a.Name, dbName, keyName, 1)
		if e := os.Rename(filepath.Join(o.Dir, keyName), filepath.Join(o.Dir, key)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // it has vanished by itself
	}
	if err == nil {
		err = atomicfile.SyncDir(o.Dir)
	}
	if err != nil {
		return QuarantinedFile{}, fmt.Errorf("store: set aside: %w", classify(err))
	}
	all := Quarantined(o.Dir)
	for _, old := range all[min(maxQuarantined, len(all)):] {
		// Not a folder's contents: we did not put it there. An empty one goes.
		os.Remove(filepath.Join(o.Dir, old.Name))
		os.Remove(filepath.Join(o.Dir, strings.Replace(old.Name, dbName, keyName, 1)))
	}
	return a, nil
}

// Quarantined lists what was set aside in a state folder, the newest first.
func Quarantined(dir string) (out []QuarantinedFile) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), dbName+quarantineMark)
		if !ok || len(text) < len(quarantineDate) {
			continue
		}
		if at, err := time.Parse(quarantineDate, text[:len(quarantineDate)]); err == nil {
			out = append(out, QuarantinedFile{Name: e.Name(), At: at})
		}
	}
	slices.SortFunc(out, func(a, b QuarantinedFile) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		if c := len(b.Name) - len(a.Name); c != 0 {
			return c // -10 after -9
		}
		return strings.Compare(b.Name, a.Name)
	})
	return out
}

func isQuarantined(name string) bool {
	return strings.HasPrefix(name, dbName+quarantineMark) || strings.HasPrefix(name, keyName+quarantineMark)
}
