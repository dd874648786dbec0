package daemon

import (
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestFigures: visits are counted by outcome, and waits by length.
func TestFigures(t *testing.T) {
	o := newObserver()
	at := time.Duration(0)
	show := func(after time.Duration, p kiosk.Phase, reason kiosk.Reason) {
		at += after
		o.observe(at, kiosk.State{Phase: p, Ending: kiosk.Ending{Reason: reason}})
		o.observe(at, kiosk.State{Phase: p, Ending: kiosk.Ending{Reason: reason}}) // a repeated state is not counted again
	}
	for _, wait := range []time.Duration{4 * time.Second, 25 * time.Second, 300 * time.Second} {
		show(time.Second, kiosk.Asking, 0)
		show(time.Second, kiosk.Waiting, 0)
		show(wait, kiosk.Shown, 0)
		show(time.Second, kiosk.Ready, 0)
	}
	show(time.Second, kiosk.Waiting, 0)
	show(8*time.Second, kiosk.Ended, kiosk.Declined)
	show(time.Second, kiosk.Ready, 0)
	f := o.figures()
	if f.Shown != 3 || f.Ended["declined"] != 1 || f.Waits != 4 || f.WaitSum != 337 || f.MedianWait != 25 {
		t.Errorf("%+v", f)
	}
	if f.Buckets != [...]int{1, 2, 2, 3, 3, 3} {
		t.Errorf("buckets %v", f.Buckets)
	}
}

// TestKioskIsStartingBeforeTheFirstState: a visit that comes so early must not be taken for one at a kiosk that is ready.
func TestKioskIsStartingBeforeTheFirstState(t *testing.T) {
	if phase, closed, _ := newObserver().current(); phase != kiosk.Closed || closed != kiosk.Starting {
		t.Errorf("%v, %v", phase, closed)
	}
}
