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
	// maxQuarantined is how many quarantined files are kept: enough to see whether the card is failing, too few to
	// fill it.
	maxQuarantined = 3
)

// QuarantinedFile is an unusable database that was renamed, so that a new one could take its place.
type QuarantinedFile struct {
	Name string    `json:"name"` // in the state directory
	At   time.Time `json:"at"`   // wall clock when it was renamed
}

// CanQuarantine reports whether err, from Open with these options, means that the database cannot be used and a new
// one may take its place: it is damaged, of a newer version, not readable by this user, or sealed with a lost key. A
// key file named in the settings must exist and hold a key: that is an error of the settings.
func (o Options) CanQuarantine(err error) bool {
	if errors.Is(err, ErrKey) {
		return errors.Is(err, ErrWrongKey) || o.Key == nil && o.KeyFile == ""
	}
	return errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion) || errors.Is(err, fs.ErrPermission) && !errors.Is(err, ErrNotOurs)
}

// Quarantine renames the database in the state directory, because of cause, an error of Open; with it a generated key
// file that holds no key (ErrKey, but not ErrWrongKey). at becomes part of the name. The newest three quarantined
// files are kept.
func (o Options) Quarantine(cause error, at time.Time) (QuarantinedFile, error) {
	file := QuarantinedFile{Name: dbName + quarantineMark + at.UTC().Format(quarantineDate), At: at.UTC().Truncate(time.Second)}
	for n := 2; ; n++ { // two may have the same date if the clock is wrong
		if _, err := os.Lstat(filepath.Join(o.Dir, file.Name)); errors.Is(err, fs.ErrNotExist) {
			break
		}
		file.Name = fmt.Sprintf("%s%s%s-%d", dbName, quarantineMark, at.UTC().Format(quarantineDate), n)
	}
	err := os.Rename(filepath.Join(o.Dir, dbName), filepath.Join(o.Dir, file.Name))
	if errors.Is(cause, ErrKey) && !errors.Is(cause, ErrWrongKey) && o.Key == nil && o.KeyFile == "" {
		key := strings.Replace(file.Name, dbName, keyName, 1)
		if e := os.Rename(filepath.Join(o.Dir, keyName), filepath.Join(o.Dir, key)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the file has vanished
	}
	if err == nil {
		err = atomicfile.SyncDir(o.Dir)
	}
	if err != nil {
		return QuarantinedFile{}, fmt.Errorf("store: quarantine: %w", classify(err))
	}
	all := Quarantined(o.Dir)
	for _, old := range all[min(maxQuarantined, len(all)):] {
		// Remove fails for a directory that is not empty: it is not ours.
		os.Remove(filepath.Join(o.Dir, old.Name))
		os.Remove(filepath.Join(o.Dir, strings.Replace(old.Name, dbName, keyName, 1)))
	}
	return file, nil
}

// Quarantined lists the quarantined databases in a state directory, newest first.
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
