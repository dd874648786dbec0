package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// noon is the time of the tests.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// server serves documents by path and counts the requests for each.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]string
	codes map[string]int
	asked map[string]int
}

func newServer(t *testing.T) *server {
	s := &server{pages: map[string]string{}, codes: map[string]int{}, asked: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked[r.URL.Path]++
		page, ok := s.pages[r.URL.Path]
		code := s.codes[r.URL.Path]
		if code == 0 {
			code = http.StatusOK
			if !ok {
				code = http.StatusNotFound
			}
		}
		w.Header().Set("Content-Type", "application/json")
		if code >= 300 && code < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(code)
		fmt.Fprint(w, page)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) put(path, page string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = page
}

func (s *server) setStatus(path string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[path] = code
}

func (s *server) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// document returns a good metadata document of an issuer with changes; nil removes a member.
func document(issuer, host string, changes map[string]any) string {
	d := map[string]any{
		"issuer":                              issuer,
		"backchannel_authentication_endpoint": host + "/bc",
		"token_endpoint":                      host + "/token",
		"jwks_uri":                            host + "/jwks",
		"userinfo_endpoint":                   host + "/me",
		"revocation_endpoint":                 host + "/revoke",
		"backchannel_token_delivery_modes_supported": []string{"poll", "ping"},
	}
	maps.Copy(d, changes)
	maps.DeleteFunc(d, func(_ string, v any) bool { return v == nil })
	return text(d)
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// The server's keys are made once: RSA is slow.
var (
	rsaKey  = must(rsa.GenerateKey(rand.Reader, 2048))
	rsaKey2 = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey   = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ecKey2  = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ec384   = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	edKey   = func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) }()
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// jwk returns a public key as a JWK with changes; nil removes a member.
func jwk(k crypto.Signer, kid string, changes map[string]any) map[string]any {
	b := must(jose.JSONWebKey{Key: k.Public(), KeyID: kid}.MarshalJSON())
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

func jwks(keys ...any) string { return text(map[string]any{"keys": keys}) }

// sign makes a compact JWS by hand, because libraries refuse to write malformed ones. k is a private key, or the bytes of an
// HMAC key; nil for "none".
func sign(header, claims any, alg string, k any) string {
	input := b64([]byte(asText(header))) + "." + b64([]byte(asText(claims)))
	return input + "." + b64(rawSignature(alg, k, []byte(input)))
}

func rawSignature(alg string, k any, input []byte) []byte {
	sum := sha256.Sum256(input)
	switch alg {
	case "RS256":
		return must(rsa.SignPKCS1v15(rand.Reader, k.(*rsa.PrivateKey), crypto.SHA256, sum[:]))
	case "PS256":
		return must(rsa.SignPSS(rand.Reader, k.(*rsa.PrivateKey), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	case "ES256":
		r, s, err := ecdsa.Sign(rand.Reader, k.(*ecdsa.PrivateKey), sum[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case "EdDSA":
		return ed25519.Sign(k.(ed25519.PrivateKey), input)
	case "HS256":
		h := hmac.New(sha256.New, k.([]byte))
		h.Write(input)
		return h.Sum(nil)
	}
	return nil
}

func asText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return text(v)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
