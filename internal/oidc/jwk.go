package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

const (
	maxKeys = 100  // servers publish 1 to 10
	minRSA  = 2048 // RFC 7518, section 3.3
	maxRSA  = 8192 // a longer modulus only burns a small processor's time
)

// parseKeys reads a JWK set (RFC 7517, section 5) key by key: one that we do not
// understand must not spoil the others.
func parseKeys(data []byte) ([]serverKey, error) {
	o, err := strictjson.Parse(data)
	if err != nil {
		return nil, err
	}
	members, ok := o["keys"].([]any)
	if !ok {
		return nil, errors.New("no list of keys")
	}
	if len(members) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	var out []serverKey
	for _, m := range members {
		o, ok := m.(strictjson.Object)
		if !ok {
			continue
		}
		if k, err := parseServerKey(o); err == nil {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no usable signing key")
	}
	return out, nil
}

func parseServerKey(o strictjson.Object) (serverKey, error) {
	var k serverKey
	if o.Has("use") && o["use"] != "sig" {
		return k, errors.New("not for signatures")
	}
	if o.Has("key_ops") {
		ops, _ := o.Texts("key_ops")
		if !slices.Contains(ops, "verify") {
			return k, errors.New("not for verifying")
		}
	}
	if o.Has("kid") {
		if k.id, _ = o.Text("kid"); k.id == "" {
			return k, errors.New("bad name")
		}
	}
	if o.Has("alg") {
		if k.alg, _ = o.Text("alg"); k.alg == "" {
			return k, errors.New("bad alg")
		}
	}
	var err error
	switch o["kty"] {
	case "RSA":
		k.public, err = parseRSA(o)
	case "EC":
		k.public, err = parseEC(o)
	case "OKP":
		k.public, err = parseEd25519(o)
	default:
		err = errors.New("key type not understood")
	}
	return k, err
}

func parseRSA(o strictjson.Object) (crypto.PublicKey, error) {
	n, err1 := numeral(o, "n")
	e, err2 := numeral(o, "e")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	k := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	exp := new(big.Int).SetBytes(e)
	if bits := k.N.BitLen(); bits < minRSA || bits > maxRSA || k.N.Bit(0) == 0 {
		return nil, errors.New("RSA key too short, too long or even")
	}
	if !exp.IsInt64() || exp.Int64() < 3 || exp.Int64() > 1<<31-1 || exp.Bit(0) == 0 {
		return nil, errors.New("RSA exponent out of range")
	}
	k.E = int(exp.Int64())
	return k, nil
}

func parseEC(o strictjson.Object) (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch o["crv"] {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, errors.New("curve not understood")
	}
	x, err1 := numeral(o, "x")
	y, err2 := numeral(o, "y")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size { // RFC 7518, section 6.2.1.2: full length
		return nil, errors.New("EC coordinate of the wrong length")
	}
	return ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, x...), y...))
}

func parseEd25519(o strictjson.Object) (crypto.PublicKey, error) {
	x, err := numeral(o, "x")
	if err != nil {
		return nil, err
	}
	if o["crv"] != "Ed25519" || len(x) != ed25519.PublicKeySize {
		return nil, errors.New("curve not understood")
	}
	return ed25519.PublicKey(x), nil
}

func numeral(o strictjson.Object, name string) ([]byte, error) {
	s, ok := o.Text(name)
	if !ok || s == "" {
		return nil, fmt.Errorf("no %s", name)
	}
	return base64.RawURLEncoding.DecodeString(s)
}
