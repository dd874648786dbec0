package devserver

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnApprovedVisit(t *testing.T) {
	for _, client := range []string{"kiosk-basic", "kiosk-post", "kiosk-odd", "kiosk-jwt", "kiosk-jwt-rs"} {
		t.Run(client, func(t *testing.T) {
			g := start(t, Options{})
			id := g.ask(client, "alice", "acr_values", "gold silver")
			g.poll(client, id).want(t, 400, "authorization_pending")
			g.clock.pass(5 * time.Second)
			if err := g.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			r := g.poll(client, id)
			if r.status != 200 || r.text("token_type") != "Bearer" || r.json["refresh_token"] != nil {
				t.Fatalf("token answer: %d %s", r.status, r.body)
			}
			claims := g.claims(r.text("id_token"))
			now := float64(g.clock.now().Unix())
			for name, want := range map[string]any{
				"iss": g.url, "aud": client, "sub": "u-alice", "preferred_username": "alice", "email": "alice@shop.example",
				"email_verified": true, "phone_number": "+447700900101", "iat": now, "exp": now + 300, "auth_time": now,
				"acr": "gold", "at_hash": leftHalf(r.text("access_token")), "urn:openid:params:jwt:claim:auth_req_id": id,
			} {
				if claims[name] != want {
					t.Errorf("claim %s: %v, want %v", name, claims[name], want)
				}
			}
			if got := g.get("/api/customer", r.text("access_token")); got.text("title") != "Welcome, Alice" {
				t.Errorf("customer API: %d %s", got.status, got.body)
			}
			if got := g.get("/userinfo", r.text("access_token")); got.text("sub") != "u-alice" {
				t.Errorf("userinfo: %d %s", got.status, got.body)
			}
			g.poll(client, id).want(t, 400, "invalid_grant") // redeemed once
		})
	}
}

func TestEndingsOfAVisit(t *testing.T) {
	for name, story := range map[string]func(*testing.T, *rig){
		"declined": func(t *testing.T, g *rig) {
			id := g.ask("kiosk-basic", "bob")
			if err := g.Deny("bob"); err != nil {
				t.Fatal(err)
			}
			g.poll("kiosk-basic", id).want(t, 400, "access_denied")
		},
		"nobody answers": func(t *testing.T, g *rig) {
			id := g.ask("kiosk-basic", "bob", "requested_expiry", "30")
			g.clock.pass(29 * time.Second)
			g.poll("kiosk-basic", id).want(t, 400, "authorization_pending")
			g.clock.pass(time.Second)
			g.poll("kiosk-basic", id).want(t, 400, "expired_token")
			if err := g.Approve("bob", ""); err != ErrNothingPending {
				t.Errorf("approving an expired request: %v", err)
			}
			g.clock.pass(2 * time.Hour)
			g.ask("kiosk-basic", "alice") // the book is tidied when it is written
			g.poll("kiosk-basic", id).want(t, 400, "invalid_grant")
		},
		"polled by another client": func(t *testing.T, g *rig) {
			id := g.ask("kiosk-basic", "bob")
			g.poll("kiosk-post", id).want(t, 400, "invalid_grant")
		},
		"an id out of thin air": func(t *testing.T, g *rig) {
			g.poll("kiosk-basic", "nonsense").want(t, 400, "invalid_grant")
		},
		"somebody else approves": func(t *testing.T, g *rig) {
			id := g.ask("kiosk-basic", "alice")
			if err := g.Approve("alice", "bob"); err != nil {
				t.Fatal(err)
			}
			r := g.poll("kiosk-basic", id)
			if sub := g.claims(r.text("id_token"))["sub"]; sub != "u-bob" {
				t.Errorf("sub %v, want bob's", sub)
			}
			if got := g.get("/api/customer", r.text("access_token")); got.text("title") != "Welcome, Bob" {
				t.Errorf("customer API: %s", got.body)
			}
		},
		"approved by itself after two seconds": func(t *testing.T, g *rig) {
			if err := g.SetAuto("approve", 2*time.Second, ""); err != nil {
				t.Fatal(err)
			}
			id := g.ask("kiosk-basic", "alice")
			g.poll("kiosk-basic", id).want(t, 400, "authorization_pending")
			g.clock.pass(5 * time.Second)
			if r := g.poll("kiosk-basic", id); r.status != 200 {
				t.Errorf("%d %s", r.status, r.body)
			}
		},
		"the newest request is answered first": func(t *testing.T, g *rig) {
			first, second := g.ask("kiosk-basic", "alice"), g.ask("kiosk-basic", "alice")
			if err := g.Deny("alice"); err != nil {
				t.Fatal(err)
			}
			g.poll("kiosk-basic", second).want(t, 400, "access_denied")
			g.poll("kiosk-basic", first).want(t, 400, "authorization_pending")
		},
		"too many wait": func(t *testing.T, g *rig) {
			for range 3 {
				g.ask("kiosk-basic", "alice")
			}
			r := g.post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "login_hint": {"bob"}})
			r.want(t, 503, "temporarily_unavailable")
		},
	} {
		t.Run(name, func(t *testing.T) { story(t, start(t, Options{MaxPending: 3})) })
	}
}

func TestPollingTooEarlyCosts(t *testing.T) {
	g := start(t, Options{})
	id := g.ask("kiosk-basic", "alice")
	g.poll("kiosk-basic", id).want(t, 400, "authorization_pending") // the first may come at once
	g.clock.pass(4900 * time.Millisecond)
	g.poll("kiosk-basic", id).want(t, 400, "authorization_pending") // a little early is forgiven
	g.clock.pass(4700 * time.Millisecond)
	g.poll("kiosk-basic", id).want(t, 400, "slow_down") // this is not
	g.clock.pass(6 * time.Second)
	g.poll("kiosk-basic", id).want(t, 400, "slow_down") // ten seconds now
	g.clock.pass(15 * time.Second)
	g.poll("kiosk-basic", id).want(t, 400, "authorization_pending")
	var early []bool
	for _, a := range g.Requests() {
		if a.Kind == "poll" {
			early = append(early, a.Early)
		}
	}
	if !slices.Equal(early, []bool{false, false, true, true, false}) {
		t.Errorf("the list of arrivals says early: %v", early)
	}
}

func TestWhatArrivedIsListedWithoutSecrets(t *testing.T) {
	g := start(t, Options{})
	id := g.ask("kiosk-jwt", "alice@shop.example", "scope", "openid offline_access")
	g.Approve("alice", "")
	r := g.poll("kiosk-jwt", id)
	g.get("/api/customer", r.text("access_token"))
	g.post("/revoke", "kiosk-jwt", url.Values{"token": {r.text("refresh_token")}})
	g.get("/api/customer", r.text("access_token"))
	var kinds []string
	for _, a := range g.Requests() {
		kinds = append(kinds, a.Kind+" "+a.Client+" "+a.User+" "+a.Outcome)
	}
	want := []string{"backchannel kiosk-jwt alice ok", "answer kiosk-jwt alice approved", "poll kiosk-jwt alice ok",
		"api kiosk-jwt alice ok", "revocation kiosk-jwt alice ok", "api   invalid_token"}
	if !slices.Equal(kinds, want) {
		t.Errorf("got  %q\nwant %q", kinds, want)
	}
	list := string(g.get("/dev/requests", "").body)
	for _, hidden := range []string{id, r.text("access_token"), r.text("refresh_token"), "alice@shop"} {
		if strings.Contains(list, hidden) {
			t.Error("the list of arrivals holds a secret or a hint")
		}
	}
	if !strings.Contains(list, `"code": "K7-4F9Q"`) {
		t.Error("the list of arrivals lacks the binding message")
	}
}

func TestWhatARequestMayNotBe(t *testing.T) {
	g := start(t, Options{})
	good := url.Values{"scope": {"openid"}, "login_hint": {"alice"}, "binding_message": {"K7-4F9Q"}}
	for name, c := range map[string]struct {
		change url.Values
		code   string
	}{
		"no scope":                    {url.Values{"scope": nil}, "invalid_scope"},
		"scope without openid":        {url.Values{"scope": {"profile"}}, "invalid_scope"},
		"no hint":                     {url.Values{"login_hint": nil}, "invalid_request"},
		"an empty hint":               {url.Values{"login_hint": {""}}, "invalid_request"},
		"two hints":                   {url.Values{"id_token_hint": {"x"}}, "invalid_request"},
		"a parameter twice":           {url.Values{"scope": {"openid", "openid"}}, "invalid_request"},
		"nobody":                      {url.Values{"login_hint": {"mallory"}}, "unknown_user_id"},
		"somebody without a phone":    {url.Values{"login_hint": {"dave"}}, "unknown_user_id"},
		"a hint of another issuer":    {url.Values{"login_hint": {`{"format":"iss_sub","iss":"https://x","sub":"u-alice"}`}}, "unknown_user_id"},
		"a control character":         {url.Values{"binding_message": {"K7\x1b[2J"}}, "invalid_binding_message"},
		"a code too long":             {url.Values{"binding_message": {strings.Repeat("A", 65)}}, "invalid_binding_message"},
		"an expiry in words":          {url.Values{"requested_expiry": {"soon"}}, "invalid_request"},
		"an expiry of nothing":        {url.Values{"requested_expiry": {"0"}}, "invalid_request"},
		"a token for ping":            {url.Values{"client_notification_token": {"x"}}, "invalid_request"},
		"details that are no list":    {url.Values{"authorization_details": {"{}"}}, "invalid_authorization_details"},
		"an ID token that is not one": {url.Values{"login_hint": nil, "id_token_hint": {"x"}}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{}
			for k, v := range good {
				form[k] = v
			}
			for k, v := range c.change {
				form[k] = v
			}
			g.post("/bc-authorize", "kiosk-basic", form).want(t, 400, c.code)
		})
	}
	if n := len(g.cards("alice", tongues["en"])); n != 0 {
		t.Errorf("%d refused requests ring the phone", n)
	}
}

func TestEveryWayToNameAlice(t *testing.T) {
	g := start(t, Options{})
	for _, hint := range []string{"alice", "Alice", "alice@shop.example", "+447700900101", "+44 7700 900101", "u-alice",
		`{"format":"iss_sub","iss":"` + g.url + `","sub":"u-alice"}`, `{"format":"iss_sub","iss":"` + g.url + `","sub":"auth0|u-alice"}`} {
		g.ask("kiosk-basic", hint)
	}
	if n := len(g.cards("alice", tongues["en"])); n != 8 {
		t.Errorf("%d of 8 requests reached alice", n)
	}
	token := g.visit().text("id_token")
	r := g.post("/bc-authorize", "kiosk-basic", url.Values{"scope": {"openid"}, "id_token_hint": {token}})
	if r.status != 200 {
		t.Errorf("id_token_hint: %d %s", r.status, r.body)
	}
	g.post("/bc-authorize", "kiosk-post", url.Values{"scope": {"openid"}, "id_token_hint": {token}}).want(t, 400, "invalid_request")
}

func TestNobodySharesAnIdentifier(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range People() {
		for _, id := range []string{p.Username, p.Subject, p.Email, p.Phone} {
			if got := find(id, "https://op"); seen[id] || got == nil || got.Username != p.Username {
				t.Errorf("%s does not lead to %s alone", id, p.Username)
			}
			seen[id] = true
		}
	}
}

func FuzzLoginHint(f *testing.F) {
	for _, seed := range []string{"alice", "+44 7700 900101", `{"format":"iss_sub","iss":"https://op","sub":"u-bob"}`, "{", "a|b", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hint string) {
		if p := find(hint, "https://op"); p != nil && person(p.Username) != p {
			t.Errorf("%q leads to somebody who does not exist", hint)
		}
	})
}
