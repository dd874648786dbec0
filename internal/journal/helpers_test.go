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

// clock is one that a test sets.
type clock struct{ now time.Duration }

func (c *clock) Now() time.Duration { return c.now }
func (c *clock) Wall() time.Time    { return noon.Add(c.now) }
func (c *clock) Boot() string       { return "boot-1" }

// keep opens a keeper on dir and closes it when the test ends.
func keep(t testing.TB, dir string) (*Journal, *clock) {
	t.Helper()
	c := &clock{now: time.Hour}
	k, err := Open(store.Options{Dir: dir, Process: "test run"}, c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k, c
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// rec is a record as the runner makes it, with all that is still needed.
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

var served = []kiosk.Stage{kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted, kiosk.StageShown}

// serve plays a whole visit and fails if a record is refused.
func serve(t testing.TB, k *Journal, visit string) {
	t.Helper()
	tell(t, k, visit, served...)
}

func tell(t testing.TB, k *Journal, visit string, stages ...kiosk.Stage) {
	t.Helper()
	for _, s := range stages {
		if err := k.Append(rec(visit, s)); err != nil {
			t.Fatalf("%s %v: %v", visit, s, err)
		}
	}
}

// onRecord reads what is on disk, as an operator does, and checks the chain.
func onRecord(t testing.TB, dir string) (visits, notes []string) {
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

func names(t testing.TB, dir string) string {
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

func dbIn(dir string) string { return filepath.Join(dir, "kiosk.db") }

func count(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i)
	}
	return out
}
