package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// algorithm is a supported signature algorithm. "none" and HMAC are missing on purpose: whoever can check an HMAC can
// also make one. (RFC 8725, section 3.1)
type algorithm struct {
	name      jose.SignatureAlgorithm
	suits     func(crypto.PublicKey) bool
	hash      func() hash.Hash // for at_hash and rt_hash
	isDefault bool             // allowed where no list is configured
}

var algorithms = []algorithm{
	{jose.RS256, isRSA, sha256.New, true},
	{jose.PS256, isRSA, sha256.New, true},
	{jose.ES256, isEC(elliptic.P256()), sha256.New, true},
	// OpenID Connect does not say which hash goes with EdDSA; all implementations use Ed25519's own.
	{jose.EdDSA, isEd25519, sha512.New, true},
	{jose.RS384, isRSA, sha512.New384, false},
	{jose.RS512, isRSA, sha512.New, false},
	{jose.PS384, isRSA, sha512.New384, false},
	{jose.PS512, isRSA, sha512.New, false},
	{jose.ES384, isEC(elliptic.P384()), sha512.New384, false},
	{jose.ES512, isEC(elliptic.P521()), sha512.New, false},
}

// DefaultAlgs returns the signature algorithms that ID tokens may use where nothing is configured: RS256, which every
// server must support, and those of FAPI 2.0: PS256, ES256 and EdDSA. (OpenID Connect Core 1.0, section 15.1)
func DefaultAlgs() []string {
	var out []string
	for _, a := range algorithms {
		if a.isDefault {
			out = append(out, string(a.name))
		}
	}
	return out
}

// AcceptedAlgs returns the algorithms of ID tokens that are both allowed here and published by the server. Either list alone
// is not enough: Auth0 publishes HS256 beside RS256, and a key in the server's key set may be for other purposes. A nil
// allowed list is DefaultAlgs; a server that publishes no list, although it must, restricts nothing. (OpenID Connect Core 1.0,
// section 3.1.3.7; Discovery 1.0, section 3)
func AcceptedAlgs(allowed []string, m *Metadata) []string {
	if allowed == nil {
		allowed = DefaultAlgs()
	}
	return slices.DeleteFunc(slices.Clone(allowed), func(alg string) bool { return !Offers(m.IDTokenAlgs, alg) })
}

func findAlgorithm(name string) (algorithm, bool) {
	for _, a := range algorithms {
		if string(a.name) == name {
			return a, true
		}
	}
	return algorithm{}, false
}

// suitsAlgorithm reports whether a key has the type and curve that alg needs.
func suitsAlgorithm(k crypto.PublicKey, alg string) bool {
	a, ok := findAlgorithm(alg)
	return ok && a.suits(k)
}

func isRSA(k crypto.PublicKey) bool     { _, ok := k.(*rsa.PublicKey); return ok }
func isEd25519(k crypto.PublicKey) bool { _, ok := k.(ed25519.PublicKey); return ok }

func isEC(c elliptic.Curve) func(crypto.PublicKey) bool {
	return func(k crypto.PublicKey) bool {
		e, ok := k.(*ecdsa.PublicKey)
		return ok && e.Curve == c
	}
}
