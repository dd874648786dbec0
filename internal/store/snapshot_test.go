package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// snapshot opens a copy of s for reading.
func snapshot(t *testing.T, s *Store, dir string) (*Store, error) {
	t.Helper()
	return OpenSnapshot(Options{Dir: dir, Key: testKey}, func(w io.Writer) ([]byte, error) {
		return nil, s.WriteSnapshot(func(content io.WriterTo, size int64) error {
			n, err := content.WriteTo(w)
			if n != size {
				t.Errorf("%d bytes written, %d announced", n, size)
			}
			return err
		})
	})
}

// A snapshot that is taken while records are appended as fast as possible is sound, and has all that was there before.
func TestSnapshotWithALiveWriter(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	appendMany(t, s, 300)
	before := fingerprint(t, dir)
	look := func(least int) int {
		t.Helper()
		r, err := snapshot(t, s, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if found := boltProblems(r); len(found) > 0 {
			t.Fatal(found)
		}
		v := mustVerify(t, r)
		if !v.Intact() || v.Visits < least {
			t.Fatalf("%d visits, at least %d were there: %q", v.Visits, least, v.Problems)
		}
		return v.Visits
	}
	if n := look(300); n != 300 {
		t.Errorf("%d visits", n)
	}
	if fingerprint(t, dir) != before {
		t.Error("the snapshot changed something")
	}
	s.db.NoSync = false // flushes make pauses, as on a device
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				appendVisit(t, s, fmt.Sprint("v", i), kiosk.StageShown)
			}
		}
	})
	least := 300
	for range 15 {
		least = look(least)
	}
	close(stop)
	writing.Wait()
	if least == 300 {
		t.Error("nothing was written meanwhile: the test shows little")
	}
}

// A writer whose file has to grow waits for a snapshot that is being sent, and then goes on.
func TestAppendGoesOnAfterASlowSnapshot(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	err := s.WriteSnapshot(func(content io.WriterTo, size int64) error {
		go func() { appendMany(t, s, 300) }()
		time.Sleep(50 * time.Millisecond)
		n, err := content.WriteTo(io.Discard)
		if n != size {
			t.Errorf("%d bytes written, %d announced", n, size)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if r := mustVerify(t, s); r.Visits == 300 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%d visits of 300 after the snapshot", r.Visits)
		}
	}
}

// A snapshot of which the end is missing is an error, however much is missing, and never a shorter record.
func TestTruncatedSnapshotIsAnError(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	appendMany(t, s, 50)
	var whole bytes.Buffer
	err := s.WriteSnapshot(func(content io.WriterTo, _ int64) error { _, err := content.WriteTo(&whole); return err })
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, pageSize, 2 * pageSize, 5*pageSize + 1, whole.Len() - pageSize, whole.Len() - 1} {
		st, err := OpenSnapshot(Options{Dir: dir, Key: testKey}, func(w io.Writer) ([]byte, error) { _, err := w.Write(whole.Bytes()[:n]); return nil, err })
		if err == nil {
			st.Close()
			t.Errorf("%d of %d bytes are taken for a snapshot", n, whole.Len())
		}
	}
	refused := errors.New("refused")
	if _, err := OpenSnapshot(Options{Dir: dir, Key: testKey}, func(io.Writer) ([]byte, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Errorf("error %v, want %v", err, refused)
	}
}

func TestReaderGetsALockedError(t *testing.T) {
	dir := t.TempDir()
	openTest(t, dir)
	_, err := Open(Options{Dir: dir, Key: testKey, ReadOnly: true})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Errorf("error %v, want a LockedError with our process id", err)
	}
}
