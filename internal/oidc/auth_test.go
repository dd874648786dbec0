package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/go-jose/go-jose/v4"
)

func opMetadata(t *testing.T, changes map[string]any) *Metadata {
	t.Helper()
	m, err := parseMetadata([]byte(document(issuer, "https://op.example", changes)), issuer)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(k any) []byte { return pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(k))) }

func privateJWK(k any, changes map[string]any) []byte {
	m := map[string]any{}
	if err := json.Unmarshal(must(jose.JSONWebKey{Key: k}.MarshalJSON()), &m); err != nil {
		panic(err)
	}
	for n, v := range changes {
		m[n] = v
	}
	return []byte(text(m))
}

func apply(t *testing.T, a ClientAuth, c AuthTarget) (url.Values, http.Header) {
	t.Helper()
	form, h := url.Values{}, http.Header{}
	if err := a.Apply(c, form, h); err != nil {
		t.Fatal(err)
	}
	return form, h
}

func TestSecretBasicIsFormEncoded(t *testing.T) {
	for _, c := range []struct{ id, secret, user, pass string }{
		{"kiosk-1", "simple", "kiosk-1", "simple"},
		{"shop:1", "a:b", "shop%3A1", "a%3Ab"},
		{"kiosk 1", "p w+&%", "kiosk+1", "p+w%2B%26%25"},
		{"https://kiosk.example/", "grüße", "https%3A%2F%2Fkiosk.example%2F", "gr%C3%BC%C3%9Fe"},
	} {
		a, err := NewClientAuth(AuthOptions{ClientID: c.id, Secret: kiosk.Secret(c.secret)})
		if err != nil || a.Method() != SecretBasic || a.MTLS() {
			t.Fatalf("%v %v", a, err)
		}
		form, h := apply(t, a, AuthTarget{Metadata: opMetadata(t, nil), Endpoint: Token})
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.pass))
		if h.Get("Authorization") != want || len(form) != 0 {
			t.Errorf("%q: %q and %v", c.id, h.Get("Authorization"), form)
		}
	}
}

func TestSecretPostIsInTheBody(t *testing.T) {
	a, err := NewClientAuth(AuthOptions{Method: SecretPost, ClientID: "kiosk-1", Secret: kiosk.Secret("p w")})
	if err != nil {
		t.Fatal(err)
	}
	form, h := apply(t, a, AuthTarget{Metadata: opMetadata(t, nil), Endpoint: Token})
	if form.Encode() != "client_id=kiosk-1&client_secret=p+w" || len(h) != 0 {
		t.Errorf("%v %v", form, h)
	}
}

func TestCertificateMethodsSendTheClientIDOnly(t *testing.T) {
	for _, m := range []string{TLSClient, SelfSignedTLS} {
		if _, err := NewClientAuth(AuthOptions{Method: m, ClientID: "kiosk-1"}); kiosk.ReasonOf(err) != kiosk.Misconfigured {
			t.Errorf("%s without a certificate: %v", m, err)
		}
		a, err := NewClientAuth(AuthOptions{Method: m, ClientID: "kiosk-1", Certificate: ownCertificate(t)})
		if err != nil || !a.MTLS() || a.Method() != m {
			t.Fatalf("%v %v", a, err)
		}
		form, h := apply(t, a, AuthTarget{Metadata: opMetadata(t, nil), Endpoint: Token})
		if form.Encode() != "client_id=kiosk-1" || len(h) != 0 {
			t.Errorf("%v %v", form, h)
		}
	}
}

func TestClientAssertion(t *testing.T) {
	for name, c := range map[string]struct {
		file   []byte
		public crypto.PublicKey
		listed []string // by the server; nil: no list
		alg    string
		kid    string
	}{
		"P-256":                         {pkcs8(ecKey), ecKey.Public(), nil, "ES256", ""},
		"P-384":                         {pkcs8(ec384), ec384.Public(), nil, "ES384", ""},
		"Ed25519":                       {pkcs8(edKey), edKey.Public(), nil, "EdDSA", ""},
		"RSA, the server lists nothing": {pkcs8(rsaKey), rsaKey.Public(), nil, "RS256", ""},
		"RSA, the server lists RS256":   {pkcs8(rsaKey), rsaKey.Public(), []string{"RS256", "ES256"}, "RS256", ""},
		"RSA, the server lists both":    {pkcs8(rsaKey), rsaKey.Public(), []string{"RS256", "PS256"}, "PS256", ""},
		"RSA, the server lists PS256":   {pkcs8(rsaKey), rsaKey.Public(), []string{"PS256"}, "PS256", ""},
		"JWK with a kid":                {privateJWK(ecKey, map[string]any{"kid": "dev-7"}), ecKey.Public(), nil, "ES256", "dev-7"},
		"RSA JWK with alg RS256, whatever is listed": {privateJWK(rsaKey, map[string]any{"alg": "RS256", "kid": "k"}), rsaKey.Public(), []string{"PS256"}, "RS256", "k"},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseClientKey(c.file)
			if err != nil {
				t.Fatal(err)
			}
			now := noon
			a, err := NewClientAuth(AuthOptions{ClientID: clientID, Key: k, Now: func() time.Time { return now }})
			if err != nil || a.Method() != PrivateKeyJWT {
				t.Fatalf("%v %v", a, err)
			}
			changes := map[string]any{}
			if c.listed != nil {
				changes["token_endpoint_auth_signing_alg_values_supported"] = c.listed
			}
			m := opMetadata(t, changes)
			seen := map[string]bool{}
			for range 3 {
				form, h := apply(t, a, AuthTarget{Metadata: m, Endpoint: Backchannel})
				if len(h) != 0 || form.Get("client_id") != clientID || form.Get("client_secret") != "" ||
					form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
					t.Fatalf("%v %v", form, h)
				}
				jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(c.alg)})
				if err != nil {
					t.Fatal(err)
				}
				payload, err := jws.Verify(c.public)
				if err != nil {
					t.Fatal(err)
				}
				head := jws.Signatures[0].Protected
				if head.KeyID != c.kid || head.ExtraHeaders["typ"] != "JWT" || head.JSONWebKey != nil {
					t.Errorf("header %+v", head)
				}
				o, err := strictjson.Parse(payload)
				if err != nil {
					t.Fatal(err)
				}
				jti, _ := o.Text("jti")
				if seen[jti] || len(jti) < 22 {
					t.Errorf("jti %q is used again or too short", jti)
				}
				seen[jti] = true
				iat, _ := o.Integer("iat")
				exp, _ := o.Integer("exp")
				// aud is the issuer as a string, slash included: fewer servers accept a list.
				if o["iss"] != clientID || o["sub"] != clientID || o["aud"] != issuer || iat != now.Unix() || exp != now.Unix()+60 || len(o) != 6 {
					t.Errorf("claims %s", payload)
				}
				now = now.Add(5 * time.Second)
			}
		})
	}
}

func TestAssertionAudienceCanBeAnEndpoint(t *testing.T) {
	k := must(ParseClientKey(pkcs8(ecKey)))
	a := must(NewClientAuth(AuthOptions{ClientID: clientID, Key: k, Now: time.Now}))
	for aud, want := range map[Audience]string{
		AudienceIssuer:   issuer,
		AudienceToken:    "https://op.example/token",
		AudienceEndpoint: "https://op.example/bc",
	} {
		form, _ := apply(t, a, AuthTarget{Metadata: opMetadata(t, nil), Endpoint: Backchannel, Audience: aud})
		body := must(base64.RawURLEncoding.DecodeString(strings.Split(form.Get("client_assertion"), ".")[1]))
		if o := must(strictjson.Parse(body)); o["aud"] != want {
			t.Errorf("%d: %v", aud, o["aud"])
		}
	}
}

func TestNewClientAuthRejectsIncompleteOptions(t *testing.T) {
	k := must(ParseClientKey(pkcs8(ecKey)))
	for name, o := range map[string]AuthOptions{
		"no client id":              {Secret: kiosk.Secret("x")},
		"neither secret nor key":    {ClientID: "c"},
		"secret post, no secret":    {ClientID: "c", Method: SecretPost},
		"private_key_jwt, no key":   {ClientID: "c", Method: PrivateKeyJWT, Now: time.Now},
		"private_key_jwt, no clock": {ClientID: "c", Key: k},
		"unknown method":            {ClientID: "c", Method: "client_secret_jwt", Secret: kiosk.Secret("x")},
		"no authentication at all":  {ClientID: "c", Method: "none"},
	} {
		if a, err := NewClientAuth(o); kiosk.ReasonOf(err) != kiosk.Misconfigured || a != nil {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
}

func TestClientKeyIsPreferredToSecret(t *testing.T) {
	a := must(NewClientAuth(AuthOptions{ClientID: "c", Secret: kiosk.Secret("x"), Key: must(ParseClientKey(pkcs8(ecKey))), Now: time.Now}))
	if a.Method() != PrivateKeyJWT {
		t.Errorf("chose %s", a.Method())
	}
}

func TestParseClientKey(t *testing.T) {
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	sec1 := pemOf("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey)))
	for name, c := range map[string]struct {
		file []byte
		ok   bool
	}{
		"PKCS#8, P-256":                  {pkcs8(ecKey), true},
		"PKCS#8, P-521":                  {pkcs8(p521), true},
		"PKCS#8, Ed25519":                {pkcs8(edKey), true},
		"PKCS#8, RSA":                    {pkcs8(rsaKey), true},
		"SEC 1":                          {sec1, true},
		"SEC 1 after its parameters":     {append(pemOf("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}), sec1...), true},
		"PKCS#1":                         {pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), true},
		"JWK, EC":                        {privateJWK(ecKey, nil), true},
		"JWK, Ed25519":                   {privateJWK(edKey, nil), true},
		"JWK, RSA with its alg":          {privateJWK(rsaKey, map[string]any{"alg": "PS384"}), true},
		"text before the PEM":            {append([]byte("our kiosk\n"), pkcs8(ecKey)...), true},
		"P-224":                          {pkcs8(p224), false},
		"RSA of 1024 bits":               {pkcs8(small), false},
		"a certificate":                  {pemOf("CERTIFICATE", []byte("x")), false},
		"a public key":                   {pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(ecKey.Public()))), false},
		"encrypted":                      {pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), false},
		"damaged PEM":                    {pemOf("PRIVATE KEY", []byte("garbage")), false},
		"a public JWK":                   {[]byte(text(jwk(ecKey, "k", nil))), false},
		"a JWK with a shared secret":     {[]byte(`{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`), false},
		"a JWK for encryption":           {privateJWK(ecKey, map[string]any{"use": "enc"}), false},
		"a JWK whose alg does not match": {privateJWK(ecKey, map[string]any{"alg": "RS256"}), false},
		"a JWK with alg HS256":           {privateJWK(ecKey, map[string]any{"alg": "HS256"}), false},
		"a set of JWKs":                  {[]byte(jwks(jwk(ecKey, "k", nil))), false},
		"an empty file":                  {nil, false},
		"something else":                 {[]byte("client-secret-123"), false},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseClientKey(c.file)
			if (err == nil) != c.ok {
				t.Fatalf("%v, want ok %v", err, c.ok)
			}
			if err == nil {
				if k.Public() == nil || k.chooseAlgorithm(nil) == "" {
					t.Error("the key has no public key or alg")
				}
				return
			}
			if strings.Contains(err.Error(), "secret-123") || strings.Contains(err.Error(), "garbage") {
				t.Errorf("the error repeats the file: %v", err)
			}
		})
	}
}

func TestClientKeysDoNotPrint(t *testing.T) {
	k := must(ParseClientKey(privateJWK(ecKey, map[string]any{"kid": "dev-7"})))
	raw := must(ecKey.Bytes())
	d := new(big.Int).SetBytes(raw).String()
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), k.String()} {
		if strings.Contains(s, d) || !strings.Contains(s, "[private key]") {
			t.Errorf("prints as %s", s)
		}
	}
	if k.ID() != "dev-7" {
		t.Errorf("named %q", k.ID())
	}
}

func FuzzParseClientKey(f *testing.F) {
	f.Add(pkcs8(ecKey))
	f.Add(privateJWK(edKey, map[string]any{"kid": "x"}))
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		k, err := ParseClientKey(in)
		if err != nil {
			return
		}
		switch p := k.Public().(type) {
		case *rsa.PublicKey:
			if p.N.BitLen() < minRSA {
				t.Fatal("a short RSA key")
			}
		case *ecdsa.PublicKey, ed25519.PublicKey:
		default:
			t.Fatalf("a key of type %T", p)
		}
	})
}
