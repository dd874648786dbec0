package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func find(t *testing.T, k *Keys, s *server, alg, kid string) ([]crypto.PublicKey, error) {
	t.Helper()
	return k.Find(context.Background(), s.URL+"/jwks", alg, kid)
}

func TestKeyIsUsableWhateverItsCertificateIs(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "P-256": ecKey, "P-384": ec384, "Ed25519": edKey} {
		got, err := parseServerKeys([]byte(jwks(jwk(key, "k", map[string]any{"x5c": []string{"AAAA"}, "x5t": 7, "d": "AAAA"}))))
		if err != nil || len(got) != 1 || !equalKeys(got[0].public, key.Public()) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestUnusableKeysAreSkipped(t *testing.T) {
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	good := jwk(ecKey, "good", nil)
	for name, member := range map[string]any{
		"an unknown key type":         map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "kid": "x", "pub": "AAAA"},
		"a curve of key agreement":    map[string]any{"kty": "OKP", "crv": "X25519", "kid": "x", "x": b64(make([]byte, 32))},
		"secp256k1":                   map[string]any{"kty": "EC", "crv": "secp256k1", "kid": "x", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		"a shared secret":             map[string]any{"kty": "oct", "kid": "x", "k": "AAAA"},
		"a key for encryption":        jwk(ecKey2, "x", map[string]any{"use": "enc"}),
		"a key that only signs":       jwk(ecKey2, "x", map[string]any{"key_ops": []string{"sign"}}),
		"an RSA key of 1024 bits":     jwk(small, "x", nil),
		"a point off the curve":       jwk(ecKey2, "x", map[string]any{"y": b64(make([]byte, 32))}),
		"a short coordinate":          jwk(ecKey2, "x", map[string]any{"y": "AAAA"}),
		"an RSA exponent of 1":        jwk(rsaKey, "x", map[string]any{"e": "AQ"}),
		"an even RSA exponent":        jwk(rsaKey, "x", map[string]any{"e": "AAQ"}),
		"a huge RSA exponent":         jwk(rsaKey, "x", map[string]any{"e": b64([]byte(strings.Repeat("\xff", 64)))}),
		"an RSA key of 65536 bits":    jwk(rsaKey, "x", map[string]any{"n": b64([]byte(strings.Repeat("\xff", 8192)))}),
		"a short Ed25519 key":         jwk(edKey, "x", map[string]any{"x": b64(make([]byte, 31))}),
		"an Ed25519 key of low order": jwk(edKey, "x", map[string]any{"x": b64(make([]byte, 32))}),
		"no modulus":                  jwk(rsaKey, "x", map[string]any{"n": nil}),
		"base64 with padding":         jwk(ecKey2, "x", map[string]any{"x": base64.URLEncoding.EncodeToString(must(ecKey2.PublicKey.Bytes())[1:33])}),
		"a kid that is a number":      jwk(ecKey2, "x", map[string]any{"kid": 7}),
		"an alg that is a list":       jwk(ecKey2, "x", map[string]any{"alg": []string{"ES256"}}),
		"no type":                     map[string]any{"kid": "x"},
		"a text":                      "hello",
		"null":                        nil,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseServerKeys([]byte(jwks(member, good)))
			if err != nil || len(got) != 1 || got[0].kid != "good" {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestParseServerKeysRejectsDocuments(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing":             ``,
		"an empty object":     `{}`,
		"keys as an object":   `{"keys":{}}`,
		"no key at all":       `{"keys":[]}`,
		"no usable key":       jwks(map[string]any{"kty": "AKP"}),
		"a duplicate name":    `{"keys":[],"keys":[` + text(jwk(ecKey, "k", nil)) + `]}`,
		"more than a hundred": `{"keys":[` + strings.Repeat(`{},`, 100) + text(jwk(ecKey, "k", nil)) + `]}`,
	} {
		if k, err := parseServerKeys([]byte(doc)); err == nil {
			t.Errorf("%s: %d keys", name, len(k))
		}
	}
}

func TestKeysAreSelectedByKidTypeCurveAndAlg(t *testing.T) {
	s := newServer(t)
	s.put("/jwks", jwks(
		jwk(rsaKey, "one", map[string]any{"use": "sig"}),
		jwk(ecKey, "one", nil), // the same kid three times, with another type or curve
		jwk(ec384, "one", nil),
		jwk(rsaKey2, "two", map[string]any{"alg": "PS256"}),
		jwk(edKey, "three", nil),
		jwk(ecKey2, "four", nil),
	))
	k := NewKeys(NewTransport(TransportOptions{}), func() time.Time { return noon })
	for _, c := range []struct {
		alg, kid string
		want     crypto.Signer // nil: none
	}{
		{"RS256", "one", rsaKey},
		{"PS256", "one", rsaKey},
		{"ES256", "one", ecKey},
		{"ES384", "one", ec384},
		{"PS256", "two", rsaKey2},
		{"RS256", "two", nil}, // the key's alg is PS256
		{"EdDSA", "three", edKey},
		{"ES256", "three", nil},
		{"RS256", "four", nil},
		{"EdDSA", "", edKey},  // no kid, but only one key suits
		{"ES384", "", ec384},  // likewise
		{"ES256", "", nil},    // two keys suit
		{"RS256", "", rsaKey}, // the other key's alg is PS256
		{"PS256", "", nil},    // two keys suit
		{"HS256", "one", nil}, // not a supported algorithm
		{"none", "", nil},
	} {
		got, err := find(t, k, s, c.alg, c.kid)
		if c.want == nil {
			if kiosk.ReasonOf(err) != kiosk.Untrusted {
				t.Errorf("%s %q: %d keys, %v", c.alg, c.kid, len(got), err)
			}
			continue
		}
		if err != nil || len(got) != 1 || !equalKeys(c.want.Public(), got[0]) {
			t.Errorf("%s %q: %v, %v", c.alg, c.kid, got, err)
		}
	}
}

func TestTwoKeysMayShareAKid(t *testing.T) {
	s := newServer(t)
	s.put("/jwks", jwks(jwk(ecKey, "k", nil), jwk(ecKey2, "k", nil)))
	k := NewKeys(NewTransport(TransportOptions{}), func() time.Time { return noon })
	if got, err := find(t, k, s, "ES256", "k"); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	var many []any
	for range 5 {
		many = append(many, jwk(must(ecdsa.GenerateKey(ecKey.Curve, rand.Reader)), "k", nil))
	}
	s.put("/jwks", jwks(many...))
	if got, err := find(t, NewKeys(NewTransport(TransportOptions{}), time.Now), s, "ES256", "k"); err == nil {
		t.Errorf("%d keys to try, each a signature check", len(got))
	}
}

func TestUnknownKeyCausesOneFetchAMinute(t *testing.T) {
	s := newServer(t)
	now := testkit.NewClock(noon)
	s.put("/jwks", jwks(jwk(ecKey, "old", nil)))
	k := NewKeys(NewTransport(TransportOptions{}), now.Now)
	look := func(kid string, found bool, asked int) {
		t.Helper()
		_, err := find(t, k, s, "ES256", kid)
		if (err == nil) != found || s.count("/jwks") != asked {
			t.Fatalf("%q: %v; asked %d times, want %d", kid, err, s.count("/jwks"), asked)
		}
	}
	look("old", true, 1)
	look("old", true, 1)

	// The server changed its keys a second after the fetch: the new one is found at once.
	now.Advance(time.Second)
	s.put("/jwks", jwks(jwk(ecKey2, "new", nil)))
	look("new", true, 2)

	// Twenty forged tokens with random kids cause no further request ...
	for i := range 20 {
		look(fmt.Sprint("forged", i), false, 2)
	}
	// ... for a minute.
	now.Advance(59 * time.Second)
	look("forged", false, 2)
	now.Advance(time.Second)
	look("forged", false, 3)

	// A withdrawn key stays valid for ten minutes after the first fetch that does not list it.
	now.Advance(8 * time.Minute)
	look("old", true, 3)
	now.Advance(2 * time.Minute)
	look("old", false, 4)

	// After the clock is set back, what is kept counts as old, and an unknown key still causes a fetch.
	now.Advance(-100 * time.Hour)
	look("new", true, 5)
	look("forged", false, 6)
}

func TestWithdrawnKeyIsNotUsedForTokensWithoutKid(t *testing.T) {
	s := newServer(t)
	now := testkit.NewClock(noon)
	s.put("/jwks", jwks(jwk(ecKey, "", nil)))
	k := NewKeys(NewTransport(TransportOptions{}), now.Now)
	if _, err := find(t, k, s, "ES256", ""); err != nil {
		t.Fatal(err)
	}
	s.put("/jwks", jwks(jwk(ecKey2, "", nil)))
	if again, err := k.Refetch(context.Background(), s.URL+"/jwks"); !again || err != nil {
		t.Fatal(again, err)
	}
	got, err := find(t, k, s, "ES256", "")
	if err != nil || len(got) != 1 || !equalKeys(got[0], ecKey2.Public()) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestKeysOutliveServerFailures(t *testing.T) {
	s := newServer(t)
	now := testkit.NewClock(noon)
	k := NewKeys(NewTransport(TransportOptions{}), now.Now)
	s.setStatus("/jwks", 500)
	if err := k.Prefetch(context.Background(), s.URL+"/jwks"); kiosk.ReasonOf(err) != kiosk.Unreachable {
		t.Fatalf("no keys yet: %v", err)
	}
	s.setStatus("/jwks", 200)
	s.put("/jwks", "<html>")
	if err := k.Prefetch(context.Background(), s.URL+"/jwks"); kiosk.ReasonOf(err) != kiosk.Untrusted {
		t.Fatalf("an error page: %v", err)
	}
	s.put("/jwks", jwks(jwk(ecKey, "k", nil)))
	if err := k.Prefetch(context.Background(), s.URL+"/jwks"); err != nil {
		t.Fatal(err)
	}
	if _, err := find(t, k, s, "ES256", "k"); err != nil || s.count("/jwks") != 3 {
		t.Fatalf("asked %d times, %v", s.count("/jwks"), err)
	}
	now.Advance(25 * time.Hour)
	s.setStatus("/jwks", 500)
	for range 3 { // one attempt, then none for a minute; the old keys stay in use
		if _, err := find(t, k, s, "ES256", "k"); err != nil || s.count("/jwks") != 4 {
			t.Fatalf("asked %d times, %v", s.count("/jwks"), err)
		}
	}
	// Another address has other keys.
	if got, err := k.Find(context.Background(), s.URL+"/other", "ES256", "k"); err == nil {
		t.Errorf("found %v at an address that has none", got)
	}
}

func TestWithdrawnKeysAreBounded(t *testing.T) {
	var list []serverKey
	for round := range 10 {
		var fresh []serverKey
		for i := range maxKeys {
			fresh = append(fresh, serverKey{kid: fmt.Sprint(round, "-", i), public: ecKey.Public()})
		}
		list = append(fresh, withdrawnKeys(list, fresh, noon)...)
		if len(list) > 2*maxKeys {
			t.Fatalf("%d keys after %d rounds", len(list), round+1)
		}
	}
}

func TestConcurrentCallersShareOneKeyFetch(t *testing.T) {
	s := newServer(t)
	s.put("/jwks", jwks(jwk(ecKey, "k", nil)))
	k := NewKeys(NewTransport(TransportOptions{}), func() time.Time { return noon })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := find(t, k, s, "ES256", "k"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count("/jwks"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func FuzzParseServerKeys(f *testing.F) {
	f.Add([]byte(jwks(jwk(ecKey, "k", nil), jwk(edKey, "e", nil))))
	f.Add([]byte(jwks(jwk(ecKey, "k", map[string]any{"x": "AAAA"}))))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"","e":"AQAB"},7,null,[]]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		keys, err := parseServerKeys(in)
		if err == nil && len(keys) == 0 {
			t.Fatal("no keys and no error")
		}
		for _, k := range keys {
			if r, ok := k.public.(*rsa.PublicKey); ok && (r.N.BitLen() < minRSA || r.N.BitLen() > maxRSA || r.E < 3) {
				t.Fatalf("an RSA key of %d bits", r.N.BitLen())
			}
		}
	})
}
