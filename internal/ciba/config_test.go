package ciba

import (
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestInvalidConfigurations(t *testing.T) {
	p := newOP(t)
	for setting, change := range map[string]func(*Config){
		"KIOSK_ISSUER":           func(c *Config) { c.Issuer = "http://op.example" },
		"KIOSK_ISSUER ":          func(c *Config) { c.Issuer = "" },
		"KIOSK_CLIENT_ID":        func(c *Config) { c.ClientID = "" },
		"KIOSK_SCOPE":            func(c *Config) { c.Scope = "profile" },
		"KIOSK_SCOPE ":           func(c *Config) { c.Scope = "openidx profile" },
		"KIOSK_LOOKUP_URL":       func(c *Config) { c.LookupURL = "http://crm.example/lookup" },
		"KIOSK_BINDING_MESSAGE":  func(c *Config) { c.BindingMessage = "{site}" },
		"KIOSK_BINDING_MESSAGE ": func(c *Config) { c.BindingMessage = "{code} {code}" },
		"KIOSK_REQUESTED_EXPIRY": func(c *Config) { c.RequestedExpiry = -time.Second },
		"KIOSK_LOGIN_HINT":       func(c *Config) { c.LoginHint = "everybody" },
		"KIOSK_LOGIN_HINT ":      func(c *Config) { c.LoginHint = "{identifier}{phone}" },
		"KIOSK_LOGIN_HINT  ":     func(c *Config) { c.LoginHint = "iss_sub:auth0" },
		"KIOSK_SUBJECT_CLAIM":    func(c *Config) { c.SubjectClaim = "iss" },
		"KIOSK_SIGNED_REQUEST":   func(c *Config) { c.SignKey = p384(t) },
		"KIOSK_PROFILE":          func(c *Config) { c.Profile = "nobody" },
		"KIOSK_SIGNED_REQUEST ":  func(c *Config) { c.Profile = "pingam" },
		"KIOSK_ACR_VALUES":       func(c *Config) { c.Profile, c.SignKey = "pingam", testKey(t) },
	} {
		k, err := New(p.config(change))
		if k != nil || kiosk.ReasonOf(err) != kiosk.Misconfigured || !strings.HasPrefix(err.Error(), strings.TrimSpace(setting)+":") {
			t.Errorf("%s: %v", setting, err)
		}
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.Auth = nil }, func(c *Config) { c.Transport = nil }, func(c *Config) { c.Now = nil },
	} {
		if _, err := New(p.config(change)); kiosk.ReasonOf(err) != kiosk.Internal {
			t.Errorf("incomplete configuration: %v", err)
		}
	}
	if n := len(p.seen); n != 0 {
		t.Errorf("New sent %d requests", n)
	}
}
