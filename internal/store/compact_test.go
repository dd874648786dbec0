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

// After pruning, most of the file is free. Compaction shrinks it, keeps everything on record, and numbers go on.
func TestCompactKeepsAllRecords(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	n := appendMany(t, s, 12000)
	for range 3 {
		appendVisit(t, s, fmt.Sprint("v", s.visitCount(t)), kiosk.StageShown)
	}
	mustAppend(t, s, rec("open", kiosk.StageAsking), rec("open", kiosk.StageAcknowledged))
	if saved, err := s.Compact(); err != nil || saved != 0 {
		t.Fatalf("a full file was compacted: %d bytes, %v", saved, err)
	}
	if gone, err := s.PruneOldest(n); err != nil || gone != n {
		t.Fatal(gone, err)
	}
	s.db.NoSync = false
	before, was := fileSize(s.file), mustVerify(t, s)
	saved, err := s.Compact()
	if err != nil || saved < before/2 || fileSize(s.file) != before-saved {
		t.Fatalf("%d bytes of %d, %v", saved, before, err)
	}
	if is := mustVerify(t, s); !is.Intact() || is.Head != was.Head || is.Pruned != was.Pruned || is.Visits != was.Visits {
		t.Errorf("was %+v, is %+v", was, is)
	}
	if found := boltProblems(s); len(found) > 0 {
		t.Error(found)
	}
	if left, err := s.Unfinished(); err != nil || len(left) != 1 || string(left[0].Secrets.RequestID) != "req-open" {
		t.Errorf("visit in progress: %v, %v", left, err)
	}
	mustAppend(t, s, rec("open", kiosk.StageEnded))
	appendVisit(t, s, "next", kiosk.StageShown)
	if v, err := s.Show("next"); err != nil || v.Number != uint64(n+5) {
		t.Errorf("number %d, %v", v.Number, err)
	}
	if _, err := Open(Options{Dir: dir, Key: testKey, Wait: testWait}); err == nil {
		t.Error("the new file is not locked")
	}
	s.Close()
	s = openTest(t, dir)
	if r := mustVerify(t, s); !r.Intact() || r.Visits != 5 {
		t.Errorf("after a restart: %+v", r)
	}
	if entries, _ := filepath.Glob(filepath.Join(dir, "*"+atomicfile.TempMark+"*")); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func (s *Store) visitCount(t *testing.T) int {
	t.Helper()
	return mustVerify(t, s).Visits
}

// A copy that is out of date when it is complete is thrown away.
func TestCompactIsDroppedIfRecordsAreAppended(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	n := appendMany(t, s, 12000)
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
	if r := mustVerify(t, s); !r.Intact() || r.Visits != 3000+served {
		t.Errorf("%d served, %+v", served, r)
	}
}

// Tokens that still have to be revoked survive a compaction, and their numbers go on: removing an old number later
// must not remove a newer entry.
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
		t.Errorf("after the first was removed: %+v, %v; want the second, number %d", left, err, second)
	}
}

// A power cut during a compaction leaves the old file or the new one, and nothing else.
func TestOpenRemovesAnInterruptedCompaction(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	appendVisit(t, s, "v1", kiosk.StageShown)
	s.Close()
	if err := os.WriteFile(filepath.Join(dir, dbName+atomicfile.TempMark+"compact"), []byte(strings.Repeat("half", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir)
	if entries, _ := filepath.Glob(filepath.Join(dir, "*"+atomicfile.TempMark+"*")); len(entries) != 0 || s.visitCount(t) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
