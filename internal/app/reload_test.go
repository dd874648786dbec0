package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

type unseen struct{}

func (unseen) Show(time.Duration, kiosk.State, kiosk.Private) {}

// TestReloadWhileTheServerIsNotReachedYet: a visit that a crash interrupted goes on
// before the authorization server has been reached; settings are read again; then it
// is reached, which opens the kiosk. The settings count all the same when the visit ends.
func TestReloadWhileTheServerIsNotReachedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := kiosk.State{Phase: kiosk.Waiting, Closures: kiosk.Starting}
		events, stopped := make(chan kiosk.Event, 10), false
		r := &resident{
			seat: newSeat(unseen{}),
			tell: func(e kiosk.Event) { events <- e },
			stop: func() { stopped = true },
		}
		take := func() {
			synctest.Wait()
			for len(events) > 0 {
				now, _ = kiosk.Step(now, 0, <-events)
				r.seat.note(0, now)
				synctest.Wait()
			}
		}
		r.seat.note(0, now)
		r.fresh.right(&config.Settings{})
		go r.swap(context.Background(), func() { r.fresh.end(); r.stop() })
		take()
		events <- kiosk.ClosureChanged{Closure: kiosk.Starting, On: false} // connect
		take()
		if now.Closures != kiosk.Starting || stopped {
			t.Fatalf("closures %b, stopped %v", now.Closures, stopped)
		}
		r.seat.note(0, now.Fresh())
		synctest.Wait()
		if !stopped || r.fresh.next() == nil {
			t.Error("the settings never count")
		}
	})
}
