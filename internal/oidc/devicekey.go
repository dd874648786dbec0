package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// NewClientKey makes a P-256 key for ES256, with which a small processor signs fast (RSA takes fifteen times as
// long). Its ID is its thumbprint, so that a server can tell it from its predecessor. (RFC 7638)
func NewClientKey() (*ClientKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("client key: %w", err)
	}
	id, err := keyThumbprint(private.Public())
	if err != nil {
		return nil, err
	}
	return &ClientKey{signer: private, keyID: id, alg: string(jose.ES256)}, nil
}

// PrivateJWK returns the private JWK, which ParseClientKey reads. The caller zeroes it. (RFC 7517)
func (k *ClientKey) PrivateJWK() (kiosk.Secret, error) {
	b, err := k.jwk(k.signer)
	if err != nil {
		return nil, errors.New("client key: encoding failed")
	}
	return b, nil
}

// PublicJWK returns the public JWK, for a server, an operator's portal or a QR code.
func (k *ClientKey) PublicJWK() (json.RawMessage, error) {
	b, err := k.jwk(k.Public())
	if err != nil {
		return nil, errors.New("client key: encoding failed")
	}
	return b, nil
}

// PublicPEM returns the public key as a PEM block of SubjectPublicKeyInfo (RFC 5280, section 4.1), for portals that take no JWK.
func (k *ClientKey) PublicPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return nil, errors.New("client key: encoding failed")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func (k *ClientKey) jwk(key any) ([]byte, error) {
	return jose.JSONWebKey{Key: key, KeyID: k.keyID, Algorithm: k.alg, Use: "sig"}.MarshalJSON()
}

// Derive returns a secret of size bytes for one purpose, by HKDF from the private key, which must be on an elliptic
// curve. The caller zeroes it. (RFC 5869)
func (k *ClientKey) Derive(purpose string, size int) ([]byte, error) {
	private, ok := k.signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("client key: not an elliptic-curve key")
	}
	number, err := private.Bytes()
	if err != nil {
		return nil, errors.New("client key: damaged")
	}
	defer clear(number)
	return hkdf.Key(sha256.New, number, nil, purpose, size)
}
