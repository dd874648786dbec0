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
	// ExpirySoon is how long before its end a client certificate is warned of: time
	// enough to order another one and to travel to the device.
	ExpiryWarning = 30 * 24 * time.Hour

	// maxChain is the most certificates of a chain; real ones have 1 to 4.
	maxChain = 10
)

// Certificate is the client certificate of mutual TLS (RFC 8705) with its key.
type Certificate struct {
	chain tls.Certificate
	leaf  *x509.Certificate
}

// ParseCertificate reads a PEM chain, the device's own certificate first, and joins
// it with its key. Errors are for a technician and repeat nothing of the files.
func ParseCertificate(data []byte, key *ClientKey) (*Certificate, error) {
	if key == nil {
		return nil, errors.New("client certificate: there is no client key to go with it")
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
			continue // a key in the same file, say; the key's own setting counts
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("client certificate: damaged PEM file")
		}
		if c.leaf == nil {
			c.leaf = one
		}
		if c.chain.Certificate = append(c.chain.Certificate, block.Bytes); len(c.chain.Certificate) > maxChain {
			return nil, fmt.Errorf("client certificate: more than %d certificates; the chain of one is wanted, not a bundle", maxChain)
		}
	}
	if c.leaf == nil {
		return nil, errors.New("client certificate: no certificate in the file")
	}
	public, ok := c.leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return nil, errors.New("client certificate: it belongs to another key than KIOSK_CLIENT_KEY_FILE; the device's own certificate must be the first in the file")
	}
	c.chain.Leaf = c.leaf
	return c, nil
}

// Expires is the moment from which servers refuse the certificate.
func (c *Certificate) Expires() time.Time { return c.leaf.NotAfter }

// CheckValidity tells a technician what is wrong with the certificate's time, now or
// within ExpirySoon; nil if nothing is. It is no reason to stop: the device's clock
// may be the one that is wrong, and the server decides.
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

// clientCertificate gives the certificate to every server that asks for one. Go by itself
// would hold back one whose issuer the server does not list, and a self-signed one
// is on nobody's list (RFC 8705, section 2.2).
func (c *Certificate) clientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return &c.chain, nil
}
