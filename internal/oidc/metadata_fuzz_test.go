package oidc

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/safeurl"
)

func FuzzParseMetadata(f *testing.F) {
	const issuer = "https://op.example"
	f.Add([]byte(document(issuer, issuer, nil)))
	f.Add([]byte(document(issuer, "http://localhost:1", nil)))
	f.Add([]byte(document(issuer, issuer, map[string]any{"mtls_endpoint_aliases": map[string]any{"token_endpoint": "https://m.example/t", "jwks_uri": 1}})))
	f.Add([]byte(document(issuer, issuer, map[string]any{"userinfo_endpoint": "https://op.example/#me", "grant_types_supported": []any{1}})))
	f.Add([]byte(document(issuer+"/", issuer, nil)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMetadata(data, issuer)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("the error quotes %q", err)
			}
			return
		}
		if m.Issuer != issuer || m.Endpoint(Token, false) == "" || m.Endpoint(JWKS, false) == "" {
			t.Errorf("accepted: %q", data)
		}
		for _, e := range endpointNames {
			for _, mtls := range []bool{false, true} {
				a := m.Endpoint(e, mtls)
				if u, err := safeurl.Parse(a); a != "" && (err != nil || u.Scheme != "https") {
					t.Errorf("%s at %q: %v", e, a, err)
				}
			}
		}
	})
}
