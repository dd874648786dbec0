package ciba

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestRequiredClaim(t *testing.T) {
	const flat, deep = "roles=kiosk-technician", "/realm_access/roles=kiosk-technician"
	for name, c := range map[string]struct {
		required string
		claims   obj
		info     any // UserInfo's answer; nil: none
		want     kiosk.Reason
	}{
		"in a list":                    {flat, obj{"roles": []string{"user", "kiosk-technician"}}, nil, kiosk.NoReason},
		"as a string":                  {flat, obj{"roles": "kiosk-technician"}, nil, kiosk.NoReason},
		"nested":                       {deep, obj{"realm_access": obj{"roles": []string{"kiosk-technician"}}}, nil, kiosk.NoReason},
		"true":                         {"technician=true", obj{"technician": true}, nil, kiosk.NoReason},
		"a number":                     {"level=7", obj{"level": 7}, nil, kiosk.NoReason},
		"URL as the name":              {"https://example.org/a?b=c/roles=tech", obj{"https://example.org/a?b=c/roles": []string{"tech"}}, nil, kiosk.NoReason},
		"pointer with escaped slashes": {"/https:~1~1example.org~1roles/0~01=x", obj{"https://example.org/roles": obj{"0~1": "x"}}, nil, kiosk.NoReason},
		"from UserInfo":                {flat, nil, obj{"sub": "alice", "roles": []string{"kiosk-technician"}}, kiosk.NoReason},
		"another role":                 {flat, obj{"roles": []string{"user"}}, nil, kiosk.NoAccess},
		"no role":                      {flat, obj{"roles": []string{}}, nil, kiosk.NoAccess},
		"another case":                 {flat, obj{"roles": []string{"Kiosk-Technician"}}, nil, kiosk.NoAccess},
		"one word of a string":         {flat, obj{"roles": "user kiosk-technician"}, nil, kiosk.NoAccess},
		"a longer word":                {flat, obj{"roles": []string{"kiosk-technician-trainee"}}, nil, kiosk.NoAccess},
		"a list in the list":           {flat, obj{"roles": [][]string{{"kiosk-technician"}}}, nil, kiosk.NoAccess},
		"false":                        {"technician=false", obj{"technician": false}, nil, kiosk.NoAccess},
		"true as a string":             {"technician=true", obj{"technician": "true"}, nil, kiosk.NoReason},
		"missing":                      {flat, nil, nil, kiosk.NoAccess},
		"missing in UserInfo, too":     {flat, nil, obj{"sub": "alice"}, kiosk.NoAccess},
		"UserInfo of another person":   {flat, nil, obj{"sub": "bob", "roles": []string{"kiosk-technician"}}, kiosk.Untrusted},
		"ID token wins over UserInfo":  {flat, obj{"roles": []string{"user"}}, obj{"sub": "alice", "roles": []string{"kiosk-technician"}}, kiosk.NoAccess},
		"list instead of an object":    {deep, obj{"realm_access": []string{"kiosk-technician"}}, nil, kiosk.NoAccess},
		"at the top level instead":     {deep, obj{"roles": []string{"kiosk-technician"}}, nil, kiosk.NoAccess},
		"another person with the role": {flat, obj{"sub": "bob", "roles": []string{"kiosk-technician"}}, nil, kiosk.WrongPerson},
		"no claim required":            {"", nil, nil, kiosk.NoReason},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP(t)
			p.setUserInfo(c.info)
			k := p.kiosk(func(config *Config) { config.RequiredClaim = c.required })
			ack := ask(t, k)
			tokens := kiosk.Tokens{Access: kiosk.Secret("the-access-token"), ID: kiosk.Secret(p.idToken(noon, c.claims)), Type: "Bearer"}
			who, err := k.Verify(t.Context(), tokens, askedFor(ack.ExpectedSubject))
			wantReason(t, err, c.want)
			if (err == nil) != (who.Subject != "") {
				t.Errorf("%v and %+v", err, who)
			}
			if n := len(p.got("/me")); n > 1 {
				t.Errorf("%d requests to UserInfo", n)
			}
		})
	}
}

func TestMalformedRequiredClaim(t *testing.T) {
	p := newOP(t)
	for _, s := range []string{"roles", "=technician", "roles=", "/=x", "/a//b=x", "//a=x"} {
		_, err := New(p.config(func(c *Config) { c.RequiredClaim = s }))
		wantReason(t, err, kiosk.Misconfigured)
		if err != nil && !strings.Contains(err.Error(), "KIOSK_TECHNICIAN_CLAIM") {
			t.Errorf("%q: %v does not name the setting", s, err)
		}
	}
}

func FuzzClaim(f *testing.F) {
	f.Add("roles=technician", `{"roles":["technician"]}`)
	f.Add("/a/b~1c=1", `{"a":{"b/c":1}}`)
	f.Add("t=true", `{"t":true}`)
	f.Fuzz(func(t *testing.T, claim, document string) {
		r, err := parseClaim(claim)
		o, bad := strictjson.Parse([]byte(document))
		if err != nil || bad != nil || r.steps == nil || r.compare(o) != match {
			return
		}
		// A match requires the value in the claims.
		written, err := json.Marshal(r.value)
		if err != nil {
			t.Fatal(err)
		}
		all, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(all), string(written)) && !strings.Contains(string(all), r.value) {
			t.Fatalf("%q matches %s", claim, document)
		}
	})
}
