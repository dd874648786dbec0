package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// appendMany records n ended visits in a few commits, with the same code as Append, and returns n.
func appendMany(t testing.TB, s *Store, n int) int {
	t.Helper()
	s.db.NoSync = true
	for done := 0; done < n; {
		err := s.update("bulk", func(tx *bolt.Tx) error {
			for range min(1000, n-done) {
				visit, begun := fmt.Sprint("bulk-", done), map[string]uint64{}
				for _, stage := range []kiosk.Stage{kiosk.StageAsking, kiosk.StageEnded} {
					if err := s.appendOne(tx, Entry{Record: rec(visit, stage)}, begun); err != nil {
						return err
					}
				}
				done++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestListNewestFirst(t *testing.T) {
	s := openTest(t, t.TempDir())
	for i := range 7 {
		appendVisit(t, s, fmt.Sprint("v", i), kiosk.StageEnded)
	}
	var got []string
	for after := uint64(0); ; {
		list, err := s.List(after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, v := range list {
			got = append(got, v.Visit)
			after = v.Number
		}
	}
	if want := "v6 v5 v4 v3 v2 v1 v0"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
	if list, err := s.List(999, 2); err != nil || len(list) != 2 || list[0].Visit != "v6" {
		t.Errorf("after an unused number: %v %v", list, err)
	}
	if list, err := s.List(0, -1); err != nil || len(list) != 0 {
		t.Errorf("limit 0: %v %v", list, err)
	}
}

func TestVisitsReturnsAll(t *testing.T) {
	s := openTest(t, t.TempDir())
	n := appendMany(t, s, 150)
	var last uint64
	count := 0
	for v, err := range s.Visits() {
		if err != nil {
			t.Fatal(err)
		}
		if last != 0 && v.Number >= last {
			t.Fatalf("%d after %d", v.Number, last)
		}
		last = v.Number
		count++
		if count == 10 { // a slow reader does not delay visits
			appendVisit(t, s, "meanwhile", kiosk.StageShown)
		}
	}
	if count != n {
		t.Errorf("%d of %d", count, n)
	}
	for range s.Visits() {
		break
	}
}

func TestShow(t *testing.T) {
	s := openTest(t, t.TempDir())
	appendVisit(t, s, "v1", kiosk.StageEnded)
	v, err := s.Show("v1")
	if err != nil {
		t.Fatal(err)
	}
	v.Person = strings.Repeat("p", len(v.Person))
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"number":1,"visit":"v1","person":"pppppppp","code":"KITE-42","stage":"ended","reason":"declined",` +
		`"began":"2026-11-22T12:00:01Z","last":"2026-11-22T12:00:05Z","steps":[` +
		`{"record":1,"stage":"asking","time":"2026-11-22T12:00:01Z","boot":"boot-1","uptime_ns":3601000000000},` +
		`{"record":2,"stage":"asked","time":"2026-11-22T12:00:02Z","boot":"boot-1","uptime_ns":3602000000000,"expires_ns":120000000000,"interval_ns":5000000000},` +
		`{"record":3,"stage":"ended","reason":"declined","time":"2026-11-22T12:00:05Z","boot":"boot-1","uptime_ns":3605000000000}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := s.Show("v2"); !errors.Is(err, ErrNoVisit) {
		t.Errorf("unknown visit: %v", err)
	}
}

func TestPrune(t *testing.T) {
	month := noon.Add(-720 * time.Hour)
	day := func(n int) time.Time { return noon.Add(time.Duration(n) * 24 * time.Hour) }
	for _, c := range []struct {
		name   string
		walls  []time.Time // one visit each; the last record's time
		open   int         // this one has no ending; -1 for none
		before time.Time
		left   string
	}{
		{"nothing is old", []time.Time{day(-1), day(0)}, -1, month, "1 0"},
		{"two visits are old", []time.Time{day(-40), day(-31), day(-1)}, -1, month, "2"},
		{"all visits are old", []time.Time{day(-40), day(-31)}, -1, month, ""},
		{"an unfinished visit stays", []time.Time{day(-40), day(-39), day(-1)}, 0, month, "2 1 0"},
		{"the clock was wrong for a while", []time.Time{day(-40), day(4000), day(-35), day(-1)}, -1, month, "3"},
		{"the clock was not set", []time.Time{day(-3), time.Unix(0, 0), day(-1)}, -1, month, "2 1 0"},
		{"no visits", nil, -1, month, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openTest(t, t.TempDir())
			for i, wall := range c.walls {
				for _, stage := range []kiosk.Stage{kiosk.StageAsking, kiosk.StageEnded} {
					if stage == kiosk.StageEnded && i == c.open {
						continue
					}
					r := rec(fmt.Sprint(i), stage)
					r.Wall = wall
					mustAppend(t, s, r)
				}
			}
			gone, err := s.Prune(c.before)
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for v, err := range s.Visits() {
				if err != nil {
					t.Fatal(err)
				}
				left = append(left, v.Visit)
			}
			if got := strings.Join(left, " "); got != c.left || gone != len(c.walls)-len(left) {
				t.Errorf("left %q, want %q; %d removed", got, c.left, gone)
			}
			for i := range c.walls {
				_, err := s.Show(fmt.Sprint(i))
				if there := strings.Contains(" "+c.left+" ", fmt.Sprintf(" %d ", i)); there != (err == nil) {
					t.Errorf("visit %d by name: %v", i, err)
				}
			}
		})
	}
}

func TestPruneManyVisits(t *testing.T) {
	s := openTest(t, t.TempDir())
	n := appendMany(t, s, 3*batchSize+5)
	if gone, err := s.Prune(noon.Add(time.Hour)); err != nil || gone != n {
		t.Errorf("%d of %d removed, %v", gone, n, err)
	}
	err := s.view("look", func(tx *bolt.Tx) error {
		for _, b := range [][]byte{visitBucket, openBucket} {
			if k, _ := tx.Bucket(b).Cursor().First(); k != nil {
				t.Errorf("something is left in %s", b)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	appendVisit(t, s, "next", kiosk.StageShown)
	if v, err := s.Show("next"); err != nil || v.Number != uint64(n+1) {
		t.Errorf("numbers do not go on: %v %v", v.Number, err)
	}
}

// TestStartDoesNotScan: a start and a visit cost the same with ten visits on record as with ten thousand.
func TestStartDoesNotScan(t *testing.T) {
	cost := func(n int) (unfinished, write float64) {
		s := openTest(t, t.TempDir())
		mustAppend(t, s, rec("old", kiosk.StageAsking))
		appendMany(t, s, n)
		unfinished = testing.AllocsPerRun(5, func() {
			if r, err := s.Unfinished(); err != nil || len(r) != 1 {
				t.Fatal(r, err)
			}
		})
		i := 0
		write = testing.AllocsPerRun(5, func() { i++; mustAppend(t, s, rec(fmt.Sprint("new", i), kiosk.StageAsking)) })
		return unfinished, write
	}
	u1, w1 := cost(10)
	u2, w2 := cost(10000)
	if u2 > u1*1.5 {
		t.Errorf("Unfinished: %v allocations with 10 visits, %v with 10,000", u1, u2)
	}
	if w2 > w1*3 {
		t.Errorf("Append: %v allocations with 10 visits, %v with 10,000", w1, w2)
	}
	t.Logf("allocations: Unfinished %v and %v, Append %v and %v", u1, u2, w1, w2)
}

func TestConcurrentUse(t *testing.T) {
	s := openTest(t, t.TempDir())
	s.db.NoSync = true
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				appendVisit(t, s, fmt.Sprintf("v%d-%d", g, i), kiosk.StageShown)
			}
		})
		wg.Go(func() {
			for range 20 {
				_, err1 := s.List(0, 10)
				_, err2 := s.Unfinished()
				_, err3 := s.Prune(noon.Add(-time.Hour))
				if err := errors.Join(err1, err2, err3); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closing.Wait()
}

func TestTechniciansVisitsAreMarked(t *testing.T) {
	s := openTest(t, t.TempDir())
	for _, stage := range []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted} {
		r := rec("technician", stage)
		r.Technician = true
		mustAppend(t, s, rec("customer", stage), r)
	}
	left, err := s.Unfinished()
	if err != nil || len(left) != 2 || left[0].Technician || !left[1].Technician {
		t.Fatalf("unfinished: %+v", left)
	}
	for visit, want := range map[string]bool{"customer": false, "technician": true} {
		v, err := s.Show(visit)
		if err != nil || v.Technician != want {
			t.Errorf("%s: %v, %v", visit, v.Technician, err)
		}
	}
	if _, err := s.Verify(); err != nil {
		t.Errorf("the chain: %v", err)
	}
}
