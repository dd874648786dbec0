package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// ClientKey is the private key with which this device authenticates. Printing it shows nothing.
type ClientKey struct {
	signer crypto.Signer
	keyID  string // kid; empty if the file has none
	alg    string // fixed by a JWK; else empty
}

// String hides the key.
func (k *ClientKey) String() string { return "[private key]" }

// GoString hides the key from %#v.
func (k *ClientKey) GoString() string { return "[private key]" }

// ID returns the key ID (kid); empty if the key's file has none.
func (k *ClientKey) ID() string { return k.keyID }

// NoKeyID is the argument of WithID for a key whose signatures carry no kid.
const NoKeyID = "none"

// WithID returns the key with another key ID. An empty id keeps the one in the key's file or, if that has none, is the key's
// thumbprint: some servers accept no signature without kid. (RFC 7638)
func (k *ClientKey) WithID(id string) (*ClientKey, error) {
	named := *k
	switch {
	case id == NoKeyID:
		named.keyID = ""
	case id != "":
		named.keyID = id
	case k.keyID == "":
		print, err := keyThumbprint(k.Public())
		if err != nil {
			return nil, err
		}
		named.keyID = print
	}
	return &named, nil
}

// keyThumbprint returns the thumbprint of a key with SHA-256, in base64url. (RFC 7638)
func keyThumbprint(key any) (string, error) {
	j := jose.JSONWebKey{Key: key}
	sum, err := j.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("client key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// Public returns the public key.
func (k *ClientKey) Public() crypto.PublicKey { return k.signer.Public() }

// ParseClientKey reads a private key from PEM (PKCS#8, SEC 1 or PKCS#1) or from a JWK, whose kid and alg it keeps. It
// accepts P-256, P-384, P-521, Ed25519, and RSA of at least 2048 bits. Errors quote nothing of the file. (RFC 7468,
// RFC 7517)
func ParseClientKey(data []byte) (*ClientKey, error) {
	block, rest := pem.Decode(data)
	for block != nil && block.Type == "EC PARAMETERS" { // which openssl ecparam writes first
		block, rest = pem.Decode(rest)
	}
	var (
		k       ClientKey
		private any
		err     error
	)
	if block == nil {
		private, err = k.parseJWK(data)
	} else {
		private, err = parsePEM(block)
	}
	if err != nil {
		return nil, fmt.Errorf("client key: %w", err)
	}
	var ok bool
	if k.signer, ok = private.(crypto.Signer); !ok {
		return nil, errors.New("client key: not a private signing key")
	}
	if r, ok := private.(*rsa.PrivateKey); ok && r.N.BitLen() < minRSA {
		return nil, fmt.Errorf("client key: RSA key of %d bits is too short; use at least %d", r.N.BitLen(), minRSA)
	}
	switch {
	case k.alg != "" && !suitsAlgorithm(k.Public(), k.alg):
		return nil, errors.New("client key: the JWK's alg does not match its key type")
	case k.chooseAlgorithm(nil) == "":
		return nil, errors.New("client key: unsupported type")
	}
	return &k, nil
}

// parseJWK returns the private key of a JWK and sets the kid and alg of k.
func (k *ClientKey) parseJWK(data []byte) (any, error) {
	o, err := strictjson.Parse(data)
	if err != nil {
		return nil, errors.New("neither PEM nor a JWK")
	}
	var j jose.JSONWebKey
	if err := j.UnmarshalJSON(data); err != nil {
		return nil, errors.New("not a private JWK of a supported type")
	}
	if use, _ := o.Text("use"); use == "enc" {
		return nil, errors.New("the JWK is for encryption")
	}
	k.keyID, k.alg = j.KeyID, j.Algorithm
	return j.Key, nil
}

// parsePEM returns the private key of a PEM block.
func parsePEM(block *pem.Block) (private any, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		private, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("the PEM file is encrypted; the kiosk cannot ask for a password")
	default:
		return nil, fmt.Errorf("a PEM file of type %q is not a private key", sanitize.ASCII(block.Type, 40))
	}
	if err != nil {
		return nil, errors.New("damaged PEM file")
	}
	return private, nil
}

// chooseAlgorithm returns the JWK's alg; else the curve's; for RSA PS256 if the server lists it (FAPI 2.0), else
// RS256, which every server supports. It returns "" for an unsupported key.
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

// sign returns payload as a compact JWS with the given typ.
func (k *ClientKey) sign(payload []byte, alg, typ string) (string, error) {
	opt := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	if k.keyID != "" {
		opt = opt.WithHeader("kid", k.keyID)
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
