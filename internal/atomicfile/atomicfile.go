// Package atomicfile replaces small files so that a power cut leaves the old content or the new one, never a part of
// either, and never an empty file.
//
// It is our own because google/renameio and natefinch/atomic do not flush the directory: a power cut after they return
// can still bring the old file back.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// TempMark separates a file's name from the random end of its temporary file's name, as in "kiosk.env.new-3141592653". A
// power cut can leave such a file behind; it may be deleted.
const TempMark = ".new-"

// Write replaces the file at path by data and returns when that is on disk. The new file has the given mode. If prepare is
// not nil, it is called with the new file before anything is written to it, for example to set its owner. On an error the
// old file is as it was, except where only the directory could not be flushed.
func Write(path string, data []byte, mode fs.FileMode, prepare func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+TempMark+"*") // created with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = fill(f, data, mode, prepare)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func fill(f *os.File, data []byte, mode fs.FileMode, prepare func(*os.File) error) error {
	if prepare != nil {
		if err := prepare(f); err != nil {
			return err
		}
	}
	if err := f.Chmod(mode); err != nil { // after prepare: a change of owner can clear mode bits
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// Remove deletes the file at path, if it exists, and returns when that is on disk.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir flushes a directory: the names in it, not the files' contents.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil // this file system has no such flush
	}
	return errors.Join(err, d.Close())
}
