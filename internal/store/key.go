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

// ring reads the keys, or creates one if there is no database yet. Beside a database a missing key is never replaced:
// a new one would open nothing.
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
	if o.KeyText != nil {
		keys, err := parseKeys(o.KeyText)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		return keys, nil
	}
	path := o.KeyFile
	if path == "" {
		path = filepath.Join(o.Dir, keyName)
	}
	if o.KeyFile == "" && !o.ReadOnly {
		restrictKeyFile(path)
	}
	keys, err := o.readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) && fresh && o.KeyFile == "" {
		if err := createKeyFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("create %s: %w", keyName, err)
		}
		keys, err = o.readKeyFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return keys, nil
}

// restrictKeyFile removes other users' access to the key file that we created. It is in a directory that only this
// user can enter, so nobody has read it.
func restrictKeyFile(path string) {
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && checkOwner(path, info, false) == nil && exceeds(info, 0o600) {
		os.Chmod(path, info.Mode().Perm()&0o600) // if it fails, reading the file reports why
	}
}

// Ring returns the keys that Open would use. It creates nothing.
func (o Options) Ring() (*seal.Ring, error) { return o.ring(false) }

func (o Options) readKeyFile(path string) ([][]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // do not wait for a pipe
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
	if err := checkPrivate(info, o.ReadOnly); err != nil {
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

// checkPrivate refuses a key file that other users can read. A systemd credential of a service with a user of its own
// belongs to root and shows its access list's mask as the group's permission to read; that is allowed.
func checkPrivate(info fs.FileInfo, readOnly bool) error {
	open := fs.FileMode(0o077)
	uid, known := owner(info)
	if known && uid == 0 && os.Geteuid() != 0 {
		open = 0o037
	} else if known && uid != os.Geteuid() && !isRootReading(readOnly) {
		return fmt.Errorf("belongs to user %d, this is user %d", uid, os.Geteuid())
	}
	if perm := info.Mode().Perm(); perm&open != 0 {
		return fmt.Errorf("mode %#o gives other users access, must be 0600", perm)
	}
	return nil
}

// parseKeys takes 32 bytes, or lines of 64 hexadecimal digits: the current key first, then older ones.
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
			return nil, errors.New("holds something other than hexadecimal digits") // hex's own error would quote the key
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
