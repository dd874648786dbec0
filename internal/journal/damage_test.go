package journal

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

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// damageCase is one way in which a database can be unusable at the start.
type damageCase struct {
	name    string
	corrupt func(t *testing.T, dir string)
	// quarantined: the start must quarantine the file. Otherwise the damage may be where a start does not read; Verify
	// finds it.
	quarantined bool
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func changeFile(f func(b []byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		b, err := os.ReadFile(dbPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dbPath(dir), f(b))
	}
}

func damageCases() (all []damageCase) {
	add := func(name string, quarantined bool, corrupt func(*testing.T, string)) {
		all = append(all, damageCase{name, corrupt, quarantined})
	}
	add("empty", true, changeFile(func([]byte) []byte { return nil }))
	add("a text", true, changeFile(func([]byte) []byte { return []byte(strings.Repeat("shopping list\n", 3000)) }))
	add("nothing but zeros", true, changeFile(func(b []byte) []byte { clear(b); return b }))
	for _, size := range []int{1, 511, 4095, 4096, 8191, 8192, 12288, 20000} {
		add(fmt.Sprintf("cut to %d bytes", size), true, changeFile(func(b []byte) []byte { return b[:size] }))
	}
	add("both meta pages zeroed", true, changeFile(func(b []byte) []byte { clear(b[:8192]); return b }))
	for page := range 16 {
		add(fmt.Sprintf("page %d zeroed", page), false, changeFile(func(b []byte) []byte { clear(b[page*4096 : (page+1)*4096]); return b }))
		add(fmt.Sprintf("bits flipped in page %d", page), false, changeFile(func(b []byte) []byte {
			dice := rand.New(rand.NewPCG(uint64(page), 1))
			for range 5 {
				b[page*4096+dice.IntN(4096)] ^= 1 << dice.IntN(8)
			}
			return b
		}))
	}
	for _, size := range []int{1024, 16384, 65536} {
		add(fmt.Sprintf("another program's bbolt file, pages of %d", size), true, func(t *testing.T, dir string) {
			writeForeignDB(t, dbPath(dir), &bolt.Options{PageSize: size})
		})
	}
	add("a directory in its place", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Remove(dbPath(dir)), os.Mkdir(dbPath(dir), 0o700), os.WriteFile(dbPath(dir)+"/notes", []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	})
	add("a link to a file", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Rename(dbPath(dir), dir+"/elsewhere"), os.Symlink(dir+"/elsewhere", dbPath(dir))); err != nil {
			t.Fatal(err)
		}
	})
	add("a dangling link", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Remove(dbPath(dir)), os.Symlink(dir+"/nowhere", dbPath(dir))); err != nil {
			t.Fatal(err)
		}
	})
	add("a pipe", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Remove(dbPath(dir)), syscall.Mkfifo(dbPath(dir), 0o600)); err != nil {
			t.Fatal(err)
		}
	})
	add("open to everybody", false, func(t *testing.T, dir string) {
		if err := errors.Join(os.Chmod(dbPath(dir), 0o666), os.Chmod(dir+"/store.key", 0o644)); err != nil {
			t.Fatal(err)
		}
	})
	add("its key gone", true, func(t *testing.T, dir string) {
		if err := os.Remove(dir + "/store.key"); err != nil {
			t.Fatal(err)
		}
	})
	add("its key empty", true, func(t *testing.T, dir string) { writeFile(t, dir+"/store.key", nil) })
	add("another key", true, func(t *testing.T, dir string) {
		writeFile(t, dir+"/store.key", []byte(strings.Repeat("ab", 32)+"\n"))
	})
	if os.Getuid() == 0 {
		add("another user's", true, func(t *testing.T, dir string) {
			if err := os.Chown(dbPath(dir), 12345, 12345); err != nil {
				t.Fatal(err)
			}
		})
	}
	return all
}

func writeForeignDB(t *testing.T, path string, o *bolt.Options) {
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

// readRegular returns the content of a regular file; nil if there is none.
func readRegular(path string) []byte {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	b, _ := os.ReadFile(path)
	return b
}

// Whatever is found in place of the database, the next customer is served, what was found is quarantined, and the new
// record has a note about it.
func TestUnusableDatabaseIsQuarantined(t *testing.T) {
	good := t.TempDir()
	j, _ := openJournal(t, good)
	for _, v := range numbered("before-", 12) {
		recordVisit(t, j, v)
	}
	recordStages(t, j, "under-way", kiosk.StageAsking, kiosk.StageAcknowledged)
	j.Close()
	quarantined := 0
	for _, d := range damageCases() {
		t.Run(d.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"kiosk.db", "store.key"} {
				b, err := os.ReadFile(filepath.Join(good, name))
				if err != nil {
					t.Fatal(err)
				}
				writeFile(t, filepath.Join(dir, name), b)
			}
			d.corrupt(t, dir)
			damaged := readRegular(dbPath(dir))

			began := time.Now()
			j, _ := openJournal(t, dir)
			left, err := j.Unfinished()
			if err != nil {
				t.Fatal(err)
			}
			// The layout of the file differs from run to run, so the same damage is found at once or only by a later
			// record. Then the quarantined file has the earlier records, too.
			atOnce := len(j.Condition().Quarantined) > 0
			recordVisit(t, j, "next")
			if took := time.Since(began); took > time.Second {
				t.Errorf("the customer was served after %v", took)
			}
			c := j.Condition()
			if !c.Healthy {
				t.Errorf("%+v", c)
			}
			if d.quarantined && len(c.Quarantined) != 1 {
				t.Errorf("nothing was quarantined: %s", dirNames(t, dir))
			}
			j.Close()

			s, err := store.Open(store.Options{Dir: dir, ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if len(c.Quarantined) == 0 {
				if len(left) != 1 || left[0].Visit != "under-way" {
					t.Errorf("visit in progress: %v", left)
				}
				return
			}
			quarantined++
			if c.Quarantined[0].Cause == "" || !strings.HasPrefix(c.Quarantined[0].Name, "kiosk.db.set-aside-20261122T130000Z") {
				t.Errorf("%+v", c.Quarantined)
			}
			b := readRegular(filepath.Join(dir, c.Quarantined[0].Name))
			if atOnce && !bytes.Equal(b, damaged) {
				t.Error("the quarantined file differs from the one that was found")
			}
			if !atOnce && (d.quarantined || len(b) < len(damaged)) {
				t.Errorf("quarantined by a later record: %d bytes of %d", len(b), len(damaged))
			}
			visits, notes := readRecord(t, dir)
			if len(visits) == 0 || visits[0] != "next shown" || len(notes) != 1 || !strings.Contains(notes[0], c.Quarantined[0].Name) {
				t.Errorf("on record: %q, %q", visits, notes)
			}
		})
	}
	if quarantined < 20 {
		t.Errorf("only %d were quarantined: the cases corrupt the wrong bytes", quarantined)
	}
}

// The newest three are kept: a failing card must not be filled with quarantined files.
func TestNewestThreeQuarantinedFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: time.Hour}
	for i := range 6 {
		writeFile(t, dbPath(dir), bytes.Repeat([]byte{byte(i)}, 10000))
		if i%2 == 1 { // sometimes the clock stands still
			c.now += time.Hour
		}
		j, err := Open(store.Options{Dir: dir}, c, discardLog())
		if err != nil {
			t.Fatal(err)
		}
		recordVisit(t, j, "v")
		all := j.Condition().Quarantined
		j.Close()
		if want := min(i+1, 3); len(all) != want {
			t.Fatalf("%d are kept, want %d: %v", len(all), want, all)
		}
		if b, err := os.ReadFile(filepath.Join(dir, all[0].Name)); err != nil || b[0] != byte(i) {
			t.Errorf("the first is not the newest: %v %v", all, err)
		}
	}
}

// What an operator must correct is no reason to begin a new record.
func TestWrongSettingsAreErrors(t *testing.T) {
	dir := t.TempDir()
	j, _ := openJournal(t, dir)
	recordVisit(t, j, "v1")
	if _, err := Open(store.Options{Dir: dir, Wait: 60 * time.Millisecond}, &clock{}, discardLog()); !errors.Is(err, store.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	j.Close()
	before := dirNames(t, dir)
	if _, err := Open(store.Options{Dir: dir, KeyFile: dir + "/nowhere"}, &clock{}, discardLog()); !errors.Is(err, store.ErrKey) {
		t.Errorf("missing key file: %v", err)
	}
	shared := t.TempDir()
	if err := errors.Join(os.Chmod(shared, 0o755), os.WriteFile(shared+"/photo", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(store.Options{Dir: shared}, &clock{}, discardLog()); !errors.Is(err, store.ErrNotOurs) {
		t.Errorf("directory with other files: %v", err)
	}
	if after := dirNames(t, dir); after != before || dirNames(t, shared) != "photo" {
		t.Errorf("something changed: %s; %s", after, dirNames(t, shared))
	}
}
