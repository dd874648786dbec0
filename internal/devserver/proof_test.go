package devserver

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// signedBy makes a JWT of claims; a nil value takes a claim out.
func signedBy(t *testing.T, c Client, opt *jose.SignerOptions, claims, change map[string]any) string {
	t.Helper()
	for k, v := range change {
		if claims[k] = v; v == nil {
			delete(claims, k)
		}
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(c.Alg), Key: c.Key}, opt)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSignedRequests(t *testing.T) {
	g := start(t, Options{})
	now := g.clock.now().Unix()
	c := g.client("kiosk-signed")
	foreign := c
	foreign.Key = newPrivateKey("ES256")
	for name, test := range map[string]struct {
		by      Client
		change  map[string]any
		outside string // a parameter beside it
		code    string // "" is well
	}{
		"good":                   {c, nil, "", ""},
		"with details":           {c, map[string]any{"authorization_details": []any{map[string]any{"type": "x"}}}, "", ""},
		"expiry as a number":     {c, map[string]any{"requested_expiry": 60}, "", ""},
		"another key":            {foreign, nil, "", "invalid_request"},
		"another audience":       {c, map[string]any{"aud": "https://elsewhere.invalid"}, "", "invalid_request"},
		"another client":         {c, map[string]any{"iss": "kiosk-jwt"}, "", "invalid_request"},
		"no exp":                 {c, map[string]any{"exp": nil}, "", "invalid_request"},
		"no iat":                 {c, map[string]any{"iat": nil}, "", "invalid_request"},
		"no nbf":                 {c, map[string]any{"nbf": nil}, "", "invalid_request"},
		"no jti":                 {c, map[string]any{"jti": nil}, "", "invalid_request"},
		"not yet":                {c, map[string]any{"nbf": now + 60}, "", "invalid_request"},
		"a parameter beside it":  {c, nil, "binding_message", "invalid_request"},
		"details without a type": {c, map[string]any{"authorization_details": []any{map[string]any{"x": 1}}}, "", "invalid_authorization_details"},
		"a parameter missing":    {c, map[string]any{"login_hint": nil}, "", "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			request := signedBy(t, test.by, nil, map[string]any{
				"iss": c.ID, "aud": g.Issuer(), "iat": now, "nbf": now - 5, "exp": now + 60, "jti": secret(),
				"scope": "openid", "login_hint": "alice", "binding_message": "K7-4F9Q",
			}, test.change)
			form := url.Values{"request": {request}}
			if test.outside != "" {
				form.Set(test.outside, "K7")
			}
			r := g.post("/bc-authorize", c.ID, form)
			if test.code != "" {
				r.want(t, 400, test.code)
				return
			}
			if r.status != 200 {
				t.Fatalf("%s", r.body)
			}
			g.post("/bc-authorize", c.ID, form).want(t, 400, "invalid_request") // it is good once
		})
	}
	g.post("/bc-authorize", c.ID, url.Values{"scope": {"openid"}, "login_hint": {"alice"}}).want(t, 400, "invalid_request")
}

// proofFor makes a proof of possession, with changes.
func (g *rig) proofFor(c Client, method, path string, change map[string]any) string {
	g.t.Helper()
	opt := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	return signedBy(g.t, c, opt, map[string]any{"jti": secret(), "htm": method, "htu": g.url + path, "iat": g.clock.now().Unix()}, change)
}

func (g *rig) pollProving(id, proof string) reply {
	g.t.Helper()
	form := url.Values{"grant_type": {grantCIBA}, "auth_req_id": {id}}
	req, _ := http.NewRequest("POST", g.url+"/token", nil)
	g.sign(req, "kiosk-post", form)
	req, _ = http.NewRequest("POST", g.url+"/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("DPoP", proof)
	return g.do(req)
}

func TestProofs(t *testing.T) {
	g := start(t, Options{})
	holder := Client{Key: newPrivateKey("ES256"), Alg: "ES256"}
	now := g.clock.now().Unix()
	id := g.ask("kiosk-post", "alice")
	used := g.proofFor(holder, "POST", "/token", nil)
	for name, test := range map[string]struct{ proof, code string }{
		"good":                 {used, "authorization_pending"},
		"no JWT":               {"x", "invalid_dpop_proof"},
		"for another method":   {g.proofFor(holder, "GET", "/token", nil), "invalid_dpop_proof"},
		"for another address":  {g.proofFor(holder, "POST", "/revoke", nil), "invalid_dpop_proof"},
		"old":                  {g.proofFor(holder, "POST", "/token", map[string]any{"iat": now - 120}), "invalid_dpop_proof"},
		"without jti":          {g.proofFor(holder, "POST", "/token", map[string]any{"jti": nil}), "invalid_dpop_proof"},
		"with a made-up nonce": {g.proofFor(holder, "POST", "/token", map[string]any{"nonce": "x"}), "use_dpop_nonce"},
		"of another type":      {signedBy(t, holder, &jose.SignerOptions{EmbedJWK: true}, map[string]any{}, nil), "invalid_dpop_proof"},
	} {
		g.clock.pass(5 * time.Second)
		if r := g.pollProving(id, test.proof); r.status != 400 || r.text("error") != test.code {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	g.clock.pass(5 * time.Second)
	g.pollProving(id, used).want(t, 400, "invalid_dpop_proof") // a second time
}

func TestNonces(t *testing.T) {
	g := start(t, Options{DPoPNonce: true})
	holder := Client{Key: newPrivateKey("ES256"), Alg: "ES256"}
	id := g.ask("kiosk-post", "alice")
	if err := g.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	r := g.pollProving(id, g.proofFor(holder, "POST", "/token", nil))
	r.want(t, 400, "use_dpop_nonce")
	nonce := r.header.Get("DPoP-Nonce")
	// A nonce makes up for a clock that is wrong.
	r = g.pollProving(id, g.proofFor(holder, "POST", "/token", map[string]any{"nonce": nonce, "iat": 0}))
	if r.status != 200 || r.text("token_type") != "DPoP" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for _, a := range g.Requests() {
		if a.Early || a.Kind == "poll" && a.Outcome == "use_dpop_nonce" {
			t.Errorf("the first of the two counts as a poll: %+v", a)
		}
	}
	access := r.text("access_token")
	get := func(scheme, proof string) reply {
		req, _ := http.NewRequest("GET", g.url+"/api/customer", nil)
		req.Header.Set("Authorization", scheme+" "+access)
		if proof != "" {
			req.Header.Set("DPoP", proof)
		}
		return g.do(req)
	}
	hash := func(token string) string { return digest(token) } // the same: SHA-256 in base64url
	with := map[string]any{"ath": hash(access), "nonce": nonce}
	thief := Client{Key: newPrivateKey("ES256"), Alg: "ES256"}
	for name, test := range map[string]struct {
		scheme, proof string
		status        int
	}{
		"its holder":       {"DPoP", g.proofFor(holder, "GET", "/api/customer", with), 200},
		"without a nonce":  {"DPoP", g.proofFor(holder, "GET", "/api/customer", map[string]any{"ath": hash(access)}), 401},
		"of another token": {"DPoP", g.proofFor(holder, "GET", "/api/customer", map[string]any{"ath": hash("x"), "nonce": nonce}), 401},
		"with another key": {"DPoP", g.proofFor(thief, "GET", "/api/customer", with), 401},
		"without a proof":  {"DPoP", "", 401},
		"as bearer":        {"Bearer", g.proofFor(holder, "GET", "/api/customer", with), 401},
	} {
		got := get(test.scheme, test.proof)
		if got.status != test.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if name == "without a nonce" && (!strings.Contains(got.header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) || got.header.Get("DPoP-Nonce") == "") {
			t.Errorf("the challenge: %v", got.header)
		}
	}
	g.clock.pass(nonceLife + time.Second)
	if got := get("DPoP", g.proofFor(holder, "GET", "/api/customer", with)); got.status != 401 {
		t.Error("a nonce is good for ever")
	}
}

// secure is a rig over TLS whose caller has the certificate of a ready-made client.
func secure(t *testing.T, present string) *rig {
	t.Helper()
	g := start(t, Options{})
	conf, ca, err := g.TLS()
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(g.Handler())
	web.TLS = conf
	web.StartTLS()
	t.Cleanup(web.Close)
	if err := g.SetIssuer(web.URL); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	mine := &tls.Config{RootCAs: roots, Time: g.clock.now}
	if present != "" {
		c := g.client(present)
		g.mu.Lock()
		mine.Certificates = []tls.Certificate{{Certificate: [][]byte{g.book.client(present).Cert}, PrivateKey: c.Key}}
		g.mu.Unlock()
	}
	g.url, g.http = web.URL, &http.Client{Transport: &http.Transport{TLSClientConfig: mine}}
	t.Cleanup(g.http.CloseIdleConnections)
	return g
}

func TestClientsWithACertificate(t *testing.T) {
	for name, test := range map[string]struct {
		present, as string
		good        bool
	}{
		"issued":                       {"kiosk-tls", "kiosk-tls", true},
		"self-signed":                  {"kiosk-self-signed", "kiosk-self-signed", true},
		"none":                         {"", "kiosk-tls", false},
		"none for self-signed":         {"", "kiosk-self-signed", false},
		"self-signed as issued":        {"kiosk-self-signed", "kiosk-tls", false},
		"issued as self-signed":        {"kiosk-tls", "kiosk-self-signed", false},
		"a certificate is no password": {"kiosk-tls", "kiosk-basic", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := secure(t, test.present)
			var doc struct {
				Aliases map[string]string `json:"mtls_endpoint_aliases"`
			}
			if err := json.Unmarshal(g.get("/.well-known/openid-configuration", "").body, &doc); err != nil || doc.Aliases["token_endpoint"] != g.url+"/mtls/token" {
				t.Errorf("aliases %v", doc.Aliases)
			}
			g.client(test.as) // registers its key
			r := g.post("/mtls/bc-authorize", "", url.Values{"client_id": {test.as}, "scope": {"openid"}, "login_hint": {"alice"}})
			if !test.good {
				r.want(t, 401, "invalid_client")
				return
			}
			if err := g.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			r = g.post("/mtls/token", "", url.Values{"client_id": {test.as}, "grant_type": {grantCIBA}, "auth_req_id": {r.text("auth_req_id")}})
			if got := g.get("/api/customer", r.text("access_token")); got.status != 200 {
				t.Errorf("its holder: %d", got.status)
			}
			g.http.CloseIdleConnections()
			g.http.Transport.(*http.Transport).TLSClientConfig.Certificates = nil
			if got := g.get("/api/customer", r.text("access_token")); got.status != 401 {
				t.Errorf("without the certificate: %d", got.status)
			}
		})
	}
}
