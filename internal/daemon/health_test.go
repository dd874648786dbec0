package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestExpiringCertificateIsReported: an expired client certificate would put a remote device out of service, so health
// reports it a month before.
func TestExpiringCertificateIsReported(t *testing.T) {
	d := newDaemon(t, nil)
	certificate := func() error {
		for _, c := range d.healthChecks() {
			if c.Name == "certificate" {
				return c.Run()
			}
		}
		t.Fatal("there is no check of the certificate")
		return nil
	}
	if err := certificate(); err != nil {
		t.Errorf("without a certificate: %v", err)
	}
	for left, text := range map[time.Duration]string{90 * 24 * time.Hour: "", 10 * 24 * time.Hour: "expires on", -time.Hour: "expired on"} {
		keyPEM, certPEM := testkit.Certificate(t, left)
		key, err := oidc.ParseClientKey(keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		if d.Certificate, err = oidc.ParseCertificate(certPEM, key); err != nil {
			t.Fatal(err)
		}
		if err := certificate(); (err == nil) != (text == "") || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("%v before it expires: %v", left, err)
		}
	}
}

// TestStartingCause: customers see the root cause only, and only of what keeps the device from opening.
func TestStartingCause(t *testing.T) {
	failed := func(name, behind string) health.Item { return health.Item{Name: name, Behind: behind} }
	for _, c := range []struct {
		items []health.Item
		want  screen.MessageID
	}{
		{nil, ""},
		{[]health.Item{{Name: "network", OK: true}, {Name: "server", OK: true}, failed("disk", ""), failed("temperature", "")}, ""},
		{[]health.Item{failed("network", ""), failed("dns", "network"), failed("server", "network")}, screen.MsgClosedNetwork},
		{[]health.Item{{Name: "network", OK: true}, failed("dns", ""), failed("server", "dns")}, screen.MsgClosedServer},
		{[]health.Item{{Name: "network", OK: true}, failed("tls", ""), failed("server", "tls")}, screen.MsgClosedServer},
		{[]health.Item{failed("temperature", ""), failed("server", "")}, screen.MsgClosedServer},
		{[]health.Item{failed("clock", ""), failed("tls", "clock"), failed("server", "clock")}, ""}, // the clock has a closure of its own
	} {
		if got := startingCauseOf(c.items); got != c.want {
			t.Errorf("%+v: %q, want %q", c.items, got, c.want)
		}
	}
}
