package oidc

import (
	"crypto"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/go-jose/go-jose/v4"
)

// verifyProof verifies a proof as a server does and returns its claims and key.
func verifyProof(t *testing.T, proof string) (strictjson.Object, *jose.JSONWebKey) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(proof, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	h := jws.Signatures[0].Header
	if h.ExtraHeaders["typ"] != "dpop+jwt" || h.JSONWebKey == nil || !h.JSONWebKey.IsPublic() || h.KeyID != "" {
		t.Fatalf("header %+v", h)
	}
	body, err := jws.Verify(h.JSONWebKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := strictjson.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return c, h.JSONWebKey
}

func thumbprint(t *testing.T, k *jose.JSONWebKey) string {
	t.Helper()
	return b64(must(k.Thumbprint(crypto.SHA256)))
}

func TestDPoPProofs(t *testing.T) {
	d := NewDPoP(func() time.Time { return noon })
	id, access := kiosk.Secret("the-id"), kiosk.Secret("the-access-token")
	c1, k1 := verifyProof(t, must(d.TokenProof(id, "https://op.example/token?tenant=7#x")))
	for name, want := range map[string]string{"htm": "POST", "htu": "https://op.example/token"} {
		if got, _ := c1.Text(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if at := must(c1.Date("iat")); !at.Equal(noon) || c1.Has("ath") || c1.Has("nonce") {
		t.Errorf("claims %v", c1)
	}
	c2, k2 := verifyProof(t, must(d.TokenProof(id, "https://op.example/token")))
	if c1["jti"] == c2["jti"] || c1["jti"] == "" {
		t.Error("a proof that is not fresh")
	}
	if thumbprint(t, k1) != thumbprint(t, k2) {
		t.Error("one visit has two keys")
	}
	_, other := verifyProof(t, must(d.TokenProof(kiosk.Secret("another"), "https://op.example/token")))
	if thumbprint(t, k1) == thumbprint(t, other) {
		t.Error("two visits share a key")
	}
	if _, err := d.ResourceProof(access, "GET", "https://api.example/me"); err == nil {
		t.Error("a proof for an unknown token")
	}
	d.BindAccessToken(id, access)
	c3, k3 := verifyProof(t, must(d.ResourceProof(access, "GET", "https://api.example/me")))
	sum := sha256.Sum256(access)
	if thumbprint(t, k3) != thumbprint(t, k1) || c3["ath"] != b64(sum[:]) || c3["htm"] != "GET" {
		t.Errorf("at the API: %v", c3)
	}
	d.Forget(access)
	if _, err := d.ResourceProof(access, "GET", "https://api.example/me"); err == nil {
		t.Error("the key was kept")
	}
	for i := range 3 * maxProofKeys {
		must(d.TokenProof(kiosk.Secret(strings.Repeat("x", i+1)), "https://op.example/token"))
	}
	if len(d.keys) != maxProofKeys {
		t.Errorf("%d keys are held", len(d.keys))
	}
}

func TestNoncesAreKeptByOrigin(t *testing.T) {
	d := NewDPoP(func() time.Time { return noon })
	nonce := func(address string) any {
		c, _ := verifyProof(t, must(d.TokenProof(kiosk.Secret("id"), address)))
		return c["nonce"]
	}
	head := func(values ...string) http.Header { return http.Header{"Dpop-Nonce": values} }
	if !d.StoreNonce("https://op.example/token", head("n1")) || d.StoreNonce("https://op.example/other", head("n1")) {
		t.Error("StoreNonce does not tell a new nonce from an old one")
	}
	for address, want := range map[string]any{
		"https://op.example/token": "n1", "https://OP.example:443/token": "n1",
		"https://op.example:8443/token": nil, "http://op.example/token": nil, "https://api.example/": nil,
	} {
		if got := nonce(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	for name, h := range map[string]http.Header{
		"none": {}, "empty": head(""), "two": head("a", "b"), "a blank": head("a b"), "a quote": head(`a"b`),
		"a control": head("a\x00"), "long": head(strings.Repeat("n", maxNonce+1)),
	} {
		if d.StoreNonce("https://op.example/token", h) || nonce("https://op.example/token") != "n1" {
			t.Errorf("%s: taken", name)
		}
	}
	d.StoreNonce("https://op.example/token", head("n2"))
	if nonce("https://op.example/token") != "n2" {
		t.Error("not the newest")
	}
	for i := range 100 {
		d.StoreNonce("https://"+strings.Repeat("a", i+1)+".example/", head("n"))
	}
	if len(d.nonces) > maxOrigins {
		t.Errorf("%d origins", len(d.nonces))
	}
}

func TestRequiresNonce(t *testing.T) {
	for challenge, want := range map[string]bool{
		`DPoP error="use_dpop_nonce", error_description="x"`:                true,
		`dpop realm="a", error=use_dpop_nonce`:                              true,
		`Bearer realm="a, DPoP", DPoP algs="ES256", error="use_dpop_nonce"`: true,
		`DPoP algs="ES256 PS256",error = "use_dpop_nonce"`:                  true,
		`Bearer error="use_dpop_nonce"`:                                     false,
		`DPoP error="invalid_token"`:                                        false,
		`DPoP algs="error=use_dpop_nonce"`:                                  false,
		`DPoP error="use_dpop_nonce`:                                        false,
		`DPoP, Bearer error="use_dpop_nonce"`:                               false,
		"":                                                                  false,
		`"`:                                                                 false,
	} {
		h := http.Header{"Www-Authenticate": {challenge}}
		if got := RequiresNonce(401, h); got != want {
			t.Errorf("%s: %v", challenge, got)
		}
		if RequiresNonce(400, h) {
			t.Error("a status other than 401 requires a nonce")
		}
	}
	if !RequiresNonce(401, http.Header{"Www-Authenticate": {"Bearer", `DPoP error="use_dpop_nonce"`}}) {
		t.Error("the second header was not read")
	}
}

// FuzzChallengesForNonce checks that it ends, and that a found challenge is in the input.
func FuzzChallengesForNonce(f *testing.F) {
	f.Add(`Bearer realm="a", DPoP error="use_dpop_nonce"`)
	f.Add(`DPoP a = "b\"c",,error=use_dpop_nonce`)
	f.Fuzz(func(t *testing.T, s string) {
		if hasNonceChallenge(s) && (!strings.Contains(s, "use_dpop_nonce") || strings.Count(strings.ToLower(s), "dpop") < 2) {
			t.Errorf("%q demands nothing", s)
		}
	})
}
