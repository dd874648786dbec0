package ciba

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestBackchannelRequestContent(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	ask(t, k)
	got := p.got("/bc")
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	r := got[0]
	want := url.Values{
		"scope": {"openid profile"}, "login_hint": {"alice"}, "binding_message": {"K7-4F9Q"}, "requested_expiry": {"120"},
	}
	if r.body != want.Encode() || r.query != "" || r.method != "POST" {
		t.Errorf("%s ?%s %s", r.method, r.query, r.body)
	}
	for name, want := range map[string]string{
		"Content-Type":  "application/x-www-form-urlencoded",
		"Accept":        "application/json",
		"Authorization": "Basic a2lvc2stMTp0aGUtY2xpZW50LXNlY3JldA==",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestOptionalParameters(t *testing.T) {
	p := newOP(t)
	ask(t, p.kiosk(func(c *Config) {
		c.Audience, c.Resource, c.ACRValues = "https://api.example", "https://api.example/v1", "gold silver"
		c.RequestedExpiry = 0
	}))
	want := url.Values{
		"scope": {"openid profile"}, "login_hint": {"alice"}, "binding_message": {"K7-4F9Q"},
		"audience": {"https://api.example"}, "resource": {"https://api.example/v1"}, "acr_values": {"gold silver"},
	}
	if got := p.got("/bc")[0].body; got != want.Encode() {
		t.Errorf("sent %s", got)
	}
}

func TestParametersThatAreNeverSent(t *testing.T) {
	p := newOP(t)
	for _, hint := range []string{"", "iss_sub", "iss_sub:auth0|{identifier}", "{issuer}#{identifier}"} {
		ask(t, p.kiosk(func(c *Config) { c.LoginHint = hint }))
	}
	for _, r := range p.got("/bc") {
		for name, values := range r.form {
			if len(values) != 1 || values[0] == "" {
				t.Errorf("%s is sent as %q", name, values)
			}
		}
		for _, name := range []string{"client_notification_token", "user_code", "login_hint_token", "id_token_hint", "organization", "request", "client_secret"} {
			if r.form.Has(name) {
				t.Errorf("%s is sent", name)
			}
		}
		if r.form.Get("login_hint") == "" {
			t.Error("no hint at all")
		}
	}
}

func TestLoginHints(t *testing.T) {
	p := newOP(t)
	for pattern, want := range map[string]string{
		"":                                    `al"ice{issuer}`,
		"{identifier}":                        `al"ice{issuer}`,
		"username:{identifier}":               `username:al"ice{issuer}`,
		"{identifier}@{issuer}":               `al"ice{issuer}@` + p.issuer,
		"iss_sub":                             `{"format":"iss_sub","iss":"` + p.issuer + `","sub":"al\"ice{issuer}"}`,
		"iss_sub:auth0|{identifier}":          `{"format":"iss_sub","iss":"` + p.issuer + `","sub":"auth0|al\"ice{issuer}"}`,
		`{"format":"id","id":"{identifier}"}`: `{"format":"id","id":"al\"ice{issuer}"}`,
	} {
		k := p.kiosk(func(c *Config) { c.LoginHint = pattern })
		if _, err := k.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(`al"ice{issuer}`), Code: "K7"}); err != nil {
			t.Fatal(err)
		}
		all := p.got("/bc")
		if got := all[len(all)-1].form.Get("login_hint"); got != want {
			t.Errorf("%q makes %s, want %s", pattern, got, want)
		}
	}
}

func TestUnusableIdentifiersAreNotSent(t *testing.T) {
	p := newOP(t)
	for name, c := range map[string]struct{ profile, identifier string }{
		"empty":                         {"generic", ""},
		"only spaces":                   {"generic", "  "},
		"a line break":                  {"generic", "alice\nscope=all"},
		"a zero byte":                   {"generic", "alice\x00"},
		"not UTF-8":                     {"generic", "alice\xff"},
		"longer than the server allows": {"duende", strings.Repeat("a", 101)},
	} {
		k := p.kiosk(func(cfg *Config) { cfg.Profile = c.profile })
		_, err := k.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(c.identifier), Code: "K7"})
		if kiosk.ReasonOf(err) != kiosk.Refused || strings.Contains(fmt.Sprint(err), "aaa") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(p.got("/bc")); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	k := p.kiosk(func(c *Config) { c.Profile = "duende" })
	if _, err := k.Ask(t.Context(), kiosk.Request{Identifier: kiosk.Secret(strings.Repeat("ä", 100)), Code: "K7"}); err != nil {
		t.Errorf("a hundred characters: %v", err)
	}
}

func TestRequestedExpiryFitsProfile(t *testing.T) {
	p := newOP(t)
	for profile, want := range map[string]string{"generic": "900", "auth0": "300", "duende": "300", "node-oidc-provider": "600", "keycloak": "900"} {
		ask(t, p.kiosk(func(c *Config) { c.Profile, c.RequestedExpiry = profile, 900*time.Second }))
		all := p.got("/bc")
		if got := all[len(all)-1].form.Get("requested_expiry"); got != want {
			t.Errorf("%s: %s, want %s", profile, got, want)
		}
	}
}

func TestReadAck(t *testing.T) {
	p := newOP(t)
	k := p.kiosk(nil)
	for name, c := range map[string]struct {
		body              any
		expires, interval time.Duration // 0: refused
	}{
		"complete":                                    {goodAck, 120 * time.Second, 5 * time.Second},
		"no interval":                                 {goodAck.with(obj{"interval": nil}), 120 * time.Second, 5 * time.Second},
		"interval 0":                                  {goodAck.with(obj{"interval": 0}), 120 * time.Second, 5 * time.Second},
		"interval negative":                           {goodAck.with(obj{"interval": -1}), 120 * time.Second, 5 * time.Second},
		"interval as a text":                          {goodAck.with(obj{"interval": "9"}), 120 * time.Second, 9 * time.Second},
		"interval as a long text":                     {goodAck.with(obj{"interval": "99999999999999999999"}), 120 * time.Second, time.Hour},
		"interval as a word":                          {goodAck.with(obj{"interval": "soon"}), 120 * time.Second, 5 * time.Second},
		"interval as an empty text":                   {goodAck.with(obj{"interval": ""}), 120 * time.Second, 5 * time.Second},
		"interval as a signed text":                   {goodAck.with(obj{"interval": "-9"}), 120 * time.Second, 5 * time.Second},
		"interval as an object":                       {goodAck.with(obj{"interval": obj{}}), 120 * time.Second, 5 * time.Second},
		"interval as a fraction":                      {goodAck.with(obj{"interval": 7.5}), 120 * time.Second, 8 * time.Second},
		"interval under a second":                     {goodAck.with(obj{"interval": 0.2}), 120 * time.Second, time.Second},
		"interval a negative fraction":                {goodAck.with(obj{"interval": -7.5}), 120 * time.Second, 5 * time.Second},
		"interval null":                               {`{"auth_req_id":"x","expires_in":120,"interval":null}`, 120 * time.Second, 5 * time.Second},
		"interval 2, as from WSO2":                    {goodAck.with(obj{"interval": 2}), 120 * time.Second, 2 * time.Second},
		"interval 1":                                  {goodAck.with(obj{"interval": 1}), 120 * time.Second, time.Second},
		"interval longer than the request":            {goodAck.with(obj{"interval": 600}), 120 * time.Second, 600 * time.Second},
		"interval that overflows":                     {`{"auth_req_id":"x","expires_in":120,"interval":10000000000}`, 120 * time.Second, time.Hour},
		"interval 1e300":                              {`{"auth_req_id":"x","expires_in":120,"interval":1e300}`, 120 * time.Second, time.Hour},
		"interval 1e20":                               {`{"auth_req_id":"x","expires_in":120,"interval":1e20}`, 120 * time.Second, time.Hour},
		"interval 1e999999":                           {`{"auth_req_id":"x","expires_in":120,"interval":1e999999}`, 120 * time.Second, time.Hour},
		"expiry written 3e2":                          {`{"auth_req_id":"x","expires_in":3e2}`, 300 * time.Second, 5 * time.Second},
		"expiry written 300.0":                        {`{"auth_req_id":"x","expires_in":300.0}`, 300 * time.Second, 5 * time.Second},
		"expiry 1 s":                                  {goodAck.with(obj{"expires_in": 1}), time.Second, 5 * time.Second},
		"expiry of three days":                        {goodAck.with(obj{"expires_in": 259200}), time.Hour, 5 * time.Second},
		"expiry that overflows":                       {`{"auth_req_id":"x","expires_in":10000000000}`, time.Hour, 5 * time.Second},
		"unknown members":                             {goodAck.with(obj{"auth_url": "https://x", "y": obj{}}), 120 * time.Second, 5 * time.Second},
		"auth_req_id of a kilobyte, as from Keycloak": {goodAck.with(obj{"auth_req_id": strings.Repeat("e", 1<<10)}), 120 * time.Second, 5 * time.Second},
		"auth_req_id of 16 KiB":                       {goodAck.with(obj{"auth_req_id": strings.Repeat("e", 16<<10)}), 120 * time.Second, 5 * time.Second},
		"auth_req_id with characters outside the specified set": {goodAck.with(obj{"auth_req_id": "a+/=~ü"}), 120 * time.Second, 5 * time.Second},

		"no auth_req_id":             {goodAck.with(obj{"auth_req_id": nil}), 0, 0},
		"an empty auth_req_id":       {goodAck.with(obj{"auth_req_id": ""}), 0, 0},
		"auth_req_id as a number":    {goodAck.with(obj{"auth_req_id": 17}), 0, 0},
		"auth_req_id with blanks":    {goodAck.with(obj{"auth_req_id": " a b\n&c=d "}), 120 * time.Second, 5 * time.Second},
		"auth_req_id too long":       {goodAck.with(obj{"auth_req_id": strings.Repeat("x", maxRequestID+1)}), 0, 0},
		"auth_req_id over 16 KiB":    {goodAck.with(obj{"auth_req_id": strings.Repeat("e", 16<<10+1)}), 0, 0},
		"auth_req_id in capitals":    {goodAck.with(obj{"auth_req_id": nil, "AUTH_REQ_ID": "x"}), 0, 0},
		"no expires_in":              {goodAck.with(obj{"expires_in": nil}), 0, 0},
		"expires_in 0":               {goodAck.with(obj{"expires_in": 0}), 0, 0},
		"expires_in negative":        {goodAck.with(obj{"expires_in": -120}), 0, 0},
		"expires_in as a text":       {goodAck.with(obj{"expires_in": "120"}), 0, 0},
		"expires_in as a fraction":   {goodAck.with(obj{"expires_in": 0.5}), 0, 0},
		"expires_in null":            {`{"auth_req_id":"x","expires_in":null}`, 0, 0},
		"duplicate member":           {`{"auth_req_id":"x","auth_req_id":"y","expires_in":120}`, 0, 0},
		"a second document":          {goodAck.String() + goodAck.String(), 0, 0},
		"list":                       {`[` + goodAck.String() + `]`, 0, 0},
		"HTML page":                  {`<html>`, 0, 0},
		"empty body":                 {``, 0, 0},
		"error that is not a string": {goodAck.with(obj{"error": 5}), 0, 0},
		"too long":                   {goodAck.with(obj{"x": strings.Repeat("x", 512<<10)}), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p.play("/bc", say(200, c.body))
			before := len(p.got("/bc"))
			ack, err := k.Ask(t.Context(), alice)
			if sent := len(p.got("/bc")) - before; sent != 1 {
				t.Errorf("sent %d times", sent)
			}
			if c.expires == 0 {
				wantReason(t, err, kiosk.Untrusted)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if ack.Expires != c.expires || ack.Interval != c.interval || len(ack.RequestID) == 0 || ack.BindingMessage != "K7-4F9Q" {
				t.Errorf("expires %v, interval %v, binding %q", ack.Expires, ack.Interval, ack.BindingMessage)
			}
		})
	}
}

func TestClientAuthenticationAtBothEndpoints(t *testing.T) {
	for _, method := range []string{oidc.SecretBasic, oidc.SecretPost, oidc.PrivateKeyJWT, oidc.TLSClient} {
		p := newOP(t)
		auth, err := oidc.NewClientAuth(oidc.AuthOptions{
			Method: method, ClientID: clientID, Secret: kiosk.Secret("s"), Key: testKey(t), Now: func() time.Time { return noon },
			Certificate: certificateFor(t, method),
		})
		if err != nil {
			t.Fatal(err)
		}
		k := p.kiosk(func(c *Config) { c.Auth = auth })
		ask(t, k)
		for range 3 {
			k.Poll(t.Context(), kiosk.Secret("the-request-id"))
		}
		if err := k.Revoke(t.Context(), kiosk.Tokens{Access: kiosk.Secret("x")}); err != nil {
			t.Error(err)
		}
		assertions := map[string]bool{}
		var requests int
		for _, path := range []string{"/bc", "/token", "/revoke"} {
			for _, r := range p.got(path) {
				requests++
				basic := r.header.Get("Authorization") != ""
				post := r.form.Get("client_secret") != ""
				jwt := r.form.Get("client_assertion")
				if basic != (method == oidc.SecretBasic) || post != (method == oidc.SecretPost) || (jwt != "") != (method == oidc.PrivateKeyJWT) {
					t.Errorf("%s at %s: %v %s", method, path, r.header, r.body)
				}
				if method == oidc.TLSClient && r.form.Get("client_id") != clientID {
					t.Errorf("%s at %s: no client_id", method, path)
				}
				assertions[jwt] = true
			}
		}
		if method == oidc.PrivateKeyJWT && len(assertions) != requests {
			t.Errorf("%d assertions for %d requests", len(assertions), requests)
		}
	}
}

func TestCertificateClientsUseAliases(t *testing.T) {
	p := newOP(t)
	p.play(discoveryPath, say(200, p.document().with(obj{"mtls_endpoint_aliases": obj{
		"backchannel_authentication_endpoint": p.issuer + "/mtls/bc",
		"token_endpoint":                      p.issuer + "/mtls/token",
	}})))
	p.play("/mtls/bc", say(200, goodAck))
	p.play("/mtls/token", oops(400, "authorization_pending"))
	auth, err := oidc.NewClientAuth(oidc.AuthOptions{Method: oidc.TLSClient, ClientID: clientID, Certificate: testCertificate(t)})
	if err != nil {
		t.Fatal(err)
	}
	k := p.kiosk(func(c *Config) { c.Auth = auth })
	ask(t, k)
	if a := k.Poll(t.Context(), kiosk.Secret("x")); a.Verdict != kiosk.Pending {
		t.Errorf("%+v", a)
	}
	if err := k.Revoke(t.Context(), kiosk.Tokens{Access: kiosk.Secret("x")}); err != nil || len(p.got("/revoke")) != 1 {
		t.Errorf("server without aliases: %v", err)
	}
}

func TestAmbiguousDenialByProfile(t *testing.T) {
	p := newOP(t)
	for profile, want := range map[string]bool{"auth0": true, "generic": false, "keycloak": false} {
		if ack := ask(t, p.kiosk(func(c *Config) { c.Profile = profile })); ack.AmbiguousDenial != want {
			t.Errorf("%s: %v", profile, ack.AmbiguousDenial)
		}
	}
}
