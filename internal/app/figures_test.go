package app

import (
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

type nothing struct{}

func (nothing) Show(time.Duration, kiosk.State, kiosk.Private) {}

// TestFigures: visits are counted by how they ended, and waits by how long they were.
func TestFigures(t *testing.T) {
	s := newSeat(nothing{})
	at := time.Duration(0)
	show := func(after time.Duration, p kiosk.Phase, why kiosk.Reason) {
		at += after
		s.Show(at, kiosk.State{Phase: p, Reason: why}, kiosk.Private{})
		s.Show(at, kiosk.State{Phase: p, Reason: why}, kiosk.Private{}) // twice is once
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
	f := s.counted()
	if f.Shown != 3 || f.Ended["declined"] != 1 || f.Waits != 4 || f.WaitSum != 337 || f.MedianWait != 25 {
		t.Errorf("%+v", f)
	}
	if f.Buckets != [...]int{1, 2, 2, 3, 3, 3} {
		t.Errorf("buckets %v", f.Buckets)
	}
}
