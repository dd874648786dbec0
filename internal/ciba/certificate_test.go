package ciba

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
)

// testCertificate is a self-signed certificate of testKey, valid from a month before noon to a year after it.
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

// certificateFor adds a certificate for the authentication methods that need one.
func certificateFor(t *testing.T, method string) *oidc.Certificate {
	if method == oidc.TLSClient || method == oidc.SelfSignedTLS {
		return testCertificate(t)
	}
	return nil
}

func requireCertificate() *tls.Config { return &tls.Config{ClientAuth: tls.RequireAnyClientCert} }

// p384 is a client key that can sign assertions but not requests.
func p384(t *testing.T) *oidc.ClientKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	k, err := oidc.ParseClientKey(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
