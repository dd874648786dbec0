package journal

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// After an I/O error the whole file is rewritten. Tokens that still have to be revoked survive that, and their numbers
// go on: removing an old number later must not remove a newer entry.
func TestRevocationsSurviveAnIOError(t *testing.T) {
	j, _ := openJournal(t, t.TempDir())
	add := func(token string) uint64 {
		t.Helper()
		id, err := j.AddRevocation(kiosk.Revocation{Until: noon.Add(time.Hour), Lifetime: time.Hour, Tokens: kiosk.Tokens{Access: kiosk.Secret(token), Type: "Bearer"}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	wantPending := func(when string, tokens ...string) {
		t.Helper()
		pending, err := j.PendingRevocations()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range pending {
			got = append(got, string(r.Tokens.Access))
		}
		if !slices.Equal(got, tokens) {
			t.Errorf("%s: pending %q, want %q", when, got, tokens)
		}
	}
	first := add("first")
	if err := j.beginOutage(fmt.Errorf("write: %w", syscall.EIO)); err != nil {
		t.Fatal(err)
	}
	j.Retry()
	if c := j.Condition(); !c.Healthy {
		t.Fatalf("the outage has not ended: %+v", c)
	}
	wantPending("after the outage", "first")
	second := add("second")
	if second <= first {
		t.Errorf("numbers began again: %d after %d", second, first)
	}
	if err := j.RevocationDone(first); err != nil {
		t.Fatal(err)
	}
	wantPending("after the first was removed", "second")
}

// An I/O error of the queue is an I/O error of the file: records go to memory until the file has been rewritten.
func TestIOErrorOfTheQueueBeginsAnOutage(t *testing.T) {
	j, _ := openJournal(t, t.TempDir())
	failure := fmt.Errorf("store: add revocation: %w", syscall.EIO)
	if err := j.withDisk(func(*store.Store) error { return failure }); !errors.Is(err, syscall.EIO) {
		t.Errorf("error %v, want %v", err, failure)
	}
	if c := j.Condition(); c.Healthy || c.Cause != "failing" {
		t.Errorf("after the error: %+v", c)
	}
	recordVisit(t, j, "v1")
	j.Retry()
	if c := j.Condition(); !c.Healthy || c.Lost != 0 {
		t.Errorf("after the retry: %+v", c)
	}
	if v, err := j.disk.Show("v1"); err != nil || v.Stage != kiosk.StageShown {
		t.Errorf("the visit meanwhile: %+v, %v", v, err)
	}
}
