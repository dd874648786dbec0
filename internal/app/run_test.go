package app

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
)

// TestDoctorOfTheMenu: a technician at the screen sees the failure first, with its fix.
func TestDoctorOfTheMenu(t *testing.T) {
	var log bytes.Buffer
	a := open(t, &log, "KIOSK_ISSUER", "http://127.0.0.1:1", "KIOSK_CLIENT_ID", "kiosk", "KIOSK_CLIENT_SECRET_FILE", testkit.SecretFile(t, "secret"))
	ask := func(context.Context) (status.Status, error) { return status.Status{}, nil }
	fields := a.daemonOptions(RunOptions{}, "").Doctor(t.Context(), ask)
	if f := fields[1]; f.Label != "failed route" || !strings.Contains(f.Value, "; fix: ") {
		t.Errorf("first line: %+v", f)
	}
}
