package ciba

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
)

// testCertificate is a self-signed certificate of testKey, good from a month before
// noon to a year after it.
func testCertificate(t *testing.T) *oidc.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, opKey.Public(), opKey)
	if err != nil {
		t.Fatal(err)
	}
	own, err := oidc.ParseCertificate(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// certificateFor gives a certificate to the ways of authentication that need one.
func certificateFor(t *testing.T, method string) *oidc.Certificate {
	if method == oidc.TLSClient || method == oidc.SelfSignedTLS {
		return testCertificate(t)
	}
	return nil
}

func requireCertificate() *tls.Config { return &tls.Config{ClientAuth: tls.RequireAnyClientCert} }
