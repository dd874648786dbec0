package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// NewClientKey makes a key pair for this device: P-256, for ES256, which a small
// processor signs with in little time (RSA takes fifteen times as long). Its name is
// its thumbprint (RFC 7638), so that a server can tell it from the one before.
func NewClientKey() (*ClientKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("client key: %w", err)
	}
	j := jose.JSONWebKey{Key: private}
	print, err := j.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("client key: %w", err)
	}
	return &ClientKey{signer: private, id: base64.RawURLEncoding.EncodeToString(print), alg: string(jose.ES256)}, nil
}

// PrivateJWK is the key as a private JWK (RFC 7517), which ParseClientKey reads. The caller zeroes it.
func (k *ClientKey) PrivateJWK() (kiosk.Secret, error) {
	b, err := k.jwk(k.signer)
	if err != nil {
		return nil, errors.New("client key: cannot be written")
	}
	return b, nil
}

// PublicJWK is the public half as a JWK, for a server, an operator's portal or a QR code.
func (k *ClientKey) PublicJWK() (json.RawMessage, error) {
	b, err := k.jwk(k.Public())
	if err != nil {
		return nil, errors.New("client key: cannot be written")
	}
	return b, nil
}

func (k *ClientKey) jwk(key any) ([]byte, error) {
	return jose.JSONWebKey{Key: key, KeyID: k.id, Algorithm: k.alg, Use: "sig"}.MarshalJSON()
}

// Derive gives a secret of size bytes for one purpose, which only whoever has this
// key can make (HKDF, RFC 5869). The key must be on an elliptic curve. The caller clears it.
func (k *ClientKey) Derive(purpose string, size int) ([]byte, error) {
	private, ok := k.signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("client key: of another kind than is made here")
	}
	number, err := private.Bytes()
	if err != nil {
		return nil, errors.New("client key: damaged")
	}
	defer clear(number)
	return hkdf.Key(sha256.New, number, nil, purpose, size)
}
