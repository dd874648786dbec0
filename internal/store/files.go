package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
)

// ensureDir makes the state folder, or makes sure that it is ours alone. One that
// others may enter is closed to them only if nothing of theirs can be in it.
func ensureDir(dir string, look bool) error {
	if dir == "" {
		return errors.New("no state folder given")
	}
	info, err := os.Stat(dir) // through a link: systemd's DynamicUser= makes the state folder one
	if errors.Is(err, fs.ErrNotExist) && !look {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := atomicfile.SyncDir(filepath.Dir(dir)); err != nil {
			return err
		}
		info, err = os.Stat(dir)
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: %w", dir, syscall.ENOTDIR)
	}
	if info.Mode()&os.ModeSticky != 0 {
		return fmt.Errorf("%s: %w: a folder that users share, like /tmp", dir, ErrNotOurs)
	}
	if err := checkOwner(dir, info); err != nil || look || !exceeds(info, 0o700) {
		return err
	}
	// Somebody's own folder, named by mistake, must not be shut to those who use it.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isOurs(e) {
			return fmt.Errorf("%s: %w: mode %#o lets others in, and it holds more than the store's files: chmod 700 it, or name another folder",
				dir, ErrNotOurs, info.Mode().Perm())
		}
	}
	return os.Chmod(dir, info.Mode().Perm()&0o700)
}

// isOurs says whether an entry of the state folder is what this program puts there.
func isOurs(e fs.DirEntry) bool {
	if e.IsDir() {
		return false
	}
	switch e.Name() {
	case dbName, keyName, holderName, socketName, outageName:
		return true
	}
	return isTemp(e.Name()) || isQuarantined(e.Name())
}

// checkFile makes sure that the file is a regular one and ours alone.
func checkFile(path string, look bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return damaged("%s is not a regular file", filepath.Base(path))
	}
	if info.Size() == 0 {
		// Ours is never empty: it gets its name when it is complete.
		return damaged("%s is empty", filepath.Base(path))
	}
	if err := checkOwner(path, info); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err) // it is not what we wrote
	}
	if look || !exceeds(info, 0o600) {
		return nil
	}
	return os.Chmod(path, info.Mode().Perm()&0o600)
}

func checkOwner(path string, info fs.FileInfo) error {
	uid, known := owner(info)
	if known && uid != os.Geteuid() {
		return fmt.Errorf("%s: %w: it belongs to user %d, this is user %d", path, ErrNotOurs, uid, os.Geteuid())
	}
	return nil
}

// exceeds says whether info lets more people in than mode does.
func exceeds(info fs.FileInfo, mode fs.FileMode) bool { return info.Mode().Perm()&^mode != 0 }

func owner(info fs.FileInfo) (uid int, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

func isTemp(name string) bool {
	return strings.HasPrefix(name, dbName+atomicfile.TempMark) || strings.HasPrefix(name, keyName+atomicfile.TempMark) ||
		strings.HasPrefix(name, outageName+atomicfile.TempMark)
}

// createWhole writes a file under a name of its own, makes it durable and then gives
// it its real name, unless somebody else was first (fs.ErrExist). So a name
// never stands for half a file, whenever the power goes.
func createWhole(path string, write func(temp string) error) error {
	temp := path + atomicfile.TempMark + rand.Text()
	defer os.Remove(temp)
	err := write(temp)
	if err == nil {
		err = syncFile(temp)
	}
	if err == nil {
		err = os.Link(temp, path) // unlike a rename it does not replace
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := os.Lstat(path); there == nil {
			return fs.ErrExist // the winner has swept our half away
		}
	}
	if err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}

// removeTemps removes what a power cut left of publish. The caller holds the database,
// so nobody else who is still at it can win.
func removeTemps(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if isTemp(e.Name()) {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
