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

// damage is one way in which a store is found one morning.
type damage struct {
	name  string
	spoil func(t *testing.T, dir string)
	// aside: the start must set the file aside. Otherwise it may be that the damage is
	// where nobody has to look, and is found by Verify.
	aside bool
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func change(f func(b []byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		b, err := os.ReadFile(dbIn(dir))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dbIn(dir), f(b))
	}
}

func corpus() (all []damage) {
	add := func(name string, aside bool, spoil func(*testing.T, string)) {
		all = append(all, damage{name, spoil, aside})
	}
	add("empty", true, change(func([]byte) []byte { return nil }))
	add("a text", true, change(func([]byte) []byte { return []byte(strings.Repeat("shopping list\n", 3000)) }))
	add("nothing but zeros", true, change(func(b []byte) []byte { clear(b); return b }))
	for _, size := range []int{1, 511, 4095, 4096, 8191, 8192, 12288, 20000} {
		add(fmt.Sprintf("cut to %d bytes", size), true, change(func(b []byte) []byte { return b[:size] }))
	}
	add("both meta pages zeroed", true, change(func(b []byte) []byte { clear(b[:8192]); return b }))
	for page := range 16 {
		add(fmt.Sprintf("page %d zeroed", page), false, change(func(b []byte) []byte { clear(b[page*4096 : (page+1)*4096]); return b }))
		add(fmt.Sprintf("bits flipped in page %d", page), false, change(func(b []byte) []byte {
			dice := rand.New(rand.NewPCG(uint64(page), 1))
			for range 5 {
				b[page*4096+dice.IntN(4096)] ^= 1 << dice.IntN(8)
			}
			return b
		}))
	}
	for _, size := range []int{1024, 16384, 65536} {
		add(fmt.Sprintf("another program's bbolt file, pages of %d", size), true, func(t *testing.T, dir string) {
			foreign(t, dbIn(dir), &bolt.Options{PageSize: size})
		})
	}
	add("a folder in its place", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Remove(dbIn(dir)), os.Mkdir(dbIn(dir), 0o700), os.WriteFile(dbIn(dir)+"/notes", []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	})
	add("a link to somewhere", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Rename(dbIn(dir), dir+"/elsewhere"), os.Symlink(dir+"/elsewhere", dbIn(dir))); err != nil {
			t.Fatal(err)
		}
	})
	add("a link to nowhere", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Remove(dbIn(dir)), os.Symlink(dir+"/nowhere", dbIn(dir))); err != nil {
			t.Fatal(err)
		}
	})
	add("a pipe", true, func(t *testing.T, dir string) {
		if err := errors.Join(os.Remove(dbIn(dir)), syscall.Mkfifo(dbIn(dir), 0o600)); err != nil {
			t.Fatal(err)
		}
	})
	add("open to everybody", false, func(t *testing.T, dir string) {
		if err := errors.Join(os.Chmod(dbIn(dir), 0o666), os.Chmod(dir+"/store.key", 0o644)); err != nil {
			t.Fatal(err)
		}
	})
	add("its key gone", true, func(t *testing.T, dir string) {
		if err := os.Remove(dir + "/store.key"); err != nil {
			t.Fatal(err)
		}
	})
	add("its key empty", true, func(t *testing.T, dir string) { write(t, dir+"/store.key", nil) })
	add("another key", true, func(t *testing.T, dir string) {
		write(t, dir+"/store.key", []byte(strings.Repeat("ab", 32)+"\n"))
	})
	if os.Getuid() == 0 {
		add("somebody else's", true, func(t *testing.T, dir string) {
			if err := os.Chown(dbIn(dir), 12345, 12345); err != nil {
				t.Fatal(err)
			}
		})
	}
	return all
}

func foreign(t *testing.T, path string, o *bolt.Options) {
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

// content is what is in a file; nothing if it is none.
func content(path string) []byte {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	b, _ := os.ReadFile(path)
	return b
}

// TestCorpus: whatever is found in the place of the store, the next customer is
// served, what was there is kept under another name, and the new record says so.
func TestCorpus(t *testing.T) {
	good := t.TempDir()
	k, _ := keep(t, good)
	for _, v := range count("before-", 12) {
		serve(t, k, v)
	}
	tell(t, k, "under-way", kiosk.StageAsking, kiosk.StageAcknowledged)
	k.Close()
	aside := 0
	for _, d := range corpus() {
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
				write(t, filepath.Join(dir, name), b)
			}
			d.spoil(t, dir)
			spoilt := content(dbIn(dir))

			began := time.Now()
			k, _ := keep(t, dir)
			left, err := k.Unfinished()
			if err != nil {
				t.Fatal(err)
			}
			// Which bytes lie where differs from run to run, so the same flip is found at
			// once or only by a later record: then the file holds the earlier ones as well.
			atOnce := len(k.Condition().Quarantined) > 0
			serve(t, k, "next")
			if took := time.Since(began); took > time.Second {
				t.Errorf("the customer was served after %v", took)
			}
			c := k.Condition()
			if !c.Healthy {
				t.Errorf("%+v", c)
			}
			if d.aside && len(c.Quarantined) != 1 {
				t.Errorf("nothing was set aside: %s", names(t, dir))
			}
			k.Close()

			s, err := store.Open(store.Options{Dir: dir, ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if len(c.Quarantined) == 0 {
				if len(left) != 1 || left[0].Visit != "under-way" {
					t.Errorf("of what was under way: %v", left)
				}
				return
			}
			aside++
			if c.Quarantined[0].Cause == "" || !strings.HasPrefix(c.Quarantined[0].Name, "kiosk.db.set-aside-20261122T130000Z") {
				t.Errorf("%+v", c.Quarantined)
			}
			b := content(filepath.Join(dir, c.Quarantined[0].Name))
			if atOnce && !bytes.Equal(b, spoilt) {
				t.Error("what was set aside is not what was there")
			}
			if !atOnce && (d.aside || len(b) < len(spoilt)) {
				t.Errorf("set aside by a later record: %d bytes of %d", len(b), len(spoilt))
			}
			visits, notes := onRecord(t, dir)
			if len(visits) == 0 || visits[0] != "next shown" || len(notes) != 1 || !strings.Contains(notes[0], c.Quarantined[0].Name) {
				t.Errorf("on record: %q, %q", visits, notes)
			}
		})
	}
	if aside < 20 {
		t.Errorf("only %d were set aside: the corpus does not spoil what it means to", aside)
	}
}

// Three are kept, the newest; a card that dies must not be filled by what it spoilt.
func TestOnlyThreeAreKept(t *testing.T) {
	dir := t.TempDir()
	c := &clock{now: time.Hour}
	for i := range 6 {
		write(t, dbIn(dir), bytes.Repeat([]byte{byte(i)}, 10000))
		if i%2 == 1 { // sometimes the clock stands
			c.now += time.Hour
		}
		k, err := Open(store.Options{Dir: dir}, c, quiet())
		if err != nil {
			t.Fatal(err)
		}
		serve(t, k, "v")
		all := k.Condition().Quarantined
		k.Close()
		if want := min(i+1, 3); len(all) != want {
			t.Fatalf("%d are kept, want %d: %v", len(all), want, all)
		}
		if b, err := os.ReadFile(filepath.Join(dir, all[0].Name)); err != nil || b[0] != byte(i) {
			t.Errorf("the first is not the newest: %v %v", all, err)
		}
	}
}

// What somebody has to put right is no describeCause to begin a new record.
func TestSettingsThatAreWrongAreNotHidden(t *testing.T) {
	dir := t.TempDir()
	k, _ := keep(t, dir)
	serve(t, k, "v1")
	if _, err := Open(store.Options{Dir: dir, Wait: 60 * time.Millisecond}, &clock{}, quiet()); !errors.Is(err, store.ErrLocked) {
		t.Errorf("held: %v", err)
	}
	k.Close()
	before := names(t, dir)
	if _, err := Open(store.Options{Dir: dir, KeyFile: dir + "/nowhere"}, &clock{}, quiet()); !errors.Is(err, store.ErrKey) {
		t.Errorf("a key file that is not there: %v", err)
	}
	shared := t.TempDir()
	if err := errors.Join(os.Chmod(shared, 0o755), os.WriteFile(shared+"/photo", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(store.Options{Dir: shared}, &clock{}, quiet()); !errors.Is(err, store.ErrNotOurs) {
		t.Errorf("a folder of somebody's: %v", err)
	}
	if after := names(t, dir); after != before || names(t, shared) != "photo" {
		t.Errorf("something changed: %s; %s", after, names(t, shared))
	}
}
