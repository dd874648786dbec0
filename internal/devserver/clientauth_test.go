package devserver

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// raw sends a form with the headers given and no further help.
func (g *rig) raw(path string, form url.Values, user, password string) reply {
	g.t.Helper()
	req, _ := http.NewRequest("POST", g.url+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	return g.do(req)
}

func TestWhoIsNotAClient(t *testing.T) {
	g := start(t, Options{})
	ask := func(more ...string) url.Values {
		form := url.Values{"scope": {"openid"}, "login_hint": {"alice"}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	const good = "development-only-basic-secret"
	for name, c := range map[string]struct {
		form           url.Values
		user, password string
		status         int
		code           string
	}{
		"nobody":                        {ask(), "", "", 401, "invalid_client"},
		"a stranger":                    {ask(), "mallory", "x", 401, "invalid_client"},
		"a wrong secret":                {ask(), "kiosk-basic", "x", 401, "invalid_client"},
		"an empty secret":               {ask(), "kiosk-basic", "", 401, "invalid_client"},
		"the secret in the wrong place": {ask("client_id", "kiosk-basic", "client_secret", good), "", "", 401, "invalid_client"},
		"a secret not form-encoded":     {ask(), "kiosk-odd", "development only: 100%+odd/&=%41", 401, "invalid_client"},
		"two ways at once":              {ask("client_id", "kiosk-basic", "client_secret", good), "kiosk-basic", good, 400, "invalid_request"},
		"two names":                     {ask("client_id", "kiosk-post"), "kiosk-basic", good, 400, "invalid_request"},
		"only a name":                   {ask("client_id", "kiosk-basic"), "", "", 401, "invalid_client"},
		"the public client":             {ask("client_id", "kiosk-device"), "", "", 400, "unauthorized_client"},
		"a public name for a key":       {ask("client_id", "kiosk-jwt"), "", "", 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			g.raw("/bc-authorize", c.form, c.user, c.password).want(t, c.status, c.code)
		})
	}
}

func TestAssertions(t *testing.T) {
	g := start(t, Options{})
	now := g.clock.now().Unix()
	ec, rs := g.client("kiosk-jwt"), g.client("kiosk-jwt-rs")
	foreign := ec
	foreign.Key = newPrivateKey("ES256")
	for name, c := range map[string]struct {
		assertion string
		good      bool
	}{
		"to the issuer":         {g.assertion(ec, nil), true},
		"to the token endpoint": {g.assertion(ec, map[string]any{"aud": g.url + "/token"}), true},
		"to this endpoint":      {g.assertion(ec, map[string]any{"aud": []string{g.url + "/bc-authorize"}}), true},
		"with RSA":              {g.assertion(rs, nil), true},
		"to somebody else":      {g.assertion(ec, map[string]any{"aud": "https://elsewhere.invalid"}), false},
		"to nobody":             {g.assertion(ec, map[string]any{"aud": nil}), false},
		"of another issuer":     {g.assertion(ec, map[string]any{"iss": "kiosk-jwt-rs"}), false},
		"about another client":  {g.assertion(ec, map[string]any{"sub": "kiosk-jwt-rs", "iss": "kiosk-jwt-rs"}), false},
		"without exp":           {g.assertion(ec, map[string]any{"exp": nil}), false},
		"expired":               {g.assertion(ec, map[string]any{"exp": now - 11}), false},
		"good for an hour":      {g.assertion(ec, map[string]any{"exp": now + 3600}), false},
		"from the future":       {g.assertion(ec, map[string]any{"iat": now + 60}), false},
		"without jti":           {g.assertion(ec, map[string]any{"jti": nil}), false},
		"signed by another key": {g.assertion(foreign, nil), false},
		"that is no JWT":        {"a.b.c", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.raw("/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {"alice"},
				"client_assertion_type": {assertionType}, "client_assertion": {c.assertion}}, "", "")
			if c.good && r.status != 200 {
				t.Errorf("refused: %s", r.body)
			}
			if !c.good {
				r.want(t, 401, "invalid_client")
			}
		})
	}
}

func TestAnAssertionIsGoodForOnce(t *testing.T) {
	g := start(t, Options{})
	form := url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "client_assertion_type": {assertionType},
		"client_assertion": {g.assertion(g.client("kiosk-jwt"), nil)}}
	if r := g.raw("/bc-authorize", form, "", ""); r.status != 200 {
		t.Fatalf("the first time: %s", r.body)
	}
	r := g.raw("/bc-authorize", form, "", "")
	r.want(t, 401, "invalid_client")
	if r.header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 must name a scheme")
	}
}

func TestRegisteredClients(t *testing.T) {
	g := start(t, Options{})
	register := func(m map[string]any) reply {
		body, _ := json.Marshal(m)
		req, _ := http.NewRequest("POST", g.url+"/register", strings.NewReader(string(body)))
		req.Header.Set("Content-Type", "application/json")
		return g.do(req)
	}
	t.Run("with a secret", func(t *testing.T) {
		r := register(map[string]any{"client_name": "Locker\x1b[2J 7"})
		if r.status != 201 || r.text("client_name") != "Locker[2J 7" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		ask := url.Values{"scope": {"openid"}, "login_hint": {"carol"}}
		if got := g.raw("/bc-authorize", ask, r.text("client_id"), r.text("client_secret")); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("with a key", func(t *testing.T) {
		c := Client{Key: newPrivateKey("ES256"), Alg: "ES256"}
		public := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.Key.Public(), KeyID: "k1", Use: "sig"}}}
		r := register(map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": public,
			"grant_types": []string{grantCIBA}, "backchannel_token_delivery_mode": "poll"})
		if r.status != 201 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		c.ID = r.text("client_id")
		got := g.raw("/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {"carol"},
			"client_assertion_type": {assertionType}, "client_assertion": {g.assertion(c, nil)}}, "", "")
		if got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	private := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{newSigningKey("ES256").JWK}}
	for name, m := range map[string]map[string]any{
		"a private key sent":    {"token_endpoint_auth_method": "private_key_jwt", "jwks": private},
		"no key":                {"token_endpoint_auth_method": "private_key_jwt"},
		"ping":                  {"backchannel_token_delivery_mode": "ping"},
		"an unknown method":     {"token_endpoint_auth_method": "trust_me"},
		"CIBA without a secret": {"token_endpoint_auth_method": "none"},
		"an unknown grant":      {"grant_types": []string{"password"}},
		"ID tokens of no kind":  {"id_token_signed_response_alg": "none"},
	} {
		t.Run("refused: "+name, func(t *testing.T) { register(m).want(t, 400, "invalid_client_metadata") })
	}
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	g := start(t, Options{})
	req, _ := http.NewRequest("POST", g.url+"/bc-authorize", io.LimitReader(endless{}, maxBody+1))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	g.do(req).want(t, 400, "invalid_request")
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestDeviceGrant(t *testing.T) {
	g := start(t, Options{})
	begin := func() reply {
		r := g.post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid offline_access"}})
		if r.status != 200 || !strings.HasPrefix(r.text("verification_uri_complete"), g.url+"/device?user_code=") {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return r
	}
	poll := func(r reply) reply {
		return g.post("/token", "kiosk-device", url.Values{"grant_type": {grantDevice}, "device_code": {r.text("device_code")}})
	}
	yes, no := begin(), begin()
	poll(yes).want(t, 400, "authorization_pending")
	poll(yes).want(t, 400, "slow_down")
	if err := g.ApproveDevice(strings.ToLower(yes.text("user_code")), "carol"); err != nil {
		t.Fatal(err)
	}
	if err := g.DenyDevice(no.text("user_code")); err != nil {
		t.Fatal(err)
	}
	poll(no).want(t, 400, "access_denied")
	r := poll(yes)
	claims := g.claims(r.text("id_token"))
	if claims["sub"] != "u-carol" || claims["urn:openid:params:jwt:claim:auth_req_id"] != nil {
		t.Errorf("claims %v", claims)
	}
	poll(yes).want(t, 400, "invalid_grant")
	if g.ApproveDevice("BBBB-BBBB", "carol") != ErrNothingPending {
		t.Error("a code that nobody has can be approved")
	}
	g.post("/device_authorization", "kiosk-basic", url.Values{"scope": {"openid"}}).want(t, 400, "unauthorized_client")
	g.clock.pass(time.Minute)
	fresh := g.post("/token", "kiosk-device", url.Values{"grant_type": {grantRefresh}, "refresh_token": {r.text("refresh_token")}})
	if fresh.status != 200 || fresh.text("refresh_token") == r.text("refresh_token") {
		t.Errorf("refresh: %d %s", fresh.status, fresh.body)
	}
}

func TestTokensEnd(t *testing.T) {
	for name, story := range map[string]func(*rig, reply){
		"by themselves": func(g *rig, r reply) { g.clock.pass(accessTokenLife + time.Second) },
		"when revoked":  func(g *rig, r reply) { g.post("/revoke", "kiosk-basic", url.Values{"token": {r.text("access_token")}}) },
		"when the refresh token is": func(g *rig, r reply) {
			g.post("/revoke", "kiosk-basic", url.Values{"token": {r.text("refresh_token")}})
		},
		"when a spent one is used": func(g *rig, r reply) {
			form := url.Values{"grant_type": {grantRefresh}, "refresh_token": {r.text("refresh_token")}}
			if first := g.post("/token", "kiosk-basic", form); first.status != 200 {
				g.t.Fatalf("refresh: %s", first.body)
			}
			g.post("/token", "kiosk-basic", form).want(g.t, 400, "invalid_grant")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, Options{})
			r := g.visit("scope", "openid offline_access")
			if got := g.get("/api/customer", r.text("access_token")); got.status != 200 {
				t.Fatalf("before: %d", got.status)
			}
			story(g, r)
			got := g.get("/api/customer", r.text("access_token"))
			if got.status != 401 || !strings.Contains(got.header.Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("after: %d %s", got.status, got.body)
			}
		})
	}
	g := start(t, Options{})
	r := g.visit()
	g.post("/revoke", "kiosk-post", url.Values{"token": {r.text("access_token")}})
	if got := g.get("/api/customer", r.text("access_token")); got.status != 200 {
		t.Error("another client could revoke the token")
	}
	if got := g.post("/revoke", "kiosk-basic", url.Values{"token": {"nonsense"}}); got.status != 200 {
		t.Errorf("revoking an unknown token: %d (RFC 7009 section 2.2 says 200)", got.status)
	}
	if got := g.get("/api/customer", r.text("id_token")); got.status != 401 {
		t.Error("an ID token opens the API")
	}
}

func TestTheTokenEndpointAsksForSense(t *testing.T) {
	g := start(t, Options{})
	g.post("/token", "kiosk-basic", nil).want(t, 400, "invalid_request")
	g.post("/token", "kiosk-basic", url.Values{"grant_type": {"password"}}).want(t, 400, "unsupported_grant_type")
	g.post("/token", "kiosk-basic", url.Values{"grant_type": {grantDevice}}).want(t, 400, "unauthorized_client")
	g.post("/token", "kiosk-basic", url.Values{"grant_type": {grantCIBA}}).want(t, 400, "invalid_request")
	g.post("/token", "kiosk-basic", url.Values{"grant_type": {grantRefresh}, "refresh_token": {"x"}}).want(t, 400, "invalid_grant")
}
