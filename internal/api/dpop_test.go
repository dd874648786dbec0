package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// proofOf returns the claims of a request's proof, verified with the key in it.
func proofOf(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	jws, err := jose.ParseSignedCompact(r.Header.Get("DPoP"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Error(err)
		return nil
	}
	body, err := jws.Verify(jws.Signatures[0].Header.JSONWebKey)
	if err != nil {
		t.Error(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(body, &claims); err != nil {
		t.Error(err)
	}
	return claims
}

// bound returns a DPoP token and the DPoP with its key.
func bound(t *testing.T) (kiosk.Tokens, *oidc.DPoP) {
	t.Helper()
	d := oidc.NewDPoP(func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) })
	if _, err := d.TokenProof(kiosk.Secret("id"), "https://op.example/token"); err != nil {
		t.Fatal(err)
	}
	token := bearer
	token.Type = "DPoP"
	d.BindAccessToken(kiosk.Secret("id"), token.Access)
	return token, d
}

func TestDPoPTokenIsSentWithItsProof(t *testing.T) {
	sum := sha256.Sum256([]byte(canary))
	s, n := calls(t, func(w http.ResponseWriter, r *http.Request) {
		c := proofOf(t, r)
		if r.Header.Get("Authorization") != "DPoP "+canary || c["ath"] != base64.RawURLEncoding.EncodeToString(sum[:]) ||
			c["htm"] != "GET" || c["htu"] != "http://"+r.Host+"/me" {
			t.Errorf("%v %v", r.Header, c)
		}
		w.Write([]byte(`{"title":"Welcome"}`))
	})
	token, d := bound(t)
	r := resource(t, Options{URL: parse(t, s.URL+"/me?fields=all"), DPoP: d})
	if got, err := r.Fetch(t.Context(), token, alice); err != nil || got.Title != "Welcome" || n.Load() != 1 {
		t.Fatalf("%+v %v, %d calls", got, err, n.Load())
	}
	_, err := r.Fetch(t.Context(), token, alice)
	fails(t, err, kiosk.Internal) // the first call removed the key
	if n.Load() != 1 {
		t.Error("called without a proof")
	}
	_, err = resource(t, Options{URL: parse(t, s.URL)}).Fetch(t.Context(), token, alice)
	fails(t, err, kiosk.Internal)
}

func TestNonceIsRetriedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string // the challenge for each request; empty: success
		calls   int32
		want    kiosk.Reason
	}{
		"once":                 {[]string{`DPoP error="use_dpop_nonce"`, ""}, 2, kiosk.NoReason},
		"for ever":             {[]string{`DPoP error="use_dpop_nonce"`, `DPoP error="use_dpop_nonce"`, ""}, 2, kiosk.NoAccess},
		"a refusal":            {[]string{`DPoP error="invalid_token"`, ""}, 1, kiosk.NoAccess},
		"a refusal of another": {[]string{`Bearer error="use_dpop_nonce"`, ""}, 1, kiosk.NoAccess},
	} {
		t.Run(name, func(t *testing.T) {
			token, d := bound(t)
			i := 0
			s, n := calls(t, func(w http.ResponseWriter, r *http.Request) {
				if got := proofOf(t, r)["nonce"]; i > 0 && got != strings.Repeat("n", i) {
					t.Errorf("call %d has nonce %v", i+1, got)
				}
				i++
				w.Header().Set("DPoP-Nonce", strings.Repeat("n", i))
				if c.answers[i-1] != "" {
					w.Header().Set("WWW-Authenticate", c.answers[i-1])
					w.WriteHeader(401)
					return
				}
				w.Write([]byte(`{}`))
			})
			_, err := resource(t, Options{URL: parse(t, s.URL), DPoP: d}).Fetch(t.Context(), token, alice)
			if kiosk.ReasonOf(err) != c.want || n.Load() != c.calls {
				t.Errorf("%v, %d calls", err, n.Load())
			}
		})
	}
}
