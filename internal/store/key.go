package store

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
)

const keySize = seal.KeySize

// ring finds the keys, or makes one if there is no database yet. Beside a
// database a missing key is never replaced: a new one would open nothing.
func (o Options) ring(fresh bool) (*seal.Ring, error) {
	keys, err := o.readKeys(fresh)
	if err != nil {
		return nil, err
	}
	ring, err := seal.NewRing(keys...)
	for _, k := range keys {
		clear(k)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return ring, nil
}

func (o Options) readKeys(fresh bool) ([][]byte, error) {
	if o.Key != nil {
		return [][]byte{bytes.Clone(o.Key)}, nil
	}
	path := o.KeyFile
	if path == "" {
		path = filepath.Join(o.Dir, keyName)
	}
	if o.KeyFile == "" && !o.ReadOnly {
		restrictKeyFile(path)
	}
	keys, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) && fresh && o.KeyFile == "" {
		if err := createKeyFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make %s: %w", keyName, err)
		}
		keys, err = readKeyFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return keys, nil
}

// restrictKeyFile closes the key of our own making to others: it lies in a folder that
// nobody else can enter, so that nobody has read it.
func restrictKeyFile(path string) {
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && checkOwner(path, info) == nil && exceeds(info, 0o600) {
		os.Chmod(path, info.Mode().Perm()&0o600) // if it fails, reading says what is wrong
	}
}

// Ring is the ring that Open would use, if its keys can be read; nothing is made.
func (o Options) Ring() (*seal.Ring, error) { return o.ring(false) }

func readKeyFile(path string) ([][]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not make us wait
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	if err := checkPrivate(info); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, seal.MaxKeys*(2*keySize+2)+1))
	if err != nil {
		return nil, err
	}
	defer clear(b)
	keys, err := parseKeys(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// checkPrivate refuses a key that others can read. A systemd credential of a
// service with a user of its own belongs to root and shows the mask of its
// access list as the group's permission to read; that one is let through.
func checkPrivate(info fs.FileInfo) error {
	open := fs.FileMode(0o077)
	uid, known := owner(info)
	if known && uid == 0 && os.Geteuid() != 0 {
		open = 0o037
	} else if known && uid != os.Geteuid() {
		return fmt.Errorf("belongs to user %d, this is user %d", uid, os.Geteuid())
	}
	if perm := info.Mode().Perm(); perm&open != 0 {
		return fmt.Errorf("mode %#o lets others in, must be 0600", perm)
	}
	return nil
}

// parseKeys takes 32 bytes as they are, or lines of 64 hexadecimal digits: the
// present key first, then those it came after.
func parseKeys(b []byte) ([][]byte, error) {
	if len(b) == keySize {
		return [][]byte{bytes.Clone(b)}, nil
	}
	var keys [][]byte
	for line := range bytes.Lines(b) {
		key := make([]byte, keySize)
		line = bytes.TrimRight(line, "\r\n")
		if len(line) != 2*keySize {
			return nil, fmt.Errorf("must hold %d bytes, or lines of %d hexadecimal digits", keySize, 2*keySize)
		}
		if _, err := hex.Decode(key, line); err != nil {
			return nil, errors.New("holds something other than hexadecimal digits") // hex's error would quote it
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > seal.MaxKeys {
		return nil, fmt.Errorf("holds %d keys, must be 1 to %d", len(keys), seal.MaxKeys)
	}
	return keys, nil
}

func createKeyFile(path string) error {
	return createWhole(path, func(temp string) error {
		key := make([]byte, keySize)
		rand.Read(key) // never fails
		text := make([]byte, 0, 2*keySize+1)
		text = append(hex.AppendEncode(text, key), '\n')
		defer clear(key)
		defer clear(text)
		return os.WriteFile(temp, text, 0o600)
	})
}
