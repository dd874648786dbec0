package config

import (
	"crypto/x509"
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Roots returns the certificates of KIOSK_CA_FILE, which replace the system's roots; nil if it is not set.
func (s *Settings) Roots() (*x509.CertPool, error) {
	if !s.CA.IsSet() {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.CA.Data) {
		return nil, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CA_FILE", fmt.Errorf("%s contains no certificate in PEM form", s.CA.Path))
	}
	return pool, nil
}
