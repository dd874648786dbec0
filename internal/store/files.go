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

// ensureDir creates the state directory, or checks that it is this user's alone. A directory that other users may
// enter is restricted only if it holds nothing of theirs.
func ensureDir(dir string, readOnly bool) error {
	if dir == "" {
		return errors.New("no state directory")
	}
	info, err := os.Stat(dir) // follow a link: with DynamicUser= systemd makes the state directory one
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
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
		return fmt.Errorf("%s: %w: users share this directory, like /tmp", dir, ErrNotOurs)
	}
	if err := checkOwner(dir, info, readOnly); err != nil || readOnly || !exceeds(info, 0o700) {
		return err
	}
	// A user's own directory, named by mistake, must not be closed to other users.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isOurs(e) {
			return fmt.Errorf("%s: %w: mode %#o gives other users access, and it holds other files than the store's: chmod 700 it, or name another directory",
				dir, ErrNotOurs, info.Mode().Perm())
		}
	}
	return os.Chmod(dir, info.Mode().Perm()&0o700)
}

// isOurs reports whether an entry of the state directory was created by this program.
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

// checkFile checks that the file is a regular one of this user, and removes other users' access.
func checkFile(path string, readOnly bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return damaged("%s is not a regular file", filepath.Base(path))
	}
	if info.Size() == 0 {
		// A database of ours is never empty: it gets its name when it is complete.
		return damaged("%s is empty", filepath.Base(path))
	}
	if err := checkOwner(path, info, readOnly); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err) // another user's file is not ours
	}
	if readOnly || !exceeds(info, 0o600) {
		return nil
	}
	return os.Chmod(path, info.Mode().Perm()&0o600)
}

// checkOwner returns ErrNotOurs if the file belongs to another user. Root may read the kiosk's files, but not write: it would
// leave files that the kiosk cannot read.
func checkOwner(path string, info fs.FileInfo, readOnly bool) error {
	uid, known := owner(info)
	if known && uid != os.Geteuid() && !isRootReading(readOnly) {
		return fmt.Errorf("%s: %w: it belongs to user %d, this is user %d", path, ErrNotOurs, uid, os.Geteuid())
	}
	return nil
}

func isRootReading(readOnly bool) bool { return readOnly && os.Geteuid() == 0 }

// exceeds reports whether info's permissions go beyond mode.
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

// createWhole has a file written under a temporary name, flushes it and gives it its real name, unless another process
// was first (fs.ErrExist). So a power cut never leaves part of a file under that name. Unlike atomicfile.Write it
// never replaces a file.
func createWhole(path string, write func(temp string) error) error {
	temp := path + atomicfile.TempMark + rand.Text()
	defer os.Remove(temp)
	err := write(temp)
	if err == nil {
		err = syncFile(temp)
	}
	if err == nil {
		err = os.Link(temp, path) // unlike a rename, it does not replace
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := os.Lstat(path); there == nil {
			return fs.ErrExist // the other process has removed our temporary file
		}
	}
	if err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}

// removeTemps removes the temporary files that a power cut left. The caller has the database open, so no other process
// can still complete one.
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
