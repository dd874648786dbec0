//go:build interop

package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/setup"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestProvisioningAtAnIndependentServer: a technician signs in (RFC 8628), the device registers itself with its own key
// (RFC 7591), serves a customer, changes its key (RFC 7592), and serves again.
func TestProvisioningAtAnIndependentServer(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	dir := filepath.Join(t.TempDir(), "state")
	testkit.SetEnv(t, "STATE_DIRECTORY", dir, "KIOSK_ISSUER", os.Getenv("INTEROP_ISSUER"), "KIOSK_BOOTSTRAP_CLIENT_ID", "kiosk-bootstrap",
		"KIOSK_API_URL", os.Getenv("INTEROP_CONTROL")+"/api/customer")
	s, err := config.Load()
	if !setup.IsPossible(s, err) {
		t.Fatalf("set-up is not possible: %v", err)
	}
	began := time.Now()
	var steps []string
	provisioning := func() *setup.Provisioning {
		p, err := setup.Open(s, logger, setup.ProvisionOptions{
			Show: func(a enrol.Approval) {
				steps = append(steps, "approve")
				callProvider(t, "POST", "/approve?user=carol&user_code="+a.UserCode)
			},
			Tell: func(s setup.Step) { steps = append(steps, s.Name) },
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := provisioning()
	defer func() { p.Close() }()
	if err := p.Run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if want := []string{"key", "approve", "registered", "settings", "proved"}; !slices.Equal(steps, want) || !p.IsManaged() {
		t.Errorf("steps %q, managed %v", steps, p.IsManaged())
	}
	if info, err := os.Stat(filepath.Join(dir, enrol.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", info, err)
	}
	serve := func(when string) {
		t.Helper()
		settings, err := config.Load()
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		a, err := Open(settings, "test", logger)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		defer a.Close()
		callProvider(t, "POST", "/auto?mode=approve&delay=1&user=alice")
		if why, lines := visit(t, context.Background(), a, "alice"); why != kiosk.NoReason {
			t.Fatalf("%s: reason %q: %+v\n%s", when, why, lines, log.String())
		}
	}
	serve("first visit")
	t.Logf("from the command to the result of the first visit: %.1f s, of which 10 s are polling intervals", time.Since(began).Seconds())

	id, old := p.ClientID(), p.Key().ID()
	for range 2 { // another run changes nothing
		if err := p.Run(t.Context()); err != nil || p.ClientID() != id {
			t.Fatalf("another run: client %q, %v", p.ClientID(), err)
		}
	}
	for turn := range 2 { // the second needs the registration access token from the first
		if state, err := p.RotateKey(t.Context()); err != nil || state != enrol.BothKeysValid {
			t.Fatalf("rotation %d: %v, %v", turn, state, err)
		}
		if _, err := p.FinishRotation(t.Context()); err != nil {
			t.Fatalf("rotation %d: %v", turn, err)
		}
	}
	if p.Key().ID() == old {
		t.Error("the key has not changed")
	}
	serve("after the rotations")
	if text := log.String(); strings.Contains(text, "Bearer") || strings.Contains(text, "eyJ") {
		t.Errorf("token in the log:\n%s", text)
	}
}

// TestRegistrationNeedsPermissionAtAnIndependentServer: an invalid initial access token registers nothing.
func TestRegistrationNeedsPermissionAtAnIndependentServer(t *testing.T) {
	dir := t.TempDir()
	p, err := setup.Open(&config.Settings{Issuer: os.Getenv("INTEROP_ISSUER"), StateDir: dir, Delivery: "poll", Scope: []string{"openid"}},
		slog.New(slog.DiscardHandler), setup.ProvisionOptions{Initial: kiosk.Secret("not-a-token"), Tell: func(setup.Step) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Run(t.Context()); kiosk.ReasonOf(err) != kiosk.Misconfigured || p.ClientID() != "" {
		t.Errorf("client %q, %v", p.ClientID(), err)
	}
}
