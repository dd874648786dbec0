package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// signingKey is a private key with its kid and algorithm as a JWK.
type signingKey struct {
	JWK jose.JSONWebKey `json:"jwk"`
}

// newSigningKey makes a private key with a random kid, so that no two servers share
// one.
func newSigningKey(alg string) signingKey {
	key := newPrivateKey(alg)
	return signingKey{jose.JSONWebKey{Key: key, KeyID: alg[:2] + "-" + newSecret()[:8], Algorithm: alg, Use: "sig"}}
}

// newPrivateKey makes a 2048-bit RSA key for RS256 and a P-256 key otherwise.
func newPrivateKey(alg string) crypto.Signer {
	if alg == "RS256" {
		key, _ := rsa.GenerateKey(rand.Reader, 2048) // never fails
		return key
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // never fails
	return key
}

// ensureKey makes a signing key for an algorithm if there is none. It is called when a
// client is set up, so that the published keys do not change later. The lock must be
// held.
func (st *state) ensureKey(alg string) {
	for _, k := range st.Keys {
		if k.JWK.Algorithm == alg {
			return
		}
	}
	st.Keys = append(st.Keys, newSigningKey(alg))
}

// newestKey returns the newest signing key for an algorithm.
func (s *Server) newestKey(alg string) signingKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	var newest signingKey
	for _, k := range s.state.Keys {
		if k.JWK.Algorithm == alg {
			newest = k
		}
	}
	return newest
}

// Rotate replaces the signing keys. The old ones stay published unless forget is set.
func (s *Server) Rotate(forget bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	algs := map[string]bool{}
	for _, k := range s.state.Keys {
		algs[k.JWK.Algorithm] = true
	}
	if forget {
		s.state.Keys = nil
	}
	for alg := range algs {
		s.state.Keys = append(s.state.Keys, newSigningKey(alg))
	}
	return s.save()
}

// handleJWKS publishes the signing keys (RFC 7517 section 5).
func (s *Server) handleJWKS(*call) faults.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := []json.RawMessage{}
	for _, k := range s.state.Keys {
		public, err := k.JWK.Public().MarshalJSON()
		if err != nil {
			return faults.ServerError("a key could not be written")
		}
		keys = append(keys, public)
	}
	return jsonOK(map[string]any{"keys": keys})
}

// handleDiscovery publishes the server's metadata. There is no authorization endpoint, since
// no flow here needs a browser redirect (OpenID Connect Discovery 1.0 section 3, CIBA
// section 4).
func (s *Server) handleDiscovery(*call) faults.Answer {
	base := s.baseURL()
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
		"grant_types_supported":                 supportedGrants(),
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
	if s.mtls {
		all["tls_client_certificate_bound_access_tokens"] = true
		all["mtls_endpoint_aliases"] = map[string]string{
			"backchannel_authentication_endpoint": base + mtlsPath + "/bc-authorize",
			"token_endpoint":                      base + mtlsPath + "/token",
			"revocation_endpoint":                 base + mtlsPath + "/revoke",
		}
	}
	return jsonOK(all)
}
