package app

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestAskedBeforeItHasBegun: the socket is there before the first state, on a slow board for
// long enough to be asked. Nobody is told meanwhile that customers are served.
func TestAskedBeforeItHasBegun(t *testing.T) {
	var log bytes.Buffer
	a := open(t, &log, "KIOSK_ISSUER", "http://127.0.0.1:1", "KIOSK_CLIENT_ID", "kiosk", "KIOSK_CLIENT_SECRET_FILE", secretFile(t, "a secret of the test's"))
	r := a.resident(nil, unseen{}, func(context.Context) error { return nil }, RunOptions{}, nil)
	if s := r.status(); s.State != status.OutOfService || s.Phase != "closed" || !slices.Contains(s.Why, "starting") {
		t.Errorf("before: %s, %s, %v", s.State, s.Phase, s.Why)
	}
	r.seat.Show(0, kiosk.State{}, kiosk.Private{})
	if s := r.status(); s.State != status.Serving || s.Phase != "ready" || len(s.Why) > 0 {
		t.Errorf("then: %s, %s, %v", s.State, s.Phase, s.Why)
	}
}
