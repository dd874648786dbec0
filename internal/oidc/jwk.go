package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

const (
	maxKeys = 100  // servers publish 1 to 10
	minRSA  = 2048 // RFC 7518, section 3.3
	maxRSA  = 8192 // a longer modulus only makes signature checks slow on a small processor
)

// parseServerKeys reads a JWK set and skips unusable keys. It decodes key by key, because go-jose rejects a whole set for
// one key of an unknown type. (RFC 7517, section 5)
func parseServerKeys(data []byte) ([]serverKey, error) {
	o, err := strictjson.Parse(data)
	if err != nil {
		return nil, err
	}
	members, ok := o["keys"].([]any)
	if !ok {
		return nil, errors.New("JWK set: keys is not an array")
	}
	if len(members) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	var keys []serverKey
	for _, m := range members {
		o, ok := m.(strictjson.Object)
		if !ok {
			continue
		}
		if k, err := parseServerKey(o); err == nil {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no usable signing key")
	}
	return keys, nil
}

func parseServerKey(o strictjson.Object) (k serverKey, err error) {
	if o.Has("use") && o["use"] != "sig" {
		return k, errors.New("use is not sig")
	}
	if o.Has("key_ops") {
		if ops, _ := o.Texts("key_ops"); !slices.Contains(ops, "verify") {
			return k, errors.New("key_ops lacks verify")
		}
	}
	if o.Has("kid") {
		if k.kid, _ = o.Text("kid"); k.kid == "" {
			return k, errors.New("malformed kid")
		}
	}
	if o.Has("alg") {
		if k.alg, _ = o.Text("alg"); k.alg == "" {
			return k, errors.New("malformed alg")
		}
	}
	k.public, err = parsePublicKey(o)
	return k, err
}

// parsePublicKey parses a key with go-jose and rejects weak RSA keys, which go-jose accepts. It passes on only the members
// of the public key, because go-jose rejects a good key for a certificate beside it that it cannot parse.
func parsePublicKey(o strictjson.Object) (crypto.PublicKey, error) {
	members := strictjson.Object{}
	for _, name := range []string{"kty", "crv", "n", "e", "x", "y"} {
		if v, ok := o[name]; ok {
			members[name] = v
		}
	}
	data, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	switch k := jwk.Key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA || bits > maxRSA || k.N.Bit(0) == 0 {
			return nil, errors.New("RSA modulus too short, too long or even")
		}
		if k.E < 3 || int64(k.E) > 1<<31-1 || k.E&1 == 0 { // the exponents that crypto/rsa supports
			return nil, errors.New("RSA exponent even or out of range")
		}
	case *ecdsa.PublicKey, ed25519.PublicKey: // go-jose checks lengths and points
	default:
		return nil, errors.New("key type not supported")
	}
	return jwk.Key, nil
}
