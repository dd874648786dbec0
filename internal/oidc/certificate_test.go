package oidc

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// selfSigned returns a self-signed certificate for a key, in PEM form, valid for a year around noon.
func selfSigned(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kiosk"},
		NotBefore: noon.AddDate(0, -6, 0), NotAfter: noon.AddDate(0, 6, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func ownCertificate(t *testing.T) *Certificate {
	t.Helper()
	c, err := ParseCertificate(selfSigned(t, ecKey), parseKey(t, ecKey))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseCertificate(t *testing.T) {
	mine, other := selfSigned(t, ecKey), selfSigned(t, rsaKey)
	key := parseKey(t, ecKey)
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(ecKey))})
	for name, c := range map[string]struct {
		file  []byte
		key   *ClientKey
		words string // of the error; empty: none
	}{
		"a certificate":              {mine, key, ""},
		"with its chain":             {append(append([]byte{}, mine...), other...), key, ""},
		"the key in the same file":   {append(append([]byte{}, keyPEM...), mine...), key, ""},
		"for another key":            {other, key, "does not match KIOSK_CLIENT_KEY_FILE"},
		"the chain in reverse order": {append(append([]byte{}, other...), mine...), key, "must be the first"},
		"no key":                     {mine, nil, "no client key"},
		"a key only":                 {keyPEM, key, "no certificate in the file"},
		"not PEM":                    {[]byte("hush"), key, "not a PEM file"},
		"damaged":                    {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hush")}), key, "damaged"},
		"a bundle of authorities":    {[]byte(strings.Repeat(string(mine), 11)), key, "bundle"},
	} {
		got, err := ParseCertificate(c.file, c.key)
		switch {
		case c.words == "" && (err != nil || !got.Expires().Equal(noon.AddDate(0, 6, 0))):
			t.Errorf("%s: %v", name, err)
		case c.words != "" && (err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "hush")):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckValidity(t *testing.T) {
	c := ownCertificate(t)
	end := noon.AddDate(0, 6, 0)
	for name, when := range map[string]struct {
		now   time.Time
		words string
	}{
		"valid for months":    {noon, ""},
		"over 30 days before": {end.AddDate(0, 0, -30).Add(-time.Second), ""},
		"30 days before":      {end.AddDate(0, 0, -30).Add(time.Second), "expires on 2027-05-22"},
		"expired":             {end.Add(time.Second), "expired on 2027-05-22"},
		"not valid yet":       {noon.AddDate(-1, 0, 0), "not valid before 2026-05-22"},
	} {
		err := c.CheckValidity(when.now)
		if (when.words == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), when.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestClientCertificateIsPresented has a server that lists its trusted authorities: it gets a self-signed certificate too.
func TestClientCertificateIsPresented(t *testing.T) {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(selfSigned(t, rsaKey))
	for name, version := range map[string]uint16{"TLS 1.3": tls.VersionTLS13, "TLS 1.2": tls.VersionTLS12} {
		s, pool := tlsServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, ClientCAs: trusted, MaxVersion: version})
		_, err := NewTransport(TransportOptions{Roots: pool}).SendOnce(post(t, s.URL), MaxResponse)
		if err == nil || !strings.Contains(err.Error(), "TLS: rejected by the server") {
			t.Errorf("%s: no certificate: %v", name, err)
		}
		// TLS 1.2 has no specific alert for it.
		if got := IsClientCertificateRejected(err); got != (version == tls.VersionTLS13) {
			t.Errorf("%s: refused for the certificate: %v", name, got)
		}
		transport := NewTransport(TransportOptions{Roots: pool, Certificate: ownCertificate(t)})
		for what, send := range map[string]func(*http.Request, int64) (*Reply, error){"Send": transport.Send, "SendOnce": transport.SendOnce} {
			reply, err := send(post(t, s.URL), MaxResponse)
			if err != nil || string(reply.Body) != `{"certificates":1}` {
				t.Errorf("%s, %s: %+v, %v", name, what, reply, err)
			}
		}
		transport.CloseIdleConnections()
	}
	if IsClientCertificateRejected(errors.New("x")) || IsClientCertificateRejected(nil) {
		t.Error("other errors count as rejected certificates")
	}
}

// FuzzParseCertificate checks that an accepted certificate belongs to the key.
func FuzzParseCertificate(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"))
	f.Add([]byte(""))
	der := must(x509.MarshalPKCS8PrivateKey(ecKey))
	key := must(ParseClientKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseCertificate(data, key); err == nil && !ecKey.PublicKey.Equal(c.leaf.PublicKey) {
			t.Error("a certificate for another key was accepted")
		}
	})
}
