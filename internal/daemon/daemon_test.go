package daemon

import (
	"slices"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestStatusBeforeTheFirstState: the control socket opens before the first state, on a slow board long enough to be asked.
// Meanwhile the status must not claim that customers are served.
func TestStatusBeforeTheFirstState(t *testing.T) {
	d := newDaemon(t, nil)
	if s := d.status(); s.State != status.OutOfService || s.Phase != "closed" || !slices.Contains(s.Why, "starting") {
		t.Errorf("before the first state: %s, %s, %v", s.State, s.Phase, s.Why)
	}
	d.observer.observe(0, kiosk.State{})
	if s := d.status(); s.State != status.Serving || s.Phase != "ready" || len(s.Why) > 0 {
		t.Errorf("after the first state: %s, %s, %v", s.State, s.Phase, s.Why)
	}
}
