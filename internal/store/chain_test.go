package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// mustVerify returns the report of Verify.
func mustVerify(t testing.TB, s *Store) Report {
	t.Helper()
	r, err := s.Verify()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// openLedger returns a store with overlapping visits and a note.
func openLedger(t testing.TB, dir string) *Store {
	t.Helper()
	s := openTest(t, dir)
	s.db.NoSync = true
	mustAppend(t, s, rec("long", kiosk.StageAsking), rec("long", kiosk.StageAcknowledged))
	appendVisit(t, s, "v2", kiosk.StageShown)
	if err := s.Note("the file before was set aside", noon, "boot-1", time.Hour); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, rec("long", kiosk.StageEnded))
	appendVisit(t, s, "v4", kiosk.StageEnded)
	appendVisit(t, s, "v5", kiosk.StageShown)
	return s
}

func TestVerifyAfterPruning(t *testing.T) {
	s := openTest(t, t.TempDir())
	if r := mustVerify(t, s); !r.Intact() || r.Records != 0 {
		t.Errorf("empty file: %+v", r)
	}
	s = openLedger(t, t.TempDir())
	r := mustVerify(t, s)
	if !r.Intact() || r.Visits != 4 || r.Notes != 1 || r.Records != 15 || r.First != 1 || r.Last != 15 || r.Pruned != 0 {
		t.Fatalf("%+v", r)
	}
	// With fewer and fewer records, the chain can still be followed.
	for want := r.Visits + r.Notes; want > 0; {
		gone, err := s.PruneOldest(1)
		if err != nil || gone == 0 {
			t.Fatal(gone, err)
		}
		want -= gone
		if r := mustVerify(t, s); !r.Intact() || r.Visits+r.Notes != want || r.Head == "" {
			t.Errorf("with %d left: %+v", want, r)
		}
	}
	appendVisit(t, s, "after", kiosk.StageShown)
	if r := mustVerify(t, s); !r.Intact() || r.First != 16 || r.Pruned != 15 {
		t.Errorf("%+v", r)
	}
}

// Whatever is changed in the file without the key is found.
func TestVerifyFindsTampering(t *testing.T) {
	visits := func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(visitBucket) }
	replace := func(n uint64, old, new string) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b := bytes.Clone(visits(tx).Get(number(n)))
			if !bytes.Contains(b, []byte(old)) {
				return fmt.Errorf("%s is not in %s", old, b)
			}
			return visits(tx).Put(number(n), bytes.Replace(b, []byte(old), []byte(new), 1))
		}
	}
	remove := func(numbers ...uint64) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			for _, n := range numbers {
				if err := visits(tx).Delete(number(n)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, c := range []struct {
		name string
		do   func(*bolt.Tx) error
		want string
	}{
		{"a reason is changed", replace(4, "declined", "expired"), "record 11 was changed"},
		{"a time is changed", replace(2, "T12:00:02", "T12:10:02"), "record 4 was changed"},
		{"a person is changed", func(tx *bolt.Tx) error {
			b := bytes.Clone(visits(tx).Get(number(5)))
			b[3]++ // in the tag
			return visits(tx).Put(number(5), b)
		}, "record 12 was changed"},
		{"a code is changed", replace(5, "KITE-42", "KITE-43"), "record 12 was changed"},
		{"a note is changed", replace(3, "aside", "right"), "record 7 was changed"},
		{"a visit is removed", remove(2), "records 3 to 6 are missing"},
		{"a note is removed", remove(3), "record 7 is missing"},
		{"the oldest visit is removed", remove(1), "records 1 to 2 are missing"},
		{"the newest visit is removed", remove(5), "records 12 to 15, the newest, are missing"},
		{"all visits are removed", remove(1, 2, 3, 4, 5), "records 1 to 15, the newest, are missing"},
		{"a visit is moved", func(tx *bolt.Tx) error {
			b := bytes.Clone(visits(tx).Get(number(2)))
			return errors.Join(visits(tx).Delete(number(2)), visits(tx).Put(number(6), b))
		}, "was changed"},
		{"a visit is duplicated", func(tx *bolt.Tx) error {
			return visits(tx).Put(number(6), bytes.Clone(visits(tx).Get(number(2))))
		}, "occurs twice"},
		{"the head is moved back", func(tx *bolt.Tx) error {
			meta := tx.Bucket(metaBucket)
			b := bytes.Clone(meta.Get(headKey))
			b[7]--
			return errors.Join(visits(tx).Delete(number(5)), meta.Put(headKey, b))
		}, "head was changed"},
		{"the anchor is moved forward", func(tx *bolt.Tx) error {
			v, err := visitAt(tx, number(2))
			if err != nil {
				return err
			}
			b := append(number(6), v.last().Link...)
			return errors.Join(remove(2)(tx), tx.Bucket(metaBucket).Put(anchorKey, append(b, v.last().Link...)))
		}, "anchor was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openLedger(t, t.TempDir())
			if err := s.update("tamper", c.do); err != nil {
				t.Fatal(err)
			}
			r := mustVerify(t, s)
			if r.Intact() || !strings.Contains(strings.Join(r.Problems, "\n"), c.want) {
				t.Errorf("want %q: %q", c.want, r.Problems)
			}
		})
	}
}

// After a key rotation, the visit in progress is sealed anew, the chain goes on, and the old key can be dropped once
// no record is linked with it.
func TestKeyRotation(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "keys")
	keys := func(lines ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := func() *Store {
		t.Helper()
		s, err := Open(Options{Dir: filepath.Join(dir, "state"), KeyFile: file, Wait: testWait})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	one, two := strings.Repeat("01", keySize), strings.Repeat("02", keySize)
	keys(one)
	s := open()
	appendVisit(t, s, "v1", kiosk.StageShown)
	mustAppend(t, s, rec("v2", kiosk.StageAsking))
	s.Close()

	keys(two, one)
	s = open()
	if left, err := s.Unfinished(); err != nil || len(left) != 1 || string(left[0].Secrets.Identifier) != "alice-v2" {
		t.Fatal(left, err)
	}
	mustAppend(t, s, rec("v2", kiosk.StageAcknowledged))
	if r := mustVerify(t, s); !r.Intact() || r.Unverifiable != 0 {
		t.Errorf("%+v", r)
	}
	s.Close()

	keys(two)
	s = open() // the visit in progress was sealed with the current key
	mustAppend(t, s, rec("v2", kiosk.StageEnded))
	if r := mustVerify(t, s); !r.Intact() || r.Unverifiable != 5 || r.Records != 7 {
		t.Errorf("without the old key: %+v", r)
	}
	s.Close()

	keys(strings.Repeat("03", keySize))
	if _, err := Open(Options{Dir: filepath.Join(dir, "state"), KeyFile: file, Wait: testWait}); !errors.Is(err, ErrKey) {
		t.Errorf("unknown key: %v", err)
	}
}
