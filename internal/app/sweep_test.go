package app

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestEachVisitIsSweptAway: soon after it has ended, whatever the next customer does,
// and once for all that ended since.
func TestEachVisitIsSweptAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var swept atomic.Int32
		s := newSweeper(unseen{}, func() { swept.Add(1) })
		visit := func() {
			s.Show(0, kiosk.State{Phase: kiosk.Identify}, kiosk.Private{})
			s.Show(0, kiosk.State{}, kiosk.Private{})
		}
		after := func(d time.Duration, want int32) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := swept.Swap(0); got != want {
				t.Errorf("swept %d times, wanted %d", got, want)
			}
		}
		s.Show(0, kiosk.State{}, kiosk.Private{})
		after(time.Hour, 0)
		visit()
		after(sweepAfter, 1)
		after(time.Hour, 0)
		visit()
		s.Show(0, kiosk.State{Phase: kiosk.Identify}, kiosk.Private{}) // the next one stays long
		after(sweepAfter, 1)
		after(time.Hour, 0)
		s.Show(0, kiosk.State{}, kiosk.Private{})
		time.Sleep(sweepAfter / 2)
		visit()
		visit()
		after(sweepAfter/2, 1)
		after(sweepAfter, 1)
		after(time.Hour, 0)
	})
}

// BenchmarkSweep is what a kiosk that stays does after a visit, while nobody waits for it.
func BenchmarkSweep(b *testing.B) {
	for b.Loop() {
		sweep()
	}
}
