package faults

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Token is an ID token before it is signed, with what its faults may change.
type Token struct {
	Now      time.Time
	ClientID string
	Username string   // the person whom all tokens belong to
	Scope    []string // of the access token
	Claims   map[string]any
	Key      jose.JSONWebKey // signs the token; Algorithm says how
	// NewKey makes another private key for an algorithm.
	NewKey func(alg string) crypto.Signer

	forge func(payload []byte) string // signs instead of Key; nil for a proper signature
	spoil func(token string) string   // damages the signed token; nil for none
}

// Sign serializes the token.
func (t *Token) Sign() (string, error) {
	payload, err := json.Marshal(t.Claims)
	if err != nil {
		return "", err
	}
	if t.forge != nil {
		return t.forge(payload), nil
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(t.Key.Algorithm), Key: t.Key}, nil)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	token, err := signed.CompactSerialize()
	if err == nil && t.spoil != nil {
		token = t.spoil(token)
	}
	return token, err
}

// tokenKinds change the contents of the tokens or the signature of the ID token. Each
// breaks one rule and keeps all others, so that a client without that check accepts
// the token.
var tokenKinds = []kind{
	tokenKind("bad_signature", "a flipped bit in the signature", func(t *Token, f *Fault) {
		t.spoil = func(token string) string {
			dot := strings.LastIndexByte(token, '.')
			sig, _ := base64.RawURLEncoding.DecodeString(token[dot+1:]) // valid: just made
			sig[len(sig)/2] ^= 1
			return token[:dot+1] + base64.RawURLEncoding.EncodeToString(sig)
		}
	}),
	tokenKind("wrong_issuer", "iss value, or another server", func(t *Token, f *Fault) {
		t.Claims["iss"] = f.text("https://elsewhere.invalid")
	}),
	tokenKind("wrong_audience", "aud value, or another client", func(t *Token, f *Fault) {
		t.Claims["aud"] = f.text("another-client")
	}),
	tokenKind("extra_audience", "a second audience and no azp", func(t *Token, f *Fault) {
		t.Claims["aud"] = []string{t.ClientID, f.text("another-client")}
	}),
	tokenKind("wrong_azp", "azp value, or another client", func(t *Token, f *Fault) {
		t.Claims["azp"] = f.text("another-client")
	}),
	tokenKind("expired", "exp value seconds ago (600)", func(t *Token, f *Fault) { t.setTime("exp", f, -600) }),
	tokenKind("no_exp", "no exp", func(t *Token, f *Fault) { delete(t.Claims, "exp") }),
	tokenKind("no_iat", "no iat", func(t *Token, f *Fault) { delete(t.Claims, "iat") }),
	tokenKind("old_iat", "iat value seconds ago (3600)", func(t *Token, f *Fault) { t.setTime("iat", f, -3600) }),
	tokenKind("future_iat", "iat value seconds ahead (3600)", func(t *Token, f *Fault) {
		t.setTime("iat", f, 3600)
		t.Claims["exp"] = t.Claims["exp"].(int64) + t.Claims["iat"].(int64) - t.Now.Unix() // keep the lifetime valid
	}),
	tokenKind("alg_none", "alg none and no signature", func(t *Token, f *Fault) {
		t.forge = func(payload []byte) string { return compact(map[string]any{"alg": "none", "typ": "JWT"}, payload, nil) }
	}),
	tokenKind("hs256_with_public_key", "HS256 with the PEM of the public key as the secret", func(t *Token, f *Fault) {
		t.forge = forgeHS256(t.Key)
	}),
	tokenKind("no_sub", "no sub", func(t *Token, f *Fault) { delete(t.Claims, "sub") }),
	tokenKind("wrong_at_hash", "at_hash of another token", func(t *Token, f *Fault) {
		t.Claims["at_hash"] = randomHash(16)
	}),
	tokenKind("no_at_hash", "no at_hash", func(t *Token, f *Fault) { delete(t.Claims, "at_hash") }),
	tokenKind("wrong_auth_req_id", "the auth_req_id claim of another request", func(t *Token, f *Fault) {
		t.Claims["urn:openid:params:jwt:claim:auth_req_id"] = randomHash(32)
	}),
	tokenKind("unknown_kid", "a kid that is not published", func(t *Token, f *Fault) {
		t.Key.KeyID = f.text("unknown-key")
	}),
	tokenKind("unpublished_key", "signed with an unpublished key under a published kid", func(t *Token, f *Fault) {
		t.Key.Key = t.NewKey(t.Key.Algorithm)
	}),
	tokenKind("crit_header", "an unknown critical header", func(t *Token, f *Fault) {
		key := t.Key
		t.forge = func(payload []byte) string {
			h := map[string]any{"alg": key.Algorithm, "kid": key.KeyID, "crit": []string{"urn:devserver:unknown"}, "urn:devserver:unknown": true}
			return compact(h, payload, key.Key.(crypto.Signer))
		}
	}),
	tokenKind("wrong_acr", "acr value, or one that was not requested", func(t *Token, f *Fault) {
		t.Claims["acr"] = f.text("urn:devserver:acr:other")
	}),
	tokenKind("no_acr", "no acr", func(t *Token, f *Fault) { delete(t.Claims, "acr") }),
	tokenKind("control_characters", "escape sequences in the name", func(t *Token, f *Fault) {
		t.Claims["name"] = hostileText(t.Claims["name"].(string))
	}),
	{name: "claims", places: "token", stage: IssueTokens, check: checkObject, summary: "set the claims of the object value; null removes a claim",
		beforeSigning: func(t *Token, f *Fault) {
			var claims map[string]json.RawMessage
			json.Unmarshal(f.Value, &claims) // validated when the fault was set
			for name, v := range claims {
				if string(v) == "null" {
					delete(t.Claims, name)
				} else {
					t.Claims[name] = v
				}
			}
		}},
	{name: "wrong_person", places: "token", stage: IssueTokens, summary: "all tokens belong to another person: the username value, or any other", person: true,
		beforeClaims: func(t *Token, f *Fault) {
			other := "bob"
			if t.Username == other {
				other = "alice"
			}
			t.Username = f.text(other)
		}},
	{name: "scope_reduced", places: "token", stage: IssueTokens, summary: "only the scopes value, or openid",
		beforeClaims: func(t *Token, f *Fault) { t.Scope = strings.Fields(f.text("openid")) }},
}

// tokenKind is a fault that changes claims or the signature.
func tokenKind(name, about string, change func(*Token, *Fault)) kind {
	return kind{name: name, places: "token", stage: IssueTokens, summary: about, beforeSigning: change}
}

// setTime sets a time claim to some seconds from now. A value counts in the direction
// of the fallback: both are ago, or both ahead.
func (t *Token) setTime(claim string, f *Fault, fallback float64) {
	seconds := f.Number(fallback)
	if fallback < 0 && seconds > 0 {
		seconds = -seconds
	}
	t.Claims[claim] = t.Now.Unix() + int64(seconds)
}

// forgeHS256 signs with the published key as if it were a shared secret (RFC 8725
// section 2.1).
func forgeHS256(key jose.JSONWebKey) func([]byte) string {
	der, _ := x509.MarshalPKIXPublicKey(key.Public().Key) // a valid key
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return func(payload []byte) string {
		unsigned := strings.TrimSuffix(compact(map[string]any{"alg": "HS256", "kid": key.KeyID}, payload, nil), ".")
		mac.Write([]byte(unsigned))
		return unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
}

// compact serializes a JWS that go-jose rightly refuses to make. Without a key the
// signature is empty.
func compact(header map[string]any, payload []byte, key crypto.Signer) string {
	h, _ := json.Marshal(header) // always marshals
	unsigned := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(payload)
	if key == nil {
		return unsigned + "."
	}
	sum := sha256.Sum256([]byte(unsigned))
	var sig []byte
	if ec, isEC := key.(*ecdsa.PrivateKey); isEC {
		r, s, err := ecdsa.Sign(rand.Reader, ec, sum[:])
		if err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	} else {
		sig, _ = key.Sign(rand.Reader, sum[:], crypto.SHA256)
	}
	return unsigned + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// randomHash returns n random bytes in base64url, in the place of a hash.
func randomHash(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
