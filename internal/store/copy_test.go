package store

import (
	"fmt"
	"sync"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestReadingWhileAnotherWrites: who looks while a kiosk writes as fast as it can
// sees a sound record each time, with all that was on it before.
func TestReadingWhileAnotherWrites(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, dir)
	bulk(t, s, 300)
	before := fingerprint(t, dir)
	look := func(least int) int {
		t.Helper()
		r, err := Open(Options{Dir: dir, Key: testKey, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if found := checkAll(r); len(found) > 0 {
			t.Fatal(found)
		}
		v := verified(t, r)
		if !v.Whole() || v.Visits < least {
			t.Fatalf("%d visits, at least %d were there: %q", v.Visits, least, v.Problems)
		}
		return v.Visits
	}
	if n := look(300); n != 300 {
		t.Errorf("%d visits", n)
	}
	if fingerprint(t, dir) != before {
		t.Error("looking changed something")
	}
	s.db.NoSync = false // with the flushes there are pauses, as on a device
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				whole(t, s, fmt.Sprint("v", i), kiosk.StageShown)
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
		t.Error("nothing was written meanwhile: that shows little")
	}
}
