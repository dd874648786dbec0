package devserver

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// signingKey is a private key with its kid and algorithm, kept as a JWK.
type signingKey struct {
	JWK jose.JSONWebKey `json:"jwk"`
}

// newSigningKey makes a P-256 or a 2048-bit RSA key; its kid is random, so that
// no two servers ever share one.
func newSigningKey(alg string) signingKey {
	key := newPrivateKey(alg)
	return signingKey{jose.JSONWebKey{Key: key, KeyID: alg[:2] + "-" + secret()[:8], Algorithm: alg, Use: "sig"}}
}

// newPrivateKey makes a private key for a JWS algorithm. Making keys does not fail
// for these sizes.
func newPrivateKey(alg string) crypto.Signer {
	if alg == "RS256" {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// needKey makes a signing key of an algorithm if there is none yet. A client that
// needs one calls for it before it can be given tokens, so that the published keys
// do not change under it. The lock must be held.
func (b *book) needKey(alg string) {
	for _, k := range b.Keys {
		if k.JWK.Algorithm == alg {
			return
		}
	}
	b.Keys = append(b.Keys, newSigningKey(alg))
}

// signer is the newest key of an algorithm.
func (s *Server) signer(alg string) signingKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	var newest signingKey
	for _, k := range s.book.Keys {
		if k.JWK.Algorithm == alg {
			newest = k
		}
	}
	return newest
}

// Rotate makes new signing keys, used from now on. The old ones stay published,
// unless forget is set.
func (s *Server) Rotate(forget bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	algs := map[string]bool{}
	for _, k := range s.book.Keys {
		algs[k.JWK.Algorithm] = true
	}
	if forget {
		s.book.Keys = nil
	}
	for alg := range algs {
		s.book.Keys = append(s.book.Keys, newSigningKey(alg))
	}
	return s.save()
}

// jwks publishes the public signing keys (RFC 7517 section 5).
func (s *Server) jwks(*call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := []json.RawMessage{}
	for _, k := range s.book.Keys {
		public, err := k.JWK.Public().MarshalJSON()
		if err != nil {
			return failed("a key could not be written")
		}
		keys = append(keys, public)
	}
	return ok(map[string]any{"keys": keys})
}

// discovery publishes what a client needs to know (OpenID Connect Discovery 1.0
// section 3, CIBA section 4). There is no authorization endpoint, as there is no
// browser here.
func (s *Server) discovery(*call) answer {
	base := s.base()
	methods := authMethods()
	all := map[string]any{
		"issuer":                                s.Issuer(),
		"jwks_uri":                              base + "/jwks",
		"token_endpoint":                        base + "/token",
		"backchannel_authentication_endpoint":   base + "/bc-authorize",
		"device_authorization_endpoint":         base + "/device_authorization",
		"revocation_endpoint":                   base + "/revoke",
		"userinfo_endpoint":                     base + "/userinfo",
		"registration_endpoint":                 base + "/register",
		"scopes_supported":                      []string{"openid", "profile", "email", "phone", "offline_access"},
		"response_types_supported":              []string{},
		"subject_types_supported":               []string{"public"},
		"grant_types_supported":                 grantTypes(),
		"id_token_signing_alg_values_supported": []string{"ES256", "RS256"},
		"claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "preferred_username",
			"name", "email", "email_verified", "phone_number", "phone_number_verified"},
		"token_endpoint_auth_methods_supported":            methods,
		"token_endpoint_auth_signing_alg_values_supported": assertionAlgs,
		"revocation_endpoint_auth_methods_supported":       methods,
		"backchannel_token_delivery_modes_supported":       []string{"poll", "ping"},
		"backchannel_user_code_parameter_supported":        true,
		"dpop_signing_alg_values_supported":                proofAlgs,
		requestAlgsName:                                    requestAlgs,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secure {
		all["tls_client_certificate_bound_access_tokens"] = true
		all["mtls_endpoint_aliases"] = map[string]string{
			"backchannel_authentication_endpoint": base + mtlsPath + "/bc-authorize",
			"token_endpoint":                      base + mtlsPath + "/token",
			"revocation_endpoint":                 base + mtlsPath + "/revoke",
		}
	}
	return ok(all)
}
