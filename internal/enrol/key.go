package enrol

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
)

// Key is the device's own key pair: P-256, for ES256, which a small processor signs
// with in little time. It prints as nothing.
type Key struct{ jwk jose.JSONWebKey }

// String hides the key.
func (k *Key) String() string { return "[private key]" }

// GoString hides the key from %#v.
func (k *Key) GoString() string { return "[private key]" }

// ID is the key's name: its thumbprint (RFC 7638).
func (k *Key) ID() string { return k.jwk.KeyID }

// Public is the public half as a JWK, for the server, an operator's portal or a QR code.
func (k *Key) Public() json.RawMessage {
	p := k.jwk.Public()
	b, err := p.MarshalJSON()
	if err != nil {
		panic("a key of ours cannot be written: " + err.Error()) // it was just made or read
	}
	return b
}

// Client is the key as package oidc signs with it.
func (k *Key) Client() (*oidc.ClientKey, error) {
	b, err := k.jwk.MarshalJSON()
	if err != nil {
		return nil, errors.New("client key: cannot be written")
	}
	defer clear(b)
	return oidc.ParseClientKey(b)
}

// secret is the private number; the caller clears nothing, it lives in the key.
func (k *Key) secret() []byte {
	b, err := k.jwk.Key.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		panic("a key of ours has no number: " + err.Error()) // parseKey saw to it
	}
	return b
}

func newKey() (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("client key: %w", err)
	}
	k := &Key{jose.JSONWebKey{Key: private, Algorithm: string(jose.ES256), Use: "sig"}}
	print, err := k.jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("client key: %w", err)
	}
	k.jwk.KeyID = base64.RawURLEncoding.EncodeToString(print)
	return k, nil
}

func parseKey(data []byte) (*Key, error) {
	var k Key
	if err := k.jwk.UnmarshalJSON(data); err != nil {
		return nil, errors.New("not a JWK")
	}
	private, ok := k.jwk.Key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() || k.jwk.KeyID == "" {
		return nil, errors.New("not a key that was made here")
	}
	return &k, nil
}

// key reads a key file, and makes it where there is none and that is wished.
func (d *folder) key(name string, make bool) (*Key, error) {
	data, err := d.read(name)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	if data != nil {
		k, err := parseKey(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; move it away to have a new one made", name, err)
		}
		return k, nil
	}
	if !make {
		return nil, nil
	}
	k, err := newKey()
	if err != nil {
		return nil, err
	}
	return k, d.writeKey(name, k)
}

func (d *folder) writeKey(name string, k *Key) error {
	b, err := k.jwk.MarshalJSON()
	if err != nil {
		return errors.New("client key: cannot be written")
	}
	defer clear(b)
	return d.write(name, append(b, '\n'))
}
