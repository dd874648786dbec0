package journal

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is a clock that a test sets.
type clock struct{ now time.Duration }

func (c *clock) Now() time.Duration { return c.now }
func (c *clock) Wall() time.Time    { return noon.Add(c.now) }
func (c *clock) Boot() string       { return "boot-1" }

// openJournal opens a journal on dir and closes it when the test ends.
func openJournal(t testing.TB, dir string) (*Journal, *clock) {
	t.Helper()
	c := &clock{now: time.Hour}
	j, err := Open(store.Options{Dir: dir, Process: "test run"}, c, discardLog())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, c
}

func discardLog() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// rec returns a record as the runner makes it, with all secrets that are still needed.
func rec(visit string, stage kiosk.Stage) kiosk.Record {
	up := time.Hour + time.Duration(stage)*time.Second
	r := kiosk.Record{Visit: visit, Stage: stage, Code: "KITE-42", Wall: noon.Add(up), Boot: "boot-1", Uptime: up}
	if stage.Final() {
		if stage != kiosk.StageShown {
			r.Reason = kiosk.Declined
		}
		return r
	}
	r.Secrets.Identifier = kiosk.Secret("alice-" + visit)
	if stage >= kiosk.StageAcknowledged {
		r.Expires, r.Interval, r.Sent, r.SentAt = 2*time.Minute, 5*time.Second, up-time.Second, r.Wall.Add(-time.Second)
		r.Secrets.RequestID = kiosk.Secret("req-" + visit)
	}
	if stage == kiosk.StageGranted {
		r.Secrets.Tokens = kiosk.Tokens{Access: kiosk.Secret("access-" + visit), Type: "Bearer"}
	}
	return r
}

// servedStages are the records of a visit that ends with the details shown.
var servedStages = []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted, kiosk.StageShown}

// recordVisit records a whole visit. It fails if a record is refused.
func recordVisit(t testing.TB, j *Journal, visit string) {
	t.Helper()
	recordStages(t, j, visit, servedStages...)
}

func recordStages(t testing.TB, j *Journal, visit string, stages ...kiosk.Stage) {
	t.Helper()
	for _, s := range stages {
		if err := j.Append(rec(visit, s)); err != nil {
			t.Fatalf("%s %v: %v", visit, s, err)
		}
	}
}

// readRecord reads what is on disk, as an operator does, and checks the chain.
func readRecord(t testing.TB, dir string) (visits, notes []string) {
	t.Helper()
	s, err := store.Open(store.Options{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for v, err := range s.Visits() {
		if err != nil {
			t.Fatal(err)
		}
		if v.Note != "" {
			notes = append(notes, v.Note)
		} else {
			visits = append(visits, v.Visit+" "+v.Stage.String())
		}
	}
	if r, err := s.Verify(); err != nil || !r.Intact() {
		t.Errorf("the chain: %+v, %v", r, err)
	}
	return visits, notes
}

func dirNames(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func dbPath(dir string) string { return filepath.Join(dir, "kiosk.db") }

func numbered(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i)
	}
	return out
}
