package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// fillStore appends visits until the store is full, and returns the number of acknowledged records of each visit.
func fillStore(t *testing.T, s *Store) (acked map[string]int) {
	t.Helper()
	acked = map[string]int{}
	for i := range 20000 {
		visit := fmt.Sprint("v", i)
		for _, stage := range []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageEnded} {
			err := s.Append(rec(visit, stage))
			if errors.Is(err, ErrFull) {
				return acked
			}
			if err != nil {
				t.Fatalf("not full but: %v", err)
			}
			acked[visit]++
		}
	}
	t.Fatal("it was never full")
	return nil
}

// checkFullStore checks what a full store must still do: no acknowledged record is lost, and the visit in progress can
// be completed once there is room.
func checkFullStore(t *testing.T, s *Store, acked map[string]int) {
	t.Helper()
	if len(acked) < 10 {
		t.Fatalf("full after %d visits: the test shows little", len(acked))
	}
	for range 3 { // it stays full
		if err := s.Append(rec("one-more", kiosk.StageAsking)); err != nil && !errors.Is(err, ErrFull) {
			t.Fatal(err)
		} else if err == nil {
			acked["one-more"] = 1
			break
		}
	}
	for visit, n := range acked {
		v, err := s.Show(visit)
		if err != nil || len(v.Steps) != n {
			t.Fatalf("%s: %d records of %d, %v", visit, len(v.Steps), n, err)
		}
	}
	if found := boltProblems(s); len(found) != 0 {
		t.Fatal(found)
	}
	open, err := s.Unfinished()
	if err != nil {
		t.Fatal(err)
	}
	gone, err := s.Prune(noon.Add(time.Hour))
	if err != nil {
		t.Fatalf("pruning a full store: %v", err)
	}
	if gone != len(acked)-len(open) {
		t.Errorf("%d visits removed, want %d", gone, len(acked)-len(open))
	}
	for i := range 5 {
		appendVisit(t, s, fmt.Sprint("after-", i), kiosk.StageShown)
	}
	for _, r := range open {
		mustAppend(t, s, rec(r.Visit, kiosk.StageEnded))
	}
}

func TestFileAtItsSizeLimit(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir(), Key: testKey, MaxSize: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.db.NoSync = true
	checkFullStore(t, s, fillStore(t, s))
}
