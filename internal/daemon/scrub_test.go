package daemon

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestMemoryIsScrubbedAfterVisits: the memory is scrubbed soon after a visit has ended, even if the next customer has begun,
// and once for all visits that have ended by then.
func TestMemoryIsScrubbedAfterVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var scrubs atomic.Int32
		s := newScrubber(func() { scrubs.Add(1) })
		visit := func() {
			s.observe(0, kiosk.State{Phase: kiosk.Identify})
			s.observe(0, kiosk.State{})
		}
		after := func(d time.Duration, want int32) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := scrubs.Swap(0); got != want {
				t.Errorf("%d scrubs, want %d", got, want)
			}
		}
		s.observe(0, kiosk.State{})
		after(time.Hour, 0)
		visit()
		after(scrubDelay, 1)
		after(time.Hour, 0)
		visit()
		s.observe(0, kiosk.State{Phase: kiosk.Identify}) // the next customer stays for long
		after(scrubDelay, 1)
		after(time.Hour, 0)
		s.observe(0, kiosk.State{})
		time.Sleep(scrubDelay / 2)
		visit()
		visit()
		after(scrubDelay/2, 1)
		after(scrubDelay, 1)
		after(time.Hour, 0)
	})
}

// BenchmarkScrub measures what the daemon does in the background after a visit.
func BenchmarkScrub(b *testing.B) {
	for b.Loop() {
		scrub()
	}
}
