package ciba

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// narrowExtra and narrowMax are what every server accepts in a binding message: our codes, in capitals.
const (
	narrowExtra = "-"
	narrowMax   = len("K7-4F9Q")
)

func TestProfiles(t *testing.T) {
	for _, p := range profiles {
		if p.Name == "" || p.BindingMax < narrowMax || !strings.Contains(p.BindingExtra, narrowExtra) {
			t.Errorf("%+v", p)
		}
		if p.ExpiryMax > 0 && p.ExpiryMin > p.ExpiryMax {
			t.Errorf("%s: no expiry is between %v and %v", p.Name, p.ExpiryMin, p.ExpiryMax)
		}
		if _, err := newHintRule(Config{Issuer: "https://op.example/", LoginHint: p.HintPattern}); err != nil {
			t.Errorf("%s: hint %q: %v", p.Name, p.HintPattern, err)
		}
		if p.AmbiguousDenial != (p.Name == "auth0") {
			t.Errorf("%s: only Auth0 has ambiguous denials", p.Name)
		}
		if p.Audience != oidc.AudienceIssuer {
			t.Errorf("%s: the audience of assertions is not the issuer", p.Name)
		}
	}
	if Profiles()[0] != Generic {
		t.Error("the first profile is not the generic one")
	}
}

func TestServersAreRecognized(t *testing.T) {
	known := map[string]struct{ bc, token string }{
		"auth0":              {"/bc-authorize", "/oauth/token"},
		"keycloak":           {"/realms/shop/protocol/openid-connect/ext/ciba/auth", "/realms/shop/protocol/openid-connect/token"},
		"node-oidc-provider": {"/backchannel", "/token"},
		"duende":             {"/connect/ciba", "/connect/token"},
		"wso2":               {"/oauth2/ciba", "/oauth2/token"},
		"pingfederate":       {"/as/bc-auth.ciba", "/as/token.oauth2"},
		"pingone":            {"/env/as/cibaAuthorization", "/env/as/token"},
		"pingam":             {"/am/oauth2/realms/root/bc-authorize", "/am/oauth2/realms/root/access_token"},
		"okta":               {"/oauth2/default/v1/bc/authorize", "/oauth2/default/v1/token"},
		"cidaas":             {"/authz-srv/ciba", "/token-srv/token"},
		"thunderid":          {"/oauth2/bc-authorize", "/oauth2/token"},
		"generic":            {"/bc-authorize", "/token"}, // a common name is not enough
	}
	for _, p := range profiles {
		if _, tested := known[p.Name]; tested != (p.backchannel != "" || p.Name == Generic) {
			t.Errorf("%s: tested %v", p.Name, tested)
		}
	}
	for want, c := range known {
		p := newOP(t)
		p.play(discoveryPath, say(200, p.document().with(obj{"backchannel_authentication_endpoint": p.issuer + c.bc, "token_endpoint": p.issuer + c.token, "backchannel_authentication_request_signing_alg_values_supported": []string{"ES256"}})))
		p.play(c.bc, say(200, goodAck))
		k := p.kiosk(func(c *Config) {
			if want == "pingam" {
				c.SignKey, c.ACRValues = testKey(t), "gold"
			}
		})
		if got := k.Profile().Name; got != Generic {
			t.Errorf("before the first contact: %s", got)
		}
		ask(t, k)
		if got := k.Profile().Name; got != want {
			t.Errorf("%s recognized as %s", want, got)
		}
		// A configured profile takes precedence.
		k = p.kiosk(func(c *Config) { c.Profile = "keycloak" })
		ask(t, k)
		if got := k.Profile().Name; got != "keycloak" {
			t.Errorf("configured profile: %s", got)
		}
	}
}

// The profile changes when the server's metadata change.
func TestProfileFollowsMetadata(t *testing.T) {
	p := newOP(t)
	moved := func(bc, token string) line {
		return say(200, p.document().with(obj{"backchannel_authentication_endpoint": p.issuer + bc, "token_endpoint": p.issuer + token}))
	}
	p.play(discoveryPath, moved("/backchannel", "/token"), moved("/connect/ciba", "/connect/token"))
	k := p.kiosk(nil)
	for _, want := range []string{"node-oidc-provider", "duende", "duende"} {
		if _, err := k.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := k.Profile().Name; got != want {
			t.Errorf("%s recognized as %s", want, got)
		}
	}
}

// A profile that no server has shows the effect of each field.
func TestProfileFields(t *testing.T) {
	p := newOP(t)
	auth, err := oidc.NewClientAuth(oidc.AuthOptions{ClientID: clientID, Key: testKey(t), Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	log := new(notebook)
	k := p.kiosk(func(c *Config) {
		c.Auth, c.Log = auth, log.logger()
		c.Audience, c.Resource = "https://api.example", "https://api.example/v1"
		c.RequestedExpiry, c.BindingMessage = 20*time.Second, "{code} to enter {site}"
	})
	k.profile = &Profile{
		Name: "odd", HintPattern: "person:{identifier}", HintMax: 14, BindingExtra: "-=", BindingMax: 12, AmbiguousDenial: true,
		Audience: oidc.AudienceToken, Ignores: []string{"audience"}, ExpiryMin: 45 * time.Second, PhoneHint: kiosk.LinkMessage,
	}
	ack := ask(t, k)
	if !ack.AmbiguousDenial || ack.PhoneHint != kiosk.LinkMessage {
		t.Errorf("ambiguous denial %v, phone hint %q", ack.AmbiguousDenial, ack.PhoneHint)
	}
	form := p.got("/bc")[0].form
	for name, want := range map[string]string{
		"login_hint": "person:alice", "binding_message": "K7-4F9Q-to-e", "requested_expiry": "45",
		"audience": "", "resource": "https://api.example/v1",
	} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(form.Get("client_assertion"), ".")[1])
	if err != nil || !strings.Contains(string(body), `"aud":"`+p.issuer+`/token"`) {
		t.Errorf("the assertion is %s", body)
	}
	if !strings.Contains(log.String(), "KIOSK_AUDIENCE") || strings.Contains(log.String(), "KIOSK_RESOURCE") {
		t.Errorf("the log does not name the parameters that are not sent: %s", log)
	}
	_, err = k.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret("somebody"), Code: alice.Code})
	wantReason(t, err, kiosk.Refused) // person:somebody has 15 characters
	if n := len(p.got("/bc")); n != 1 {
		t.Errorf("%d requests", n)
	}
	// A configured pattern takes precedence over the profile's.
	k = p.kiosk(func(c *Config) { c.Profile, c.LoginHint = "auth0", "id:{identifier}" })
	ask(t, k)
	if got := p.got("/bc")[1].form.Get("login_hint"); got != "id:alice" {
		t.Errorf("hint %q", got)
	}
}

// Auth0 gets the iss_sub form, and the approver must be the subject that was sent.
func TestAuth0HintForm(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(func(c *Config) { c.Profile, c.LoginHint = "auth0", "{identifier}" })
	ack := ask(t, k)
	want := `{"format":"iss_sub","iss":"` + p.issuer + `","sub":"alice"}`
	if got := p.got("/bc")[0].form.Get("login_hint"); got != want {
		t.Errorf("hint %s", got)
	}
	for sub, reason := range map[string]kiosk.Reason{"alice": kiosk.NoReason, "bob": kiosk.WrongPerson} {
		_, err := k.Verify(t.Context(), kiosk.Tokens{
			Access: kiosk.Secret("the-access-token"), ID: kiosk.Secret(p.idToken(noon, obj{"sub": sub, "preferred_username": "alice"})),
		}, askedFor(ack.ExpectedSubject))
		wantReason(t, err, reason)
	}
}

// TestServerChoosesTheWords has BankID Norway's way: no binding message is sent, and the acknowledgement has the words.
func TestServerChoosesTheWords(t *testing.T) {
	for name, c := range map[string]struct {
		words  any
		reason kiosk.Reason
	}{
		"two words":          {"BLÅ ELG", kiosk.NoReason},
		"none":               {nil, kiosk.Untrusted},
		"a number":           {17, kiosk.Untrusted},
		"an escape sequence": {"a\x1b[2Jb", kiosk.Untrusted},
		"too long":           {strings.Repeat("x", 41), kiosk.Untrusted},
	} {
		p := newOP(t)
		p.play("/bc", say(200, goodAck.with(obj{"bindingMessage": c.words})))
		ack, err := p.kiosk(func(cfg *Config) { cfg.Profile = "idura-no" }).Ask(t.Context(), alice)
		if kiosk.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v", name, err)
		}
		form := p.got("/bc")[0].form
		if form.Has("binding_message") || form.Get("login_hint") != "sub:ssn:alice" {
			t.Errorf("%s: sent %v", name, form)
		}
		if err == nil && (!ack.ServerChose || ack.BindingMessage != c.words) {
			t.Errorf("%s: %+v", name, ack)
		}
	}
}

// TestNarrowServers has servers that take less than others, and one that names the lifetime in its own way.
func TestNarrowServers(t *testing.T) {
	p := newOP(t)
	ask(t, p.kiosk(func(c *Config) { c.Profile, c.BindingMessage, c.Site = "vipps", "service-{code} {site}", "Oslo" }))
	ask(t, p.kiosk(func(c *Config) { c.Profile = "okta" }))
	all := p.got("/bc")
	if f := all[0].form; f.Get("binding_message") != "K7-4F9Q" || f.Get("login_hint") != "urn:msisdn:alice" {
		t.Errorf("vipps: %v", f)
	}
	if f := all[1].form; f.Get("request_expiry") != "120" || f.Has("requested_expiry") {
		t.Errorf("okta: %v", f)
	}
	for _, c := range []struct {
		change  func(*Config)
		setting string
	}{
		{func(c *Config) { c.Profile = "pingam" }, "KIOSK_SIGNED_REQUEST"},
		{func(c *Config) { c.Profile, c.SignKey = "pingam", testKey(t) }, "KIOSK_ACR_VALUES"},
	} {
		_, err := New(p.config(c.change))
		if kiosk.ReasonOf(err) != kiosk.Misconfigured || !strings.Contains(err.Error(), c.setting) {
			t.Errorf("%s: %v", c.setting, err)
		}
	}
}
