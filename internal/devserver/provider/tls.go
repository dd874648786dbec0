package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// certAuthority is our own certificate authority, kept in the state file so that a
// kiosk which trusts it still does after a restart.
type certAuthority struct {
	Cert []byte `json:"cert"` // DER
	Key  []byte `json:"key"`  // SEC 1
}

// certificateLife is short enough that a forgotten one does no harm, and longer than
// the 30 days before their end in which clients begin to worry.
const certificateLife = 60 * 24 * time.Hour

// TLS makes a server certificate for localhost, the loopback addresses and the
// hosts given, signed by an authority of our own, and returns the TLS settings and
// the authority's certificate as PEM.
func (s *Server) TLS(hosts ...string) (*tls.Config, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	ca, key, err := s.ensureCA(now)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	cert := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "devserver"},
		NotBefore: now.Add(-time.Hour), NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range append([]string{"localhost", "127.0.0.1", "::1"}, hosts...) {
		if ip := net.ParseIP(h); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else if h != "" {
			cert.DNSNames = append(cert.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, ca, own.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	s.mtls = true
	// A certificate is asked for and taken whoever signed it: what it proves depends on
	// how the client is registered.
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca.Raw}, PrivateKey: own}}}
	return conf, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), nil
}

// ensureCA reads or makes the certificate authority. The lock must be held.
func (s *Server) ensureCA(now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	if a := s.state.CA; a != nil {
		cert, err1 := x509.ParseCertificate(a.Cert)
		key, err2 := x509.ParseECPrivateKey(a.Key)
		if err := errors.Join(err1, err2); err != nil {
			return nil, nil, fmt.Errorf("in the state file: %w", err)
		}
		if now.Add(24 * time.Hour).Before(cert.NotAfter) {
			return cert, key, nil
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "devserver CA, for development only"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	s.state.CA = &certAuthority{Cert: der, Key: raw}
	return cert, key, s.save()
}

// issueClientCert makes the certificate of a ready-made client: issued by our authority for
// tls_client_auth, else by its own key. The lock must be held.
func (s *Server) issueClientCert(c *client) error {
	now := s.opt.Now()
	issuer, signer, err := s.ensureCA(now)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	cert := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: c.ID}, NotBefore: now.Add(-time.Hour), NotAfter: issuer.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	key := c.Private.Key.(*ecdsa.PrivateKey) // made a moment ago
	if c.Auth == "self_signed_tls_client_auth" {
		issuer, signer = cert, key
	}
	if c.Cert, err = x509.CreateCertificate(rand.Reader, cert, issuer, key.Public(), signer); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

func newSerial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // never fails since Go 1.24
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
