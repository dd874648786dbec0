package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
)

// A client certificate that nobody renews would end the service of a device that
// nobody is near, so it is on the board a month before.
func TestACertificateThatEndsSoonIsNotWell(t *testing.T) {
	clock := host.NewClock()
	a := &App{clock: clock, time: oidc.NewClock(oidc.ClockOptions{Issuer: "https://id.example", Wall: clock.Wall, Uptime: clock.Now, Synchronised: clock.Kept})}
	item := func() error {
		for _, c := range (&resident{app: a}).healthItems() {
			if c.Name == "certificate" {
				return c.Look()
			}
		}
		t.Fatal("there is no such item")
		return nil
	}
	if err := item(); err != nil {
		t.Errorf("without a certificate: %v", err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := oidc.ParseClientKey(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	for left, words := range map[time.Duration]string{90 * 24 * time.Hour: "", 10 * 24 * time.Hour: "expires on", -time.Hour: "expired on"} {
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: clock.Wall().AddDate(-1, 0, 0), NotAfter: clock.Wall().Add(left)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, private.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		if a.mine, err = oidc.ParseCertificate(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key); err != nil {
			t.Fatal(err)
		}
		if err := item(); (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%v before its end: %v", left, err)
		}
	}
}
