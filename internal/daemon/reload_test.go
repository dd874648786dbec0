package daemon

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestReloadBeforeFirstContact: a visit that a crash interrupted continues before the authorization server was reached, and
// the settings are reloaded. Then the server is reached, which opens the kiosk. The settings must still be used when the
// visit ends.
func TestReloadBeforeFirstContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := kiosk.State{Phase: kiosk.Waiting, Closures: kiosk.Starting}
		events, stopped := make(chan kiosk.Event, 10), false
		d := newDaemon(t, nil)
		d.send = func(e kiosk.Event) { events <- e }
		d.stop = func() { stopped = true }
		runEvents := func() {
			synctest.Wait()
			for len(events) > 0 {
				now, _ = kiosk.Step(now, 0, <-events)
				d.observer.observe(0, now)
				synctest.Wait()
			}
		}
		d.observer.observe(0, now)
		d.settings.accept(&config.Settings{})
		go d.restartWhenIdle(context.Background(), func() { d.settings.end(); d.stop() })
		runEvents()
		events <- kiosk.ClosureChanged{Closure: kiosk.Starting, On: false} // the first contact
		runEvents()
		if now.Closures != kiosk.Starting || stopped {
			t.Fatalf("closures %b, stopped %v", now.Closures, stopped)
		}
		d.observer.observe(0, now.Fresh())
		synctest.Wait()
		if !stopped || d.settings.next() == nil {
			t.Error("the settings are never used")
		}
	})
}
