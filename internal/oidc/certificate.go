package oidc

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

const (
	// ExpiryWarning is how long before its expiry a client certificate causes warnings: time enough to order another
	// one and to travel to the device.
	ExpiryWarning = 30 * 24 * time.Hour

	// maxChain limits a certificate chain; real ones have 1 to 4.
	maxChain = 10
)

// Certificate is the client certificate of mutual TLS with its key. (RFC 8705)
type Certificate struct {
	chain tls.Certificate
	leaf  *x509.Certificate
}

// ParseCertificate reads a PEM chain that begins with the device's own certificate, and joins it with its key. Errors
// quote nothing of the file.
func ParseCertificate(data []byte, key *ClientKey) (*Certificate, error) {
	if key == nil {
		return nil, errors.New("client certificate: no client key is configured")
	}
	c := &Certificate{chain: tls.Certificate{PrivateKey: key.signer}}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(bytes.TrimSpace(rest)) > 0 && len(c.chain.Certificate) == 0 {
				return nil, errors.New("client certificate: not a PEM file")
			}
			break
		}
		if block.Type != "CERTIFICATE" {
			continue // for example a key; the key has its own setting
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("client certificate: damaged PEM file")
		}
		if c.leaf == nil {
			c.leaf = one
		}
		if c.chain.Certificate = append(c.chain.Certificate, block.Bytes); len(c.chain.Certificate) > maxChain {
			return nil, fmt.Errorf("client certificate: more than %d certificates; the file must hold one chain, not a bundle", maxChain)
		}
	}
	if c.leaf == nil {
		return nil, errors.New("client certificate: no certificate in the file")
	}
	public, ok := c.leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return nil, errors.New("client certificate: does not match KIOSK_CLIENT_KEY_FILE; the device's own certificate must be the first in the file")
	}
	c.chain.Leaf = c.leaf
	return c, nil
}

// Expires returns the moment from which servers reject the certificate.
func (c *Certificate) Expires() time.Time { return c.leaf.NotAfter }

// CheckValidity returns an error, for a technician, if the certificate is not valid at now or expires within
// ExpiryWarning. The kiosk goes on all the same: its clock may be wrong, and the server decides.
func (c *Certificate) CheckValidity(now time.Time) error {
	const day = "2006-01-02"
	switch left := c.leaf.NotAfter.Sub(now); {
	case now.Before(c.leaf.NotBefore):
		return fmt.Errorf("client certificate: not valid before %s", c.leaf.NotBefore.UTC().Format(day))
	case left < 0:
		return fmt.Errorf("client certificate: expired on %s; renew it, then reload or restart", c.leaf.NotAfter.UTC().Format(day))
	case left < ExpiryWarning:
		return fmt.Errorf("client certificate: expires on %s; renew it, then reload or restart", c.leaf.NotAfter.UTC().Format(day))
	}
	return nil
}

// clientCertificate presents the certificate to every server that asks. Go's default would withhold one whose issuer
// the server does not list, and a self-signed one is on no list. (RFC 8705, section 2.2)
func (c *Certificate) clientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return &c.chain, nil
}
