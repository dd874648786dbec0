package oidc

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// parseKey reads a private key as a device does.
func parseKey(t *testing.T, k any) *ClientKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseClientKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSignRequestContainsAllParameters(t *testing.T) {
	m := &Metadata{Issuer: "https://op.example", RequestAlgs: []string{"ES256", "PS256", "RS256"}}
	form := url.Values{
		"scope": {"openid profile"}, "login_hint": {"alice"}, "requested_expiry": {"120"},
		"resource":              {"https://a.example", "https://b.example"},
		"authorization_details": {`[{"type":"customer","actions":["read"]}]`},
	}
	for alg, key := range map[string]crypto.Signer{"ES256": ecKey, "PS256": rsaKey} {
		seen := map[string]bool{}
		for range 2 {
			token, err := parseKey(t, key).SignRequest(m, "kiosk-1", form, noon)
			if err != nil {
				t.Fatal(err)
			}
			jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			if typ := jws.Signatures[0].Header.ExtraHeaders["typ"]; typ != "oauth-authz-req+jwt" {
				t.Errorf("%s: typ is %v (RFC 9101, section 10.8)", alg, typ)
			}
			body, err := jws.Verify(key.Public())
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			c, err := strictjson.Parse(body)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"iss": "kiosk-1", "aud": "https://op.example", "scope": "openid profile", "login_hint": "alice", "requested_expiry": "120"} {
				if got, _ := c.Text(name); got != want {
					t.Errorf("%s: %s is %q, want the text %q", alg, name, c[name], want)
				}
			}
			exp, iat, nbf := must(c.Date("exp")), must(c.Date("iat")), must(c.Date("nbf"))
			if !iat.Equal(noon) || nbf.After(noon) || noon.Sub(nbf) > time.Minute || exp.Sub(iat) < time.Minute || exp.Sub(nbf) > 5*time.Minute {
				t.Errorf("%s: iat %v nbf %v exp %v", alg, iat, nbf, exp)
			}
			if r, ok := c.Texts("resource"); !ok || len(r) != 2 {
				t.Errorf("resource %v", c["resource"])
			}
			if list, ok := c["authorization_details"].([]any); !ok || len(list) != 1 {
				t.Errorf("authorization_details are %T, not JSON", c["authorization_details"])
			}
			jti, _ := c.Text("jti")
			if jti == "" || seen[jti] {
				t.Errorf("%s: jti %q is not new", alg, jti)
			}
			seen[jti] = true
			if len(c) != len(form)+6 {
				t.Errorf("claims %v", c)
			}
		}
	}
}

func TestKeyID(t *testing.T) {
	// RFC 7638, section 3.1, has this key and its thumbprint.
	const jwk = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"}`
	var public jose.JSONWebKey
	if err := public.UnmarshalJSON([]byte(jwk)); err != nil {
		t.Fatal(err)
	}
	if got, err := keyThumbprint(public.Key); err != nil || got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("thumbprint %q, %v", got, err)
	}
	bare := parseKey(t, ecKey)
	own, err := bare.WithID("")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		key      *ClientKey
		id, want string
	}{
		{bare, "", own.ID()}, {own, "", own.ID()}, {own, "key-7", "key-7"}, {bare, "key-7", "key-7"}, {own, NoKeyID, ""},
	} {
		if k, err := tc.key.WithID(tc.id); err != nil || k.ID() != tc.want || tc.want != "" && len(own.ID()) != 43 {
			t.Errorf("with %q: %q, %v", tc.id, k.ID(), err)
		}
	}
	if bare.ID() != "" {
		t.Error("WithID changed the key")
	}
}

func TestSignRequestRejectsUnsuitableKeys(t *testing.T) {
	jwk := must(ParseClientKey(must(jose.JSONWebKey{Key: rsaKey, Algorithm: "RS256", KeyID: "k"}.MarshalJSON())))
	for name, c := range map[string]struct {
		key   *ClientKey
		algs  []string
		words string // in the error
	}{
		"no list":                      {parseKey(t, ecKey), nil, "publishes no backchannel_authentication_request_signing_alg"},
		"other algorithms":             {parseKey(t, ecKey), []string{"PS256", "RS256"}, "not with ES256"},
		"RSA, and no PS256":            {parseKey(t, rsaKey), []string{"RS256", "ES256"}, "not with PS256"},
		"a key on another curve":       {parseKey(t, ec384), []string{"ES384", "ES256"}, "P-256"},
		"a key of another type":        {parseKey(t, edKey), []string{"EdDSA", "ES256"}, "P-256"},
		"a key that is only for RS256": {jwk, []string{"RS256", "PS256"}, "P-256"},
		"an empty list":                {parseKey(t, ecKey), []string{}, "not with ES256"},
	} {
		m := &Metadata{Issuer: "https://op.example", RequestAlgs: c.algs}
		if err := c.key.CheckRequestSigning(m); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
		if s, err := c.key.SignRequest(m, "kiosk-1", url.Values{}, noon); err == nil || s != "" {
			t.Errorf("%s: signed all the same", name)
		}
	}
	good := &Metadata{RequestAlgs: []string{"ES256"}}
	if _, err := parseKey(t, ecKey).SignRequest(good, "k", url.Values{"claims": {"alice{"}}, noon); err == nil || strings.Contains(err.Error(), "alice") {
		t.Errorf("broken JSON: %v", err)
	}
}
