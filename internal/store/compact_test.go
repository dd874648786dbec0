package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestCompact: after a prune most of the file is free; it is written anew, all that
// is on record is there, and the numbers go on.
func TestCompact(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	n := bulk(t, s, 12000)
	for range 3 {
		whole(t, s, fmt.Sprint("v", s.mustCount(t)), kiosk.StageShown)
	}
	mustAppend(t, s, rec("open", kiosk.StageAsking), rec("open", kiosk.StageAcknowledged))
	if saved, err := s.Compact(); err != nil || saved != 0 {
		t.Fatalf("a file that is in use: %d, %v", saved, err)
	}
	if gone, err := s.PruneOldest(n); err != nil || gone != n {
		t.Fatal(gone, err)
	}
	s.db.NoSync = false
	before, was := fileSize(s.file), verified(t, s)
	saved, err := s.Compact()
	if err != nil || saved < before/2 || fileSize(s.file) != before-saved {
		t.Fatalf("%d bytes of %d, %v", saved, before, err)
	}
	if is := verified(t, s); !is.Intact() || is.Head != was.Head || is.Pruned != was.Pruned || is.Visits != was.Visits {
		t.Errorf("was %+v, is %+v", was, is)
	}
	if found := checkAll(s); len(found) > 0 {
		t.Error(found)
	}
	if left, err := s.Unfinished(); err != nil || len(left) != 1 || string(left[0].Secrets.RequestID) != "req-open" {
		t.Errorf("what is under way: %v, %v", left, err)
	}
	mustAppend(t, s, rec("open", kiosk.StageEnded))
	whole(t, s, "next", kiosk.StageShown)
	if v, err := s.Show("next"); err != nil || v.Number != uint64(n+5) {
		t.Errorf("number %d, %v", v.Number, err)
	}
	if _, err := Open(Options{Dir: dir, Key: testKey, Wait: testWait}); err == nil {
		t.Error("the new file is not held")
	}
	s.Close()
	s = openTest(t, dir)
	if r := verified(t, s); !r.Intact() || r.Visits != 5 {
		t.Errorf("after a restart: %+v", r)
	}
	if entries, _ := filepath.Glob(filepath.Join(dir, "*"+atomicfile.TempMark+"*")); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func (s *Store) mustCount(t *testing.T) int {
	t.Helper()
	return verified(t, s).Visits
}

// A copy that is behind by the time it is done is thrown away.
func TestCompactGivesWayToACustomer(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	n := bulk(t, s, 12000)
	if _, err := s.PruneOldest(n - 3000); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		i := 0
		for ; ; i++ {
			select {
			case <-stop:
				stopped <- i
				return
			default:
				if err := s.Append(rec(fmt.Sprint("v", i), kiosk.StageAsking)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for range 5 {
		if _, err := s.Compact(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	served := <-stopped
	if r := verified(t, s); !r.Intact() || r.Visits != 3000+served {
		t.Errorf("%d served, %+v", served, r)
	}
}

// Tokens that still have to be revoked survive a compaction, and their numbers go on: an old number that is settled
// afterwards must not settle a newer entry.
func TestCompactionKeepsRevocations(t *testing.T) {
	s := openTest(t, t.TempDir())
	revocation := func(token string) kiosk.Revocation {
		return kiosk.Revocation{Until: time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC), Lifetime: time.Hour, Tokens: kiosk.Tokens{Access: kiosk.Secret(token), Type: "Bearer"}}
	}
	first, err := s.AddRevocation(revocation("first"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if left, err := s.PendingRevocations(); err != nil || len(left) != 1 || string(left[0].Tokens.Access) != "first" || left[0].ID != first {
		t.Errorf("after the compaction: %+v, %v; want the first revocation", left, err)
	}
	second, err := s.AddRevocation(revocation("second"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RevocationDone(first); err != nil {
		t.Fatal(err)
	}
	if left, err := s.PendingRevocations(); err != nil || len(left) != 1 || left[0].ID != second {
		t.Errorf("after the first was settled: %+v, %v; want the second, number %d", left, err, second)
	}
}

// A power cut in the middle of it leaves the old file or the new one, and nothing else.
func TestWhatACompactionLeavesIsSwept(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	whole(t, s, "v1", kiosk.StageShown)
	s.Close()
	if err := os.WriteFile(filepath.Join(dir, dbName+atomicfile.TempMark+"compact"), []byte(strings.Repeat("half", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir)
	if entries, _ := filepath.Glob(filepath.Join(dir, "*"+atomicfile.TempMark+"*")); len(entries) != 0 || s.mustCount(t) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
