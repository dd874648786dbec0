package provider

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"
)

// certAuthority is the server's own CA. It survives restarts, so that clients keep
// trusting it.
type certAuthority struct {
	Cert []byte `json:"cert"` // DER
	Key  []byte `json:"key"`  // SEC 1
}

// certificateLife is longer than the last 30 days, in which clients warn of the expiry.
const certificateLife = 60 * 24 * time.Hour

// TLS makes a server certificate for localhost, the loopback addresses and hosts. It
// returns the TLS configuration and, in PEM, the certificate of the CA that issued it.
func (s *Server) TLS(hosts ...string) (*tls.Config, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	ca, key, err := s.ensureCA(now)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	own := newPrivateKey("ES256")
	cert := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "devserver"},
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
	// Any client certificate is accepted here. The authentication method of the client
	// decides what it proves.
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca.Raw}, PrivateKey: own}}}
	return conf, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), nil
}

// ensureCA returns the CA, and makes one if there is none or it expires within a day.
// The lock must be held.
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
	key := newPrivateKey("ES256").(*ecdsa.PrivateKey)
	ca := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "devserver CA, for development only"},
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

// issueClientCert makes the certificate of a built-in client: issued by the CA for
// tls_client_auth, self-signed otherwise. The lock must be held.
func (s *Server) issueClientCert(c *client) error {
	now := s.opt.Now()
	issuer, signer, err := s.ensureCA(now)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	cert := &x509.Certificate{
		Subject: pkix.Name{CommonName: c.ID}, NotBefore: now.Add(-time.Hour), NotAfter: issuer.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	key := c.Private.Key.(*ecdsa.PrivateKey) // the caller made it
	if c.Auth == "self_signed_tls_client_auth" {
		issuer, signer = cert, key
	}
	if c.Cert, err = x509.CreateCertificate(rand.Reader, cert, issuer, key.Public(), signer); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}
