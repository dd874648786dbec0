package devserver

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

// tokenKinds change what is in the tokens, or how the ID token is signed. Each
// breaks one rule and leaves the others kept, so that a client which misses the
// rule accepts the token.
var tokenKinds = []faultKind{
	late("bad_signature", "a flipped bit in the signature", func(m *minting, f *Fault) {
		m.spoil = func(token string) string {
			dot := strings.LastIndexByte(token, '.')
			sig, _ := base64.RawURLEncoding.DecodeString(token[dot+1:]) // made a moment ago
			sig[len(sig)/2] ^= 1
			return token[:dot+1] + base64.RawURLEncoding.EncodeToString(sig)
		}
	}),
	late("wrong_issuer", "iss value, or of another server", func(m *minting, f *Fault) {
		m.claims["iss"] = f.text("https://elsewhere.invalid")
	}),
	late("wrong_audience", "aud value, or of another client", func(m *minting, f *Fault) {
		m.claims["aud"] = f.text("another-client")
	}),
	late("extra_audience", "an audience besides ours, and no azp", func(m *minting, f *Fault) {
		m.claims["aud"] = []string{m.ticket.client.ID, f.text("another-client")}
	}),
	late("wrong_azp", "azp value, or another client", func(m *minting, f *Fault) {
		m.claims["azp"] = f.text("another-client")
	}),
	late("expired", "exp value seconds ago (600)", func(m *minting, f *Fault) { m.set("exp", f, -600) }),
	late("no_exp", "no exp", func(m *minting, f *Fault) { delete(m.claims, "exp") }),
	late("no_iat", "no iat", func(m *minting, f *Fault) { delete(m.claims, "iat") }),
	late("old_iat", "iat value seconds ago (3600)", func(m *minting, f *Fault) { m.set("iat", f, -3600) }),
	late("future_iat", "iat value seconds ahead (3600)", func(m *minting, f *Fault) {
		m.set("iat", f, 3600)
		m.claims["exp"] = m.claims["iat"].(int64) + int64(idTokenLife/time.Second) // exp must not contradict it
	}),
	late("alg_none", "alg none and no signature", func(m *minting, f *Fault) {
		m.forge = func(payload []byte) string { return compact(map[string]any{"alg": "none", "typ": "JWT"}, payload, nil) }
	}),
	late("hs256_with_public_key", "HS256 with the public key's PEM as the secret", func(m *minting, f *Fault) {
		m.forge = forgeHS256(m.key)
	}),
	late("no_sub", "no sub", func(m *minting, f *Fault) { delete(m.claims, "sub") }),
	late("wrong_at_hash", "at_hash of another token", func(m *minting, f *Fault) {
		m.claims["at_hash"] = leftHalf(secret())
	}),
	late("no_at_hash", "no at_hash", func(m *minting, f *Fault) { delete(m.claims, "at_hash") }),
	late("wrong_auth_req_id", "the auth_req_id claim of another request", func(m *minting, f *Fault) {
		m.claims["urn:openid:params:jwt:claim:auth_req_id"] = secret()
	}),
	late("unknown_kid", "a kid that is not published", func(m *minting, f *Fault) {
		key := m.key.Key.(jose.JSONWebKey)
		key.KeyID = f.text("unknown-key")
		m.key.Key = key
	}),
	late("unpublished_key", "signed with a key that is not published, under a kid that is", func(m *minting, f *Fault) {
		key := m.key.Key.(jose.JSONWebKey)
		key.Key = newPrivateKey(key.Algorithm)
		m.key.Key = key
	}),
	late("crit_header", "a critical header that nobody knows", func(m *minting, f *Fault) {
		key := m.key.Key.(jose.JSONWebKey)
		m.forge = func(payload []byte) string {
			h := map[string]any{"alg": key.Algorithm, "kid": key.KeyID, "crit": []string{"urn:devserver:unknown"}, "urn:devserver:unknown": true}
			return compact(h, payload, key.Key.(crypto.Signer))
		}
	}),
	late("wrong_acr", "acr value, or one nobody asked for", func(m *minting, f *Fault) {
		m.claims["acr"] = f.text("urn:devserver:acr:other")
	}),
	late("no_acr", "no acr", func(m *minting, f *Fault) { delete(m.claims, "acr") }),
	late("control_characters", "escape sequences in the name", func(m *minting, f *Fault) {
		m.claims["name"] = hostileText(m.ticket.person.Name)
	}),
	{name: "claims", places: "token", step: mint, check: object, about: "set the claims of the object value; null takes a claim away",
		late: func(m *minting, f *Fault) {
			var claims map[string]json.RawMessage
			json.Unmarshal(f.Value, &claims) // checked when the fault was set
			for name, v := range claims {
				if string(v) == "null" {
					delete(m.claims, name)
				} else {
					m.claims[name] = v
				}
			}
		}},
	{name: "wrong_person", places: "token", step: mint, about: "all tokens are another person's: the username value, or any other",
		check: func(f *Fault) error {
			if p := f.text(""); p != "" && person(p) == nil {
				return ErrNobody
			}
			return nil
		},
		early: func(m *minting, f *Fault) {
			other := "bob"
			if m.ticket.person.Username == other {
				other = "alice"
			}
			m.ticket.person = person(f.text(other))
		}},
	{name: "scope_reduced", places: "token", step: mint, about: "only the scopes value, or openid",
		early: func(m *minting, f *Fault) { m.ticket.scope = strings.Fields(f.text("openid")) }},
}

// late is an entry that changes claims or signature.
func late(name, about string, change func(*minting, *Fault)) faultKind {
	return faultKind{name: name, places: "token", step: mint, about: about, late: change}
}

// set puts a time claim so many seconds from now; a value given counts in the
// direction of the default.
func (m *minting) set(claim string, f *Fault, otherwise float64) {
	seconds := f.number(otherwise)
	if otherwise < 0 && seconds > 0 {
		seconds = -seconds
	}
	m.claims[claim] = m.now.Unix() + int64(seconds)
}

// forgeHS256 signs with the published key as if it were a shared secret: the
// confusion of RFC 8725 section 2.1.
func forgeHS256(key jose.SigningKey) func([]byte) string {
	jwk := key.Key.(jose.JSONWebKey)
	der, _ := x509.MarshalPKIXPublicKey(jwk.Public().Key) // a key of ours
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return func(payload []byte) string {
		unsigned := strings.TrimSuffix(compact(map[string]any{"alg": "HS256", "kid": jwk.KeyID}, payload, nil), ".")
		mac.Write([]byte(unsigned))
		return unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
}

// compact writes a JWS by hand where go-jose rightly refuses to; without a key
// the signature stays empty.
func compact(header map[string]any, payload []byte, key crypto.Signer) string {
	h, _ := json.Marshal(header) // our own values
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
