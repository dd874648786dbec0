package ciba

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
)

// narrow is what every server takes in a binding message.
const (
	narrowExtra = "-"
	narrowMax   = 20
)

func TestEveryProfileIsSound(t *testing.T) {
	for _, p := range profiles {
		if p.Name == "" || p.Where == "" || p.BindingMax < narrowMax || !strings.Contains(p.BindingExtra, narrowExtra) {
			t.Errorf("%+v", p)
		}
		if p.MergesRefusal != (p.Name == "auth0") {
			t.Errorf("%s: only Auth0 is known to merge refusals", p.Name)
		}
		if p.Audience != oidc.AudienceIssuer {
			t.Errorf("%s: assertions are for somebody else than the issuer", p.Name)
		}
	}
	if Profiles()[0] != Generic {
		t.Error("the first is not the generic one")
	}
}

func TestServersAreRecognised(t *testing.T) {
	for want, c := range map[string]struct{ bc, jwks string }{
		"auth0":              {"/bc-authorize", "/.well-known/jwks.json"},
		"keycloak":           {"/realms/shop/protocol/openid-connect/ext/ciba/auth", "/realms/shop/protocol/openid-connect/certs"},
		"node-oidc-provider": {"/backchannel", "/jwks"},
		"duende":             {"/connect/ciba", "/.well-known/openid-configuration/jwks"},
		"generic":            {"/ciba", "/jwks"},
	} {
		p := newOP(t)
		key := p.script["/jwks"]
		p.play(discoveryPath, say(200, p.document().with(obj{"backchannel_authentication_endpoint": p.issuer + c.bc, "jwks_uri": p.issuer + c.jwks})))
		p.play(c.bc, say(200, goodAck))
		p.play(c.jwks, key...)
		k := p.kiosk(nil)
		if got := k.Profile().Name; got != Generic {
			t.Errorf("before anybody was asked: %s", got)
		}
		ask(t, k)
		if got := k.Profile().Name; got != want {
			t.Errorf("%s taken for %s", want, got)
		}
		// What is configured counts.
		k = p.kiosk(func(c *Config) { c.Profile = "keycloak" })
		ask(t, k)
		if got := k.Profile().Name; got != "keycloak" {
			t.Errorf("configured, and %s", got)
		}
	}
}
