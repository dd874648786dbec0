package provider_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

func TestSignedRequests(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	now := g.Clock.Now().Unix()
	c := g.MustClient("kiosk-signed")
	unregistered := c
	unregistered.Key = newKey(t)
	for name, test := range map[string]struct {
		by      provider.Client
		change  map[string]any
		outside string // a parameter beside the signed request
		code    string // empty on success
	}{
		"valid":                  {c, nil, "", ""},
		"with details":           {c, map[string]any{"authorization_details": []any{map[string]any{"type": "x"}}}, "", ""},
		"expiry as a number":     {c, map[string]any{"requested_expiry": 60}, "", ""},
		"another key":            {unregistered, nil, "", "invalid_request"},
		"another audience":       {c, map[string]any{"aud": "https://elsewhere.invalid"}, "", "invalid_request"},
		"another client":         {c, map[string]any{"iss": "kiosk-jwt"}, "", "invalid_request"},
		"no exp":                 {c, map[string]any{"exp": nil}, "", "invalid_request"},
		"no iat":                 {c, map[string]any{"iat": nil}, "", "invalid_request"},
		"no nbf":                 {c, map[string]any{"nbf": nil}, "", "invalid_request"},
		"no jti":                 {c, map[string]any{"jti": nil}, "", "invalid_request"},
		"not valid yet":          {c, map[string]any{"nbf": now + 60}, "", "invalid_request"},
		"parameter beside it":    {c, nil, "binding_message", "invalid_request"},
		"details without a type": {c, map[string]any{"authorization_details": []any{map[string]any{"x": 1}}}, "", "invalid_authorization_details"},
		"missing parameter":      {c, map[string]any{"login_hint": nil}, "", "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			request := providertest.SignJWT(t, test.by, nil, map[string]any{
				"iss": c.ID, "aud": g.Issuer(), "iat": now, "nbf": now - 5, "exp": now + 60, "jti": rand.Text(),
				"scope": "openid", "login_hint": "alice", "binding_message": "K7-4F9Q",
			}, test.change)
			form := url.Values{"request": {request}}
			if test.outside != "" {
				form.Set(test.outside, "K7")
			}
			r := g.Post("/bc-authorize", c.ID, form)
			if test.code != "" {
				r.Want(t, 400, test.code)
				return
			}
			if r.Status != 200 {
				t.Fatalf("%s", r.Body)
			}
			g.Post("/bc-authorize", c.ID, form).Want(t, 400, "invalid_request") // rejected on replay
		})
	}
	g.Post("/bc-authorize", c.ID, url.Values{"scope": {"openid"}, "login_hint": {"alice"}}).Want(t, 400, "invalid_request")
}

func TestSignedRequestIsOfItsOwnType(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	now := g.Clock.Now().Unix()
	c := g.MustClient("kiosk-signed")
	for typ, code := range map[jose.ContentType]string{"oauth-authz-req+jwt": "", "JWT": "invalid_request", "dpop+jwt": "invalid_request"} {
		request := providertest.SignJWT(t, c, (&jose.SignerOptions{}).WithType(typ), map[string]any{
			"iss": c.ID, "aud": g.Issuer(), "iat": now, "nbf": now - 5, "exp": now + 60, "jti": rand.Text(),
			"scope": "openid", "login_hint": "alice", "binding_message": "K7-4F9Q",
		}, nil)
		r := g.Post("/bc-authorize", c.ID, url.Values{"request": {request}})
		switch {
		case code != "":
			r.Want(t, 400, code)
		case r.Status != 200:
			t.Errorf("%s: %s", typ, r.Body)
		}
	}
}

// dpopProof makes a DPoP proof with some claims changed.
func dpopProof(g *providertest.Harness, c provider.Client, method, path string, change map[string]any) string {
	g.T.Helper()
	opt := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	return providertest.SignJWT(g.T, c, opt, map[string]any{"jti": rand.Text(), "htm": method, "htu": g.URL + path, "iat": g.Clock.Now().Unix()}, change)
}

func pollWithProof(g *providertest.Harness, id, proof string) providertest.Reply {
	g.T.Helper()
	form := url.Values{"grant_type": {providertest.GrantCIBA}, "auth_req_id": {id}}
	req, _ := http.NewRequest("POST", g.URL+"/token", nil)
	g.Authenticate(req, "kiosk-post", form)
	req, _ = http.NewRequest("POST", g.URL+"/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("DPoP", proof)
	return g.Do(req)
}

func TestDPoPProofs(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	holder := provider.Client{Key: newKey(t), Alg: "ES256"}
	now := g.Clock.Now().Unix()
	id := g.Ask("kiosk-post", "alice")
	used := dpopProof(g, holder, "POST", "/token", nil)
	for name, test := range map[string]struct{ proof, code string }{
		"valid":           {used, "authorization_pending"},
		"not a JWT":       {"x", "invalid_dpop_proof"},
		"another method":  {dpopProof(g, holder, "GET", "/token", nil), "invalid_dpop_proof"},
		"another address": {dpopProof(g, holder, "POST", "/revoke", nil), "invalid_dpop_proof"},
		"old":             {dpopProof(g, holder, "POST", "/token", map[string]any{"iat": now - 120}), "invalid_dpop_proof"},
		"no jti":          {dpopProof(g, holder, "POST", "/token", map[string]any{"jti": nil}), "invalid_dpop_proof"},
		"unknown nonce":   {dpopProof(g, holder, "POST", "/token", map[string]any{"nonce": "x"}), "use_dpop_nonce"},
		"another type":    {providertest.SignJWT(t, holder, &jose.SignerOptions{EmbedJWK: true}, map[string]any{}, nil), "invalid_dpop_proof"},
	} {
		g.Clock.Advance(5 * time.Second)
		if r := pollWithProof(g, id, test.proof); r.Status != 400 || r.Text("error") != test.code {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	g.Clock.Advance(5 * time.Second)
	pollWithProof(g, id, used).Want(t, 400, "invalid_dpop_proof") // replayed
}

func TestDPoPNonces(t *testing.T) {
	g := providertest.Start(t, provider.Options{DPoPNonce: true})
	holder := provider.Client{Key: newKey(t), Alg: "ES256"}
	id := g.Ask("kiosk-post", "alice")
	if err := g.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	r := pollWithProof(g, id, dpopProof(g, holder, "POST", "/token", nil))
	r.Want(t, 400, "use_dpop_nonce")
	nonce := r.Header.Get("DPoP-Nonce")
	// With a nonce, the client's clock does not matter.
	r = pollWithProof(g, id, dpopProof(g, holder, "POST", "/token", map[string]any{"nonce": nonce, "iat": 0}))
	if r.Status != 200 || r.Text("token_type") != "DPoP" {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	for _, a := range g.Requests() {
		if a.Early || a.Kind == "poll" && a.Outcome == "use_dpop_nonce" {
			t.Errorf("the attempt without a nonce counts as a poll: %+v", a)
		}
	}
	access := r.Text("access_token")
	get := func(scheme, proof string) providertest.Reply {
		req, _ := http.NewRequest("GET", g.URL+"/api/customer", nil)
		req.Header.Set("Authorization", scheme+" "+access)
		if proof != "" {
			req.Header.Set("DPoP", proof)
		}
		return g.Do(req)
	}
	hash := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	with := map[string]any{"ath": hash(access), "nonce": nonce}
	thief := provider.Client{Key: newKey(t), Alg: "ES256"}
	for name, test := range map[string]struct {
		scheme, proof string
		status        int
	}{
		"holder":                  {"DPoP", dpopProof(g, holder, "GET", "/api/customer", with), 200},
		"no nonce":                {"DPoP", dpopProof(g, holder, "GET", "/api/customer", map[string]any{"ath": hash(access)}), 401},
		"proof for another token": {"DPoP", dpopProof(g, holder, "GET", "/api/customer", map[string]any{"ath": hash("x"), "nonce": nonce}), 401},
		"another key":             {"DPoP", dpopProof(g, thief, "GET", "/api/customer", with), 401},
		"no proof":                {"DPoP", "", 401},
		"Bearer scheme":           {"Bearer", dpopProof(g, holder, "GET", "/api/customer", with), 401},
	} {
		got := get(test.scheme, test.proof)
		if got.Status != test.status {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
		if name == "no nonce" && (!strings.Contains(got.Header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) || got.Header.Get("DPoP-Nonce") == "") {
			t.Errorf("challenge: %v", got.Header)
		}
	}
	g.Clock.Advance(provider.NonceLife + time.Second)
	if got := get("DPoP", dpopProof(g, holder, "GET", "/api/customer", with)); got.Status != 401 {
		t.Error("an expired nonce was accepted")
	}
}

func TestMutualTLSClients(t *testing.T) {
	for name, test := range map[string]struct {
		present, as string
		good        bool
	}{
		"issued":                                 {"kiosk-tls", "kiosk-tls", true},
		"self-signed":                            {"kiosk-self-signed", "kiosk-self-signed", true},
		"no certificate":                         {"", "kiosk-tls", false},
		"no self-signed certificate":             {"", "kiosk-self-signed", false},
		"self-signed as issued":                  {"kiosk-self-signed", "kiosk-tls", false},
		"issued as self-signed":                  {"kiosk-tls", "kiosk-self-signed", false},
		"certificate for a client with a secret": {"kiosk-tls", "kiosk-basic", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := providertest.StartTLS(t, test.present)
			var doc struct {
				Aliases map[string]string `json:"mtls_endpoint_aliases"`
			}
			if err := json.Unmarshal(g.Get("/.well-known/openid-configuration", "").Body, &doc); err != nil || doc.Aliases["token_endpoint"] != g.URL+"/mtls/token" {
				t.Errorf("aliases %v", doc.Aliases)
			}
			g.MustClient(test.as) // registers its key
			r := g.Post("/mtls/bc-authorize", "", url.Values{"client_id": {test.as}, "scope": {"openid"}, "login_hint": {"alice"}})
			if !test.good {
				r.Want(t, 401, "invalid_client")
				return
			}
			if err := g.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			r = g.Post("/mtls/token", "", url.Values{"client_id": {test.as}, "grant_type": {providertest.GrantCIBA}, "auth_req_id": {r.Text("auth_req_id")}})
			if got := g.Get("/api/customer", r.Text("access_token")); got.Status != 200 {
				t.Errorf("with the certificate: %d", got.Status)
			}
			g.HTTP.CloseIdleConnections()
			g.HTTP.Transport.(*http.Transport).TLSClientConfig.Certificates = nil
			if got := g.Get("/api/customer", r.Text("access_token")); got.Status != 401 {
				t.Errorf("without the certificate: %d", got.Status)
			}
		})
	}
}
