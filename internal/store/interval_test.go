package store

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/seal"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// slowDown returns the record of the nth time that the server changes the polling interval.
func slowDown(visit string, n int) kiosk.Record {
	r := rec(visit, kiosk.StageAcknowledged)
	step := time.Duration(n) * time.Second
	r.Wall, r.Uptime, r.Interval, r.Pause = r.Wall.Add(step), r.Uptime+step, r.Interval+step, 2*step
	return r
}

// A server that changes the interval at every poll must not make a visit grow without limit.
func TestIntervalChangesAreLimited(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	s.db.NoSync = true
	// The largest possible record: JSON writes six bytes for each of these characters.
	boot := strings.Repeat("<", maxName)
	widest := func(r kiosk.Record) kiosk.Record {
		r.Code, r.Boot = boot, boot
		r.Wall = r.Wall.Add(123456789)
		if r.Stage == kiosk.StageAcknowledged {
			r.Expires, r.Sent, r.SentAt = math.MaxInt64, math.MaxInt64, r.Wall
		}
		return r
	}
	mustAppend(t, s, widest(rec("v1", kiosk.StageAsking)), widest(rec("v1", kiosk.StageAcknowledged)))
	for n := 1; n <= 70; n++ {
		err := s.Append(widest(slowDown("v1", n)))
		if n >= maxIntervals {
			if !errors.Is(err, ErrRecord) {
				t.Fatalf("after %d times: %v", n, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Show("v1")
		if err != nil {
			t.Fatal(err)
		}
		if want := 2 + n; len(v.Steps) != want {
			t.Fatalf("%d steps after %d times, want %d", len(v.Steps), n, want)
		}
		last, want := v.Steps[len(v.Steps)-1], slowDown("v1", n)
		if last.Interval != want.Interval || last.Pause != want.Pause || last.Uptime != want.Uptime {
			t.Fatalf("after %d times the last step is %+v", n, last)
		}
		got, err := s.Unfinished()
		if err != nil || len(got) != 1 || got[0].Interval != want.Interval || got[0].Pause != want.Pause || string(got[0].Secrets.RequestID) != "req-v1" {
			t.Fatalf("after %d times: %+v, %v", n, got, err)
		}
	}
	s.Close()
	s = openTest(t, dir)
	mustAppend(t, s, widest(rec("v1", kiosk.StageGranted)), widest(rec("v1", kiosk.StageShown)))
	if v, err := s.Show("v1"); err != nil || len(v.Steps) != 67 || v.Steps[1].Interval != 5*time.Second {
		t.Errorf("%+v, %v", v, err)
	}
}

// A request's lifetime is fixed when it is acknowledged. A later change of the interval does not change it, whatever
// its record contains.
func TestNewIntervalKeepsTheExpiry(t *testing.T) {
	s := openTest(t, t.TempDir())
	first := rec("v1", kiosk.StageAcknowledged)
	mustAppend(t, s, rec("v1", kiosk.StageAsking), first)
	for _, change := range []func(*kiosk.Record){
		func(r *kiosk.Record) { r.Expires, r.Sent, r.SentAt = 0, 0, time.Time{} },
		func(r *kiosk.Record) { r.Expires, r.Sent, r.SentAt = time.Minute, r.Uptime, r.Wall },
	} {
		r := slowDown("v1", 30)
		change(&r)
		mustAppend(t, s, r)
		got, err := s.Unfinished()
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if got[0].Expires != first.Expires || got[0].Sent != first.Sent || !got[0].SentAt.Equal(first.SentAt) {
			t.Errorf("expires %v after %v (%v)", got[0].Expires, got[0].Sent, got[0].SentAt)
		}
		if got[0].Boot != r.Boot || got[0].Uptime != r.Uptime || !got[0].Wall.Equal(r.Wall) {
			t.Errorf("its own time is missing: %+v", got[0])
		}
	}

	// An uptime means nothing to another boot, so a record of another boot has its own expiry.
	r := slowDown("v1", 60)
	r.Boot, r.Uptime, r.Sent, r.Expires, r.SentAt = "boot-2", time.Minute, 50*time.Second, time.Minute, r.Wall
	mustAppend(t, s, r)
	got, err := s.Unfinished()
	if err != nil || len(got) != 1 || got[0].Sent != r.Sent || got[0].Expires != r.Expires || !got[0].SentAt.Equal(r.SentAt) {
		t.Errorf("another boot: %+v, %v", got, err)
	}
}

func TestTooManyStepsAreDamaged(t *testing.T) {
	s := visitRecord{Visit: "v1", Steps: []step{newStep(rec("v1", kiosk.StageAsking))}}
	for range maxIntervals {
		s.Steps = append(s.Steps, newStep(rec("v1", kiosk.StageAcknowledged)))
	}
	s.Steps = append(s.Steps, newStep(rec("v1", kiosk.StageGranted)), newStep(rec("v1", kiosk.StageShown)))
	for i := range s.Steps {
		s.Steps[i].Seq, s.Steps[i].Link = uint64(i+1), make([]byte, seal.LinkSize)
	}
	read := func() error {
		t.Helper()
		b, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		_, err = decodeVisit(b)
		return err
	}
	if err := read(); err != nil {
		t.Errorf("with the most steps possible: %v", err)
	}
	s.Steps = append(s.Steps[:2:2], s.Steps[1:]...)
	if err := read(); !errors.Is(err, ErrDamaged) {
		t.Errorf("with one step more: %v", err)
	}
}
