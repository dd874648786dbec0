package provider_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

func TestApprovedVisit(t *testing.T) {
	for _, client := range []string{"kiosk-basic", "kiosk-post", "kiosk-odd", "kiosk-jwt", "kiosk-jwt-rs"} {
		t.Run(client, func(t *testing.T) {
			g := providertest.Start(t, provider.Options{})
			id := g.Ask(client, "alice", "acr_values", "gold silver")
			g.Poll(client, id).Want(t, 400, "authorization_pending")
			g.Clock.Advance(5 * time.Second)
			if err := g.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			r := g.Poll(client, id)
			if r.Status != 200 || r.Text("token_type") != "Bearer" || r.JSON["refresh_token"] != nil {
				t.Fatalf("token answer: %d %s", r.Status, r.Body)
			}
			claims := g.Claims(r.Text("id_token"))
			now := float64(g.Clock.Now().Unix())
			for name, want := range map[string]any{
				"iss": g.URL, "aud": client, "sub": "u-alice", "preferred_username": "alice", "email": "alice@shop.example",
				"email_verified": true, "phone_number": "+447700900101", "iat": now, "exp": now + 300, "auth_time": now,
				"acr": "gold", "at_hash": provider.TokenHash(r.Text("access_token")), "urn:openid:params:jwt:claim:auth_req_id": id,
			} {
				if claims[name] != want {
					t.Errorf("claim %s: %v, want %v", name, claims[name], want)
				}
			}
			if got := g.Get("/api/customer", r.Text("access_token")); got.Text("title") != "Welcome, Alice" {
				t.Errorf("customer API: %d %s", got.Status, got.Body)
			}
			if got := g.Get("/userinfo", r.Text("access_token")); got.Text("sub") != "u-alice" {
				t.Errorf("userinfo: %d %s", got.Status, got.Body)
			}
			g.Poll(client, id).Want(t, 400, "invalid_grant") // tokens are issued once
		})
	}
}

func TestVisitOutcomes(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *providertest.Harness){
		"declined": func(t *testing.T, g *providertest.Harness) {
			id := g.Ask("kiosk-basic", "bob")
			if err := g.Deny("bob"); err != nil {
				t.Fatal(err)
			}
			g.Poll("kiosk-basic", id).Want(t, 400, "access_denied")
		},
		"expired": func(t *testing.T, g *providertest.Harness) {
			id := g.Ask("kiosk-basic", "bob", "requested_expiry", "30")
			g.Clock.Advance(29 * time.Second)
			g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending")
			g.Clock.Advance(time.Second)
			g.Poll("kiosk-basic", id).Want(t, 400, "expired_token")
			if err := g.Approve("bob", ""); err != provider.ErrNothingPending {
				t.Errorf("approving an expired request: %v", err)
			}
			g.Clock.Advance(2 * time.Hour)
			g.Ask("kiosk-basic", "alice") // saving removes old requests
			g.Poll("kiosk-basic", id).Want(t, 400, "invalid_grant")
		},
		"polled by another client": func(t *testing.T, g *providertest.Harness) {
			id := g.Ask("kiosk-basic", "bob")
			g.Poll("kiosk-post", id).Want(t, 400, "invalid_grant")
		},
		"unknown auth_req_id": func(t *testing.T, g *providertest.Harness) {
			g.Poll("kiosk-basic", "nonsense").Want(t, 400, "invalid_grant")
		},
		"approved by another person": func(t *testing.T, g *providertest.Harness) {
			id := g.Ask("kiosk-basic", "alice")
			if err := g.Approve("alice", "bob"); err != nil {
				t.Fatal(err)
			}
			r := g.Poll("kiosk-basic", id)
			if sub := g.Claims(r.Text("id_token"))["sub"]; sub != "u-bob" {
				t.Errorf("sub %v, want bob's", sub)
			}
			if got := g.Get("/api/customer", r.Text("access_token")); got.Text("title") != "Welcome, Bob" {
				t.Errorf("customer API: %s", got.Body)
			}
		},
		"approved automatically after two seconds": func(t *testing.T, g *providertest.Harness) {
			if err := g.SetAuto("approve", 2*time.Second, ""); err != nil {
				t.Fatal(err)
			}
			id := g.Ask("kiosk-basic", "alice")
			g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending")
			g.Clock.Advance(5 * time.Second)
			if r := g.Poll("kiosk-basic", id); r.Status != 200 {
				t.Errorf("%d %s", r.Status, r.Body)
			}
		},
		"the newest request is answered first": func(t *testing.T, g *providertest.Harness) {
			first, second := g.Ask("kiosk-basic", "alice"), g.Ask("kiosk-basic", "alice")
			if err := g.Deny("alice"); err != nil {
				t.Fatal(err)
			}
			g.Poll("kiosk-basic", second).Want(t, 400, "access_denied")
			g.Poll("kiosk-basic", first).Want(t, 400, "authorization_pending")
		},
		"too many pending": func(t *testing.T, g *providertest.Harness) {
			for range 3 {
				g.Ask("kiosk-basic", "alice")
			}
			r := g.Post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"bob"}})
			r.Want(t, 503, "temporarily_unavailable")
		},
	} {
		t.Run(name, func(t *testing.T) { run(t, providertest.Start(t, provider.Options{MaxPending: 3})) })
	}
}

func TestEarlyPollsSlowDown(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	id := g.Ask("kiosk-basic", "alice")
	g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending") // the first poll may come at once
	g.Clock.Advance(4900 * time.Millisecond)
	g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending") // within the tolerance
	g.Clock.Advance(4700 * time.Millisecond)
	g.Poll("kiosk-basic", id).Want(t, 400, "slow_down") // beyond the tolerance
	g.Clock.Advance(6 * time.Second)
	g.Poll("kiosk-basic", id).Want(t, 400, "slow_down") // the interval is ten seconds now
	g.Clock.Advance(15 * time.Second)
	g.Poll("kiosk-basic", id).Want(t, 400, "authorization_pending")
	var early []bool
	for _, a := range g.Requests() {
		if a.Kind == "poll" {
			early = append(early, a.Early)
		}
	}
	if !slices.Equal(early, []bool{false, false, true, true, false}) {
		t.Errorf("early polls: %v", early)
	}
}

func TestArrivalsHoldNoSecrets(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	id := g.Ask("kiosk-jwt", "alice@shop.example", "scope", "openid offline_access")
	g.Approve("alice", "")
	r := g.Poll("kiosk-jwt", id)
	g.Get("/api/customer", r.Text("access_token"))
	g.Post("/revoke", "kiosk-jwt", url.Values{"token": {r.Text("refresh_token")}})
	g.Get("/api/customer", r.Text("access_token"))
	var kinds []string
	for _, a := range g.Requests() {
		kinds = append(kinds, a.Kind+" "+a.Client+" "+a.User+" "+a.Outcome)
	}
	want := []string{"backchannel kiosk-jwt alice ok", "answer kiosk-jwt alice approved", "poll kiosk-jwt alice ok",
		"api kiosk-jwt alice ok", "revocation kiosk-jwt alice ok", "api   invalid_token"}
	if !slices.Equal(kinds, want) {
		t.Errorf("got  %q\nwant %q", kinds, want)
	}
	list := string(g.Get("/dev/requests", "").Body)
	for _, hidden := range []string{id, r.Text("access_token"), r.Text("refresh_token"), "alice@shop"} {
		if strings.Contains(list, hidden) {
			t.Error("the arrivals contain a secret or a hint")
		}
	}
	if !strings.Contains(list, `"code": "K7-4F9Q"`) {
		t.Error("the arrivals lack the binding message")
	}
}

func TestInvalidBackchannelRequests(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	good := url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "binding_message": {"K7-4F9Q"}}
	for name, c := range map[string]struct {
		change url.Values
		code   string
	}{
		"no scope":                        {url.Values{"scope": nil}, "invalid_scope"},
		"scope without openid":            {url.Values{"scope": {"profile"}}, "invalid_scope"},
		"no hint":                         {url.Values{"login_hint": nil}, "invalid_request"},
		"empty hint":                      {url.Values{"login_hint": {""}}, "invalid_request"},
		"two hints":                       {url.Values{"id_token_hint": {"x"}}, "invalid_request"},
		"repeated parameter":              {url.Values{"scope": {"openid", "openid"}}, "invalid_request"},
		"unknown person":                  {url.Values{"login_hint": {"mallory"}}, "unknown_user_id"},
		"person without a phone":          {url.Values{"login_hint": {"dave"}}, "unknown_user_id"},
		"hint of another issuer":          {url.Values{"login_hint": {`{"format":"iss_sub","iss":"https://x","sub":"u-alice"}`}}, "unknown_user_id"},
		"control character":               {url.Values{"binding_message": {"K7\x1b[2J"}}, "invalid_binding_message"},
		"binding message too long":        {url.Values{"binding_message": {strings.Repeat("A", 65)}}, "invalid_binding_message"},
		"expiry not a number":             {url.Values{"requested_expiry": {"soon"}}, "invalid_request"},
		"expiry zero":                     {url.Values{"requested_expiry": {"0"}}, "invalid_request"},
		"notification token in poll mode": {url.Values{"client_notification_token": {"x"}}, "invalid_request"},
		"details not a list":              {url.Values{"authorization_details": {"{}"}}, "invalid_authorization_details"},
		"malformed id_token_hint":         {url.Values{"login_hint": nil, "id_token_hint": {"x"}}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{}
			for k, v := range good {
				form[k] = v
			}
			for k, v := range c.change {
				form[k] = v
			}
			g.Post("/bc-authorize", "kiosk-basic", form).Want(t, 400, c.code)
		})
	}
	if n := len(g.Pending("alice")); n != 0 {
		t.Errorf("%d rejected requests reached the phone", n)
	}
}

func TestHintForms(t *testing.T) {
	g := providertest.Start(t, provider.Options{})
	for _, hint := range []string{"alice", "Alice", "alice@shop.example", "+447700900101", "+44 7700 900101", "u-alice",
		`{"format":"iss_sub","iss":"` + g.URL + `","sub":"u-alice"}`, `{"format":"iss_sub","iss":"` + g.URL + `","sub":"auth0|u-alice"}`} {
		g.Ask("kiosk-basic", hint)
	}
	if n := len(g.Pending("alice")); n != 8 {
		t.Errorf("%d of 8 requests reached alice", n)
	}
	token := g.Visit().Text("id_token")
	r := g.Post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "id_token_hint": {token}})
	if r.Status != 200 {
		t.Errorf("id_token_hint: %d %s", r.Status, r.Body)
	}
	g.Post("/bc-authorize", "kiosk-post", url.Values{"scope": {"openid"}, "id_token_hint": {token}}).Want(t, 400, "invalid_request")
}
