package provider_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

func TestClientAuthenticationFailures(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
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
		"no credentials":                      {ask(), "", "", 401, "invalid_client"},
		"unknown client":                      {ask(), "mallory", "x", 401, "invalid_client"},
		"wrong secret":                        {ask(), "kiosk-basic", "x", 401, "invalid_client"},
		"empty secret":                        {ask(), "kiosk-basic", "", 401, "invalid_client"},
		"secret in the form instead of Basic": {ask("client_id", "kiosk-basic", "client_secret", good), "", "", 401, "invalid_client"},
		"Basic without form-encoding":         {ask(), "kiosk-odd", "development only: 100%+odd/&=%41", 401, "invalid_client"},
		"two methods":                         {ask("client_id", "kiosk-basic", "client_secret", good), "kiosk-basic", good, 400, "invalid_request"},
		"two client identifiers":              {ask("client_id", "kiosk-post"), "kiosk-basic", good, 400, "invalid_request"},
		"client_id without secret":            {ask("client_id", "kiosk-basic"), "", "", 401, "invalid_client"},
		"public client":                       {ask("client_id", "kiosk-device"), "", "", 400, "unauthorized_client"},
		"client_id without assertion":         {ask("client_id", "kiosk-jwt"), "", "", 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			g.PostForm("/bc-authorize", c.form, c.user, c.password).Want(t, c.status, c.code)
		})
	}
}

func TestClientAssertions(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	now := g.Clock.Now().Unix()
	ec, rs := g.MustClient("kiosk-jwt"), g.MustClient("kiosk-jwt-rs")
	unregistered := ec
	unregistered.Key = newKey(t)
	for name, c := range map[string]struct {
		assertion string
		good      bool
	}{
		"audience issuer":          {g.Assertion(ec, nil), true},
		"audience token endpoint":  {g.Assertion(ec, map[string]any{"aud": g.URL + "/token"}), true},
		"audience called endpoint": {g.Assertion(ec, map[string]any{"aud": []string{g.URL + "/bc-authorize"}}), true},
		"RSA key":                  {g.Assertion(rs, nil), true},
		"another audience":         {g.Assertion(ec, map[string]any{"aud": "https://elsewhere.invalid"}), false},
		"no audience":              {g.Assertion(ec, map[string]any{"aud": nil}), false},
		"another issuer":           {g.Assertion(ec, map[string]any{"iss": "kiosk-jwt-rs"}), false},
		"another client":           {g.Assertion(ec, map[string]any{"sub": "kiosk-jwt-rs", "iss": "kiosk-jwt-rs"}), false},
		"no exp":                   {g.Assertion(ec, map[string]any{"exp": nil}), false},
		"expired":                  {g.Assertion(ec, map[string]any{"exp": now - 11}), false},
		"valid for an hour":        {g.Assertion(ec, map[string]any{"exp": now + 3600}), false},
		"iat in the future":        {g.Assertion(ec, map[string]any{"iat": now + 60}), false},
		"no jti":                   {g.Assertion(ec, map[string]any{"jti": nil}), false},
		"another key":              {g.Assertion(unregistered, nil), false},
		"not a JWT":                {"a.b.c", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.PostForm("/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {"alice"},
				"client_assertion_type": {providertest.AssertionType}, "client_assertion": {c.assertion}}, "", "")
			if c.good && r.Status != 200 {
				t.Errorf("refused: %s", r.Body)
			}
			if !c.good {
				r.Want(t, 401, "invalid_client")
			}
		})
	}
}

func TestClientAssertionIsRejectedOnReplay(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	form := url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "client_assertion_type": {providertest.AssertionType},
		"client_assertion": {g.Assertion(g.MustClient("kiosk-jwt"), nil)}}
	if r := g.PostForm("/bc-authorize", form, "", ""); r.Status != 200 {
		t.Fatalf("first use: %s", r.Body)
	}
	r := g.PostForm("/bc-authorize", form, "", "")
	r.Want(t, 401, "invalid_client")
	if r.Header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 without WWW-Authenticate")
	}
}

func TestDynamicRegistration(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	register := func(m map[string]any) providertest.Reply {
		body, _ := json.Marshal(m)
		req, _ := http.NewRequest("POST", g.URL+"/register", strings.NewReader(string(body)))
		req.Header.Set("Content-Type", "application/json")
		return g.Do(req)
	}
	t.Run("client with a secret", func(t *testing.T) {
		r := register(map[string]any{"client_name": "Locker\x1b[2J 7"})
		if r.Status != 201 || r.Text("client_name") != "Locker[2J 7" {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		ask := url.Values{"scope": {"openid"}, "login_hint": {"carol"}}
		if got := g.PostForm("/bc-authorize", ask, r.Text("client_id"), r.Text("client_secret")); got.Status != 200 {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	})
	t.Run("client with a key", func(t *testing.T) {
		c := provider.Client{Key: newKey(t), Alg: "ES256"}
		public := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.Key.Public(), KeyID: "k1", Use: "sig"}}}
		r := register(map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": public,
			"grant_types": []string{providertest.GrantCIBA}, "backchannel_token_delivery_mode": "poll"})
		if r.Status != 201 {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		c.ID = r.Text("client_id")
		got := g.PostForm("/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {"carol"},
			"client_assertion_type": {providertest.AssertionType}, "client_assertion": {g.Assertion(c, nil)}}, "", "")
		if got.Status != 200 {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	})
	private := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: newKey(t)}}}
	for name, m := range map[string]map[string]any{
		"private key in jwks":         {"token_endpoint_auth_method": "private_key_jwt", "jwks": private},
		"no key":                      {"token_endpoint_auth_method": "private_key_jwt"},
		"ping without an endpoint":    {"backchannel_token_delivery_mode": "ping"},
		"unknown method":              {"token_endpoint_auth_method": "trust_me"},
		"CIBA without authentication": {"token_endpoint_auth_method": "none"},
		"unknown grant":               {"grant_types": []string{"password"}},
		"unsigned ID tokens":          {"id_token_signed_response_alg": "none"},
	} {
		t.Run("rejects "+name, func(t *testing.T) { register(m).Want(t, 400, "invalid_client_metadata") })
	}
}

func TestOversizedBodyIsRejected(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	req, _ := http.NewRequest("POST", g.URL+"/bc-authorize", io.LimitReader(endless{}, provider.MaxBody+1))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	g.Do(req).Want(t, 400, "invalid_request")
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestDeviceGrant(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	begin := func() providertest.Reply {
		r := g.Post("/device_authorization", "kiosk-device", url.Values{"scope": {"openid offline_access"}})
		if r.Status != 200 || !strings.HasPrefix(r.Text("verification_uri_complete"), g.URL+"/device?user_code=") {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		return r
	}
	poll := func(r providertest.Reply) providertest.Reply {
		return g.Post("/token", "kiosk-device", url.Values{"grant_type": {providertest.GrantDevice}, "device_code": {r.Text("device_code")}})
	}
	yes, no := begin(), begin()
	poll(yes).Want(t, 400, "authorization_pending")
	poll(yes).Want(t, 400, "slow_down")
	if err := g.ApproveDevice(strings.ToLower(yes.Text("user_code")), "carol"); err != nil {
		t.Fatal(err)
	}
	if err := g.DenyDevice(no.Text("user_code")); err != nil {
		t.Fatal(err)
	}
	poll(no).Want(t, 400, "access_denied")
	r := poll(yes)
	claims := g.Claims(r.Text("id_token"))
	if claims["sub"] != "u-carol" || claims["urn:openid:params:jwt:claim:auth_req_id"] != nil {
		t.Errorf("claims %v", claims)
	}
	poll(yes).Want(t, 400, "invalid_grant")
	if g.ApproveDevice("BBBB-BBBB", "carol") != provider.ErrNothingPending {
		t.Error("an unknown user code was approved")
	}
	g.Post("/device_authorization", "kiosk-basic", url.Values{"scope": {"openid"}}).Want(t, 400, "unauthorized_client")
	g.Clock.Advance(time.Minute)
	fresh := g.Post("/token", "kiosk-device", url.Values{"grant_type": {providertest.GrantRefresh}, "refresh_token": {r.Text("refresh_token")}})
	if fresh.Status != 200 || fresh.Text("refresh_token") == r.Text("refresh_token") {
		t.Errorf("refresh: %d %s", fresh.Status, fresh.Body)
	}
}

func TestTokensBecomeInvalid(t *testing.T) {
	for name, run := range map[string]func(*providertest.Harness, providertest.Reply){
		"on expiry": func(g *providertest.Harness, r providertest.Reply) {
			g.Clock.Advance(provider.AccessTokenLife + time.Second)
		},
		"when revoked": func(g *providertest.Harness, r providertest.Reply) {
			g.Post("/revoke", "kiosk-basic", url.Values{"token": {r.Text("access_token")}})
		},
		"when the refresh token is revoked": func(g *providertest.Harness, r providertest.Reply) {
			g.Post("/revoke", "kiosk-basic", url.Values{"token": {r.Text("refresh_token")}})
		},
		"when a refresh token is used twice": func(g *providertest.Harness, r providertest.Reply) {
			form := url.Values{"grant_type": {providertest.GrantRefresh}, "refresh_token": {r.Text("refresh_token")}}
			if first := g.Post("/token", "kiosk-basic", form); first.Status != 200 {
				g.T.Fatalf("refresh: %s", first.Body)
			}
			g.Post("/token", "kiosk-basic", form).Want(g.T, 400, "invalid_grant")
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := providertest.Start(t, provider.Options{})
			r := g.Visit("scope", "openid offline_access")
			if got := g.Get("/api/customer", r.Text("access_token")); got.Status != 200 {
				t.Fatalf("before: %d", got.Status)
			}
			run(g, r)
			got := g.Get("/api/customer", r.Text("access_token"))
			if got.Status != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("after: %d %s", got.Status, got.Body)
			}
		})
	}
	g := providertest.Start(t, provider.Options{})
	r := g.Visit()
	g.Post("/revoke", "kiosk-post", url.Values{"token": {r.Text("access_token")}})
	if got := g.Get("/api/customer", r.Text("access_token")); got.Status != 200 {
		t.Error("another client revoked the token")
	}
	if got := g.Post("/revoke", "kiosk-basic", url.Values{"token": {"nonsense"}}); got.Status != 200 {
		t.Errorf("revoking an unknown token: %d (RFC 7009 section 2.2 says 200)", got.Status)
	}
	if got := g.Get("/api/customer", r.Text("id_token")); got.Status != 401 {
		t.Error("the API accepts an ID token")
	}
}

func TestTokenRequestErrors(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	g.Post("/token", "kiosk-basic", nil).Want(t, 400, "invalid_request")
	g.Post("/token", "kiosk-basic", url.Values{"grant_type": {"password"}}).Want(t, 400, "unsupported_grant_type")
	g.Post("/token", "kiosk-basic", url.Values{"grant_type": {providertest.GrantDevice}}).Want(t, 400, "unauthorized_client")
	g.Post("/token", "kiosk-basic", url.Values{"grant_type": {providertest.GrantCIBA}}).Want(t, 400, "invalid_request")
	g.Post("/token", "kiosk-basic", url.Values{"grant_type": {providertest.GrantRefresh}, "refresh_token": {"x"}}).Want(t, 400, "invalid_grant")
}
