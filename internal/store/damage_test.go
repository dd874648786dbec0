package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Each reason why the file cannot be opened has its error, and nothing in the directory changes.
func TestFailedOpenChangesNothing(t *testing.T) {
	write := func(t *testing.T, path string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change := func(t *testing.T, path string, f func(b []byte) []byte) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, f(b))
	}
	foreign := func(t *testing.T, path string, o *bolt.Options) {
		t.Helper()
		os.Remove(path)
		db, err := bolt.Open(path, 0o600, o)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("recipes")); return err }); err != nil {
			t.Fatal(err)
		}
	}
	meta := func(t *testing.T, path string, key, value []byte) {
		t.Helper()
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Update(func(tx *bolt.Tx) error { return tx.Bucket(metaBucket).Put(key, value) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		corrupt func(t *testing.T, path string)
		key     []byte
		want    error
	}{
		{"text file", func(t *testing.T, p string) { write(t, p, []byte(strings.Repeat("shopping list\n", 3000))) }, testKey, ErrDamaged},
		{"short text file", func(t *testing.T, p string) { write(t, p, []byte("x")) }, testKey, ErrDamaged},
		{"empty file", func(t *testing.T, p string) { write(t, p, nil) }, testKey, ErrDamaged},
		{"another program's bbolt file", func(t *testing.T, p string) { foreign(t, p, nil) }, testKey, ErrDamaged},
		{"another program's bbolt file that bbolt would write to", func(t *testing.T, p string) {
			foreign(t, p, &bolt.Options{NoFreelistSync: true})
		}, testKey, ErrDamaged},
		{"directory in its place", func(t *testing.T, p string) {
			os.Remove(p)
			if err := os.Mkdir(p, 0o700); err != nil {
				t.Fatal(err)
			}
		}, testKey, ErrDamaged},
		{"link in its place", func(t *testing.T, p string) {
			if err := errors.Join(os.Rename(p, p+".real"), os.Symlink(p+".real", p)); err != nil {
				t.Fatal(err)
			}
		}, testKey, ErrDamaged},
		{"pipe in its place", func(t *testing.T, p string) {
			if err := errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, testKey, ErrDamaged},
		{"both meta pages zeroed", func(t *testing.T, p string) {
			change(t, p, func(b []byte) []byte { clear(b[:2*pageSize]); return b })
		}, testKey, ErrDamaged},
		{"wrong key", nil, bytes.Repeat([]byte{8}, keySize), ErrKey},
		{"short key", nil, []byte("short"), ErrKey},
		{"newer version", func(t *testing.T, p string) { meta(t, p, formatKey, []byte{0, 0, 0, format + 1}) }, testKey, ErrVersion},
		{"version zero", func(t *testing.T, p string) { meta(t, p, formatKey, []byte{0, 0, 0, 0}) }, testKey, ErrDamaged},
		{"malformed version", func(t *testing.T, p string) { meta(t, p, formatKey, []byte{1}) }, testKey, ErrDamaged},
		{"no key file", nil, nil, ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openTest(t, dir)
			appendVisit(t, s, "v1", kiosk.StageShown)
			mustAppend(t, s, rec("v2", kiosk.StageAsking))
			s.Close()
			if c.corrupt != nil {
				c.corrupt(t, filepath.Join(dir, dbName))
			}
			before := fingerprint(t, dir)
			for range 2 { // the second time shows that no lock was left behind
				for _, readOnly := range []bool{false, true} {
					s, err := Open(Options{Dir: dir, Key: c.key, Wait: testWait, ReadOnly: readOnly})
					if err == nil {
						s.Close()
						t.Fatal("it opened")
					}
					if !errors.Is(err, c.want) {
						t.Errorf("got %v, want %v", err, c.want)
					}
				}
			}
			if after := fingerprint(t, dir); after != before {
				t.Errorf("something changed:\n%s%s", before, after)
			}
		})
	}
}

func TestTruncatedFileIsDamaged(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	s.db.NoSync = true
	for i := range 40 {
		appendVisit(t, s, fmt.Sprint("v", i), kiosk.StageShown)
	}
	var used int64
	if err := s.db.View(func(tx *bolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	all, err := os.ReadFile(filepath.Join(dir, dbName))
	if err != nil {
		t.Fatal(err)
	}
	for size := int64(1); size < used; size += pageSize / 2 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, dbName), all[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		before := fingerprint(t, dir)
		if s, err := Open(Options{Dir: dir, Key: testKey}); !errors.Is(err, ErrDamaged) {
			if err == nil {
				s.Close()
			}
			t.Errorf("cut to %d of %d bytes: %v", size, used, err)
		}
		if fingerprint(t, dir) != before {
			t.Errorf("cut to %d: something changed", size)
		}
	}
}

// TestCorruptPagesAreAnError corrupts pages at random. The process survives, no call hangs, and a failed open changes
// nothing.
func TestCorruptPagesAreAnError(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	s.db.NoSync = true
	for i := range 60 {
		appendVisit(t, s, fmt.Sprint("v", i), kiosk.StageShown)
	}
	mustAppend(t, s, rec("open", kiosk.StageAsking))
	s.Close()
	good, err := os.ReadFile(filepath.Join(dir, dbName))
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	failed := 0
	for round := range 200 {
		bad := bytes.Clone(good)
		for range 1 + rnd.IntN(3) {
			page := bad[rnd.IntN(len(bad)/pageSize)*pageSize:][:pageSize]
			switch rnd.IntN(3) {
			case 0:
				clear(page)
			case 1:
				for i := range page {
					page[i] = byte(rnd.Uint32())
				}
			default:
				copy(page, good[rnd.IntN(len(good)/pageSize)*pageSize:][:pageSize]) // a page written to the wrong place
			}
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, dbName), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		before := fingerprint(t, dir)
		s, err := Open(Options{Dir: dir, Key: testKey, Wait: testWait})
		if err != nil {
			failed++
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrKey) {
				t.Errorf("round %d: %v", round, err)
			}
			if fingerprint(t, dir) != before {
				t.Errorf("round %d: a failed open changed something", round)
			}
			continue
		}
		s.db.NoSync = true
		_, err1 := s.Unfinished()
		_, err2 := s.List(0, 1000)
		err3 := s.Append(rec("new", kiosk.StageAsking))
		_, err4 := s.Prune(noon.Add(time.Hour))
		err5 := s.PastRequests(kiosk.Secret("x"), func(kiosk.PastRequest) bool { return true })
		if errors.Join(err1, err2, err3, err4, err5) != nil {
			failed++
		}
		s.Close()
	}
	if failed == 0 {
		t.Error("no damage was ever noticed: the test corrupts the wrong bytes")
	}
	t.Logf("%d of 200 noticed", failed)
}

func TestTruncationOfAnOpenFileIsAnError(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	appendVisit(t, s, "v1", kiosk.StageShown)
	if err := os.Truncate(filepath.Join(dir, dbName), 0); err != nil {
		t.Fatal(err)
	}
	_, err := s.List(0, 10)
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("reading: %v", err)
	}
	if err := s.Append(rec("v2", kiosk.StageAsking)); !errors.Is(err, ErrDamaged) {
		t.Errorf("writing: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}
