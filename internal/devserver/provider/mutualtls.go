package provider

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
)

// clientCertificate returns the client certificate of the connection, nil if there is
// none. Nobody has verified it yet.
func (c *call) clientCertificate() *x509.Certificate {
	if c.r.TLS == nil || len(c.r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return c.r.TLS.PeerCertificates[0]
}

// certThumbprint returns x5t#S256 of the client certificate, empty if there is none.
func (c *call) certThumbprint() string {
	cert := c.clientCertificate()
	if cert == nil {
		return ""
	}
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

var errNoCertificate = errors.New("no client certificate in the TLS handshake")

// checkIssuedCert checks tls_client_auth: the server's own CA must have issued the
// certificate, for the registered subject (RFC 8705 section 2.1).
func (c *call) checkIssuedCert(cl *client, _ credentials) error {
	cert := c.clientCertificate()
	if cert == nil {
		return errNoCertificate
	}
	c.server.mu.Lock()
	ca, _, err := c.server.ensureCA(c.now)
	c.server.mu.Unlock()
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return errors.New("the client certificate is not from this server's CA, or not valid now")
	}
	if cl.CertSubject == "" || cert.Subject.String() != cl.CertSubject {
		return errors.New("the client certificate names another subject")
	}
	return nil
}

// checkSelfSignedCert checks self_signed_tls_client_auth: the certificate must have a
// registered key. Its issuer does not matter (RFC 8705 section 2.2).
func (c *call) checkSelfSignedCert(cl *client, _ credentials) error {
	cert := c.clientCertificate()
	if cert == nil {
		return errNoCertificate
	}
	for _, key := range cl.Keys {
		if public, ok := key.Key.(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(cert.PublicKey) {
			return nil
		}
	}
	return errors.New("the key of the client certificate is not registered")
}
