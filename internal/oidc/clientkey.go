package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// ClientKey is the private key by which this device proves who it is. It prints
// as nothing.
type ClientKey struct {
	signer crypto.Signer
	id     string // kid; empty if the file names none
	alg    string // pinned by a JWK; else empty
}

// String hides the key.
func (k *ClientKey) String() string { return "[private key]" }

// GoString hides the key from %#v.
func (k *ClientKey) GoString() string { return "[private key]" }

// ID is the key's name (kid); empty if its file gives none.
func (k *ClientKey) ID() string { return k.id }

// Public is the public half.
func (k *ClientKey) Public() crypto.PublicKey { return k.signer.Public() }

// ParseClientKey reads a private key from PEM (PKCS#8, SEC 1 or PKCS#1, RFC 7468)
// or from a JWK (RFC 7517), whose kid and alg are kept. P-256, P-384, P-521,
// Ed25519 and RSA of 2048 bits or more are accepted. Errors repeat nothing of the
// file.
func ParseClientKey(data []byte) (*ClientKey, error) {
	var k ClientKey
	block, rest := pem.Decode(data)
	for block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam writes one in front
		block, rest = pem.Decode(rest)
	}
	var private any
	if block == nil {
		o, err := strictjson.Parse(data)
		if err != nil {
			return nil, errors.New("client key: neither PEM nor a JWK")
		}
		var j jose.JSONWebKey
		if err := j.UnmarshalJSON(data); err != nil {
			return nil, errors.New("client key: not a private JWK of a known type")
		}
		private = j.Key
		k.id, k.alg = j.KeyID, j.Algorithm
		if use, _ := o.Text("use"); use == "enc" {
			return nil, errors.New("client key: the JWK is for encryption")
		}
	} else {
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			private, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("client key: the PEM file is protected by a password; nobody is there to type it")
		default:
			return nil, fmt.Errorf("client key: a PEM file of %q is no private key", Printable(block.Type, 40))
		}
		if err != nil {
			return nil, errors.New("client key: damaged PEM file")
		}
	}
	s, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("client key: not a private signing key")
	}
	if r, ok := s.(*rsa.PrivateKey); ok && r.N.BitLen() < minRSA {
		return nil, fmt.Errorf("client key: RSA key of %d bits; at least %d are needed", r.N.BitLen(), minRSA)
	}
	k.signer = s
	if k.alg != "" {
		if !suitsAlgorithm(s.Public(), k.alg) {
			return nil, errors.New("client key: the JWK's alg does not fit its key")
		}
		return &k, nil
	}
	if k.chooseAlgorithm(nil) == "" {
		return nil, errors.New("client key: type not supported")
	}
	return &k, nil
}

// chooseAlgorithm chooses the alg: the JWK's; else by the curve; for RSA PS256 where
// the server lists it (FAPI 2.0), else RS256, which every server knows.
func (k *ClientKey) chooseAlgorithm(listed []string) string {
	if k.alg != "" {
		return k.alg
	}
	switch s := k.signer.(type) {
	case *ecdsa.PrivateKey:
		switch s.Curve.Params().BitSize {
		case 256:
			return string(jose.ES256)
		case 384:
			return string(jose.ES384)
		case 521:
			return string(jose.ES512)
		}
	case ed25519.PrivateKey:
		return string(jose.EdDSA)
	case *rsa.PrivateKey:
		if slices.Contains(listed, string(jose.PS256)) {
			return string(jose.PS256)
		}
		return string(jose.RS256)
	}
	return ""
}

// sign makes a compact JWS of a JSON text with the given typ.
func (k *ClientKey) sign(payload []byte, alg, typ string) (string, error) {
	opt := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	if k.id != "" {
		opt = opt.WithHeader("kid", k.id)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: k.signer}, opt)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return jws.CompactSerialize()
}

// assertionLife is how long a client assertion is good: it is used at once, and
// Auth0 advises a minute.
const assertionLifetime = time.Minute
