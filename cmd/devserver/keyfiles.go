package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
)

// keyFile returns the file for a client's key (.pem) or secret (.secret).
func keyFile(dir string, c provider.Client) string {
	if c.Key != nil {
		return filepath.Join(dir, c.ID+".pem")
	}
	return filepath.Join(dir, c.ID+".secret")
}

// certFile returns the file for a client's certificate.
func certFile(dir string, c provider.Client) string { return filepath.Join(dir, c.ID+".crt") }

// writeKeys writes the credentials of clients: private keys as PKCS#8, secrets without a
// line end, with mode 0600 in a folder with mode 0700.
func writeKeys(dir string, clients []provider.Client) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	for _, c := range clients {
		data := []byte(c.Secret)
		if c.Key != nil {
			der, err := x509.MarshalPKCS8PrivateKey(c.Key)
			if err != nil {
				return fmt.Errorf("keys: %s: %w", c.ID, err)
			}
			data = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		}
		for path, data := range map[string][]byte{keyFile(dir, c): data, certFile(dir, c): c.Cert} {
			if len(data) == 0 {
				continue // a public client, or one without a certificate
			}
			os.Remove(path) // WriteFile would keep the mode of an old file
			if err := os.WriteFile(path, data, 0o600); err != nil {
				return fmt.Errorf("keys: %w", err)
			}
		}
	}
	return nil
}
