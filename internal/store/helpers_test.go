package store

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var testKey = bytes.Repeat([]byte{7}, keySize)

const testWait = 60 * time.Millisecond // bbolt tries every 50 ms

// openTest opens a store in dir and closes it when the test ends.
func openTest(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: dir, Key: testKey, Wait: testWait, Process: "test run"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rec returns a record as the runner would make it. Its times increase with the stage.
func rec(visit string, stage kiosk.Stage) kiosk.Record {
	up := time.Hour + time.Duration(stage)*time.Second
	r := kiosk.Record{
		Visit: visit, Stage: stage, Code: "KITE-42",
		Wall: noon.Add(time.Duration(stage) * time.Second), Boot: "boot-1", Uptime: up,
	}
	switch stage {
	case kiosk.StageAsking:
		r.Secrets.Identifier = kiosk.Secret("alice-" + visit)
	case kiosk.StageAcknowledged:
		r.Expires, r.Interval, r.Sent, r.SentAt = 2*time.Minute, 5*time.Second, up-time.Second, r.Wall.Add(-time.Second)
		r.Secrets.Identifier = kiosk.Secret("alice-" + visit)
		r.Secrets.RequestID = kiosk.Secret("req-" + visit)
		r.Secrets.ExpectedSubject = kiosk.Secret("sub-" + visit)
	case kiosk.StageGranted:
		r.Secrets.Tokens = kiosk.Tokens{
			Access: kiosk.Secret("access-" + visit), ID: kiosk.Secret("id-" + visit), Refresh: kiosk.Secret("refresh-" + visit),
			Type: "DPoP", Scope: "openid profile",
		}
	case kiosk.StageEnded, kiosk.StageAbandoned:
		r.Reason = kiosk.Declined
	}
	return r
}

func mustAppend(t testing.TB, j kiosk.Journal, records ...kiosk.Record) {
	t.Helper()
	for _, r := range records {
		if err := j.Append(r); err != nil {
			t.Fatalf("%s %v: %v", r.Visit, r.Stage, err)
		}
	}
}

// appendVisit records a visit up to the given ending.
func appendVisit(t testing.TB, j kiosk.Journal, visit string, end kiosk.Stage) {
	t.Helper()
	mustAppend(t, j, rec(visit, kiosk.StageAsking), rec(visit, kiosk.StageAcknowledged))
	if end == kiosk.StageShown {
		mustAppend(t, j, rec(visit, kiosk.StageGranted))
	}
	mustAppend(t, j, rec(visit, end))
}

// fingerprint returns every file's name, mode and hash, for tests that nothing has changed.
func fingerprint(t testing.TB, dir string) string {
	t.Helper()
	var out string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintf("%s %v", e.Name(), info.Mode())
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			out += fmt.Sprintf(" %d %x", len(b), sha256.Sum256(b))
		}
		out += "\n"
	}
	return out
}
