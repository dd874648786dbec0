package ciba

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func TestLookup(t *testing.T) {
	issSub := func(c *Config) { c.LoginHint = "iss_sub" }
	for name, c := range map[string]struct {
		l      line
		config func(*Config)
		hint   string // as sent; empty: nothing was
		want   kiosk.Reason
	}{
		"hint and subject":           {say(200, obj{"login_hint": "u-17", "sub": "auth0|17"}), nil, "u-17", kiosk.NoReason},
		"hint sent unchanged":        {say(200, obj{"login_hint": `{"a":1}`, "sub": "auth0|17"}), issSub, `{"a":1}`, kiosk.NoReason},
		"unknown members":            {say(200, obj{"login_hint": "u-17", "sub": "s", "x": 1}), nil, "u-17", kiosk.NoReason},
		"only a subject":             {say(200, obj{"sub": "auth0|17"}), nil, "auth0|17", kiosk.NoReason},
		"only a hint, another claim": {say(200, obj{"login_hint": "u-17"}), claim("customer_number"), "u-17", kiosk.NoReason},
		"only a hint":                {say(200, obj{"login_hint": "u-17"}), nil, "", kiosk.Misconfigured},
		"unknown, 404":               {say(404, ""), nil, "", kiosk.Refused},
		"unknown, 404 with a page":   {say(404, "<html>"), nil, "", kiosk.Refused},
		"unknown, 204":               {line{status: 204}, nil, "", kiosk.Refused},
		"unknown, empty":             {say(200, " \n"), nil, "", kiosk.Refused},
		"unknown, empty object":      {say(200, "{}"), nil, "", kiosk.Refused},
		"unknown, empty values":      {say(200, obj{"login_hint": "", "sub": ""}), nil, "", kiosk.Refused},
		"unknown, null":              {say(200, `{"login_hint":null,"sub":null}`), nil, "", kiosk.Refused},
		"down":                       {say(500, ""), nil, "", kiosk.Unreachable},
		"too many requests":          {say(429, ""), nil, "", kiosk.Unreachable},
		"moved":                      {line{status: 307, header: map[string]string{"Location": "/elsewhere"}}, nil, "", kiosk.Unreachable},
		"not authorized":             {say(403, ""), nil, "", kiosk.Misconfigured},
		"wrong method":               {say(405, ""), nil, "", kiosk.Misconfigured},
		"not JSON":                   {say(200, "<html>"), nil, "", kiosk.Untrusted},
		"duplicate member":           {say(200, `{"login_hint":"a","login_hint":"b","sub":"c"}`), nil, "", kiosk.Untrusted},
		"hint as a number":           {say(200, obj{"login_hint": 5, "sub": "x"}), nil, "", kiosk.Untrusted},
		"hint with a line break":     {say(200, obj{"login_hint": "a\nb", "sub": "x"}), nil, "", kiosk.Untrusted},
		"hint of 3 KiB":              {say(200, obj{"login_hint": strings.Repeat("a", 3<<10), "sub": "x"}), nil, "", kiosk.Untrusted},
		"too long":                   {say(200, strings.Repeat(" ", 300<<10)), nil, "", kiosk.Untrusted},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP(t)
			p.play("/lookup", c.l)
			k := p.kiosk(func(cfg *Config) {
				cfg.LookupURL = p.issuer + "/lookup"
				if c.config != nil {
					c.config(cfg)
				}
			})
			_, err := k.Ask(t.Context(), alice)
			wantReason(t, err, c.want)
			got := p.got("/lookup")
			if len(got) != 1 || got[0].method != "POST" || got[0].body != `{"identifier":"alice"}` ||
				got[0].header.Get("Content-Type") != "application/json" || got[0].header.Get("Authorization") != "" {
				t.Errorf("lookup request %+v", got)
			}
			var sent string
			for _, r := range p.got("/bc") {
				sent += r.form.Get("login_hint")
			}
			if sent != c.hint || len(p.got("/elsewhere")) != 0 {
				t.Errorf("sent %q, want %q", sent, c.hint)
			}
		})
	}
}

func TestLookupSubjectMustApprove(t *testing.T) {
	p := newOP(t)
	p.play("/lookup", say(200, obj{"login_hint": "u-17", "sub": "auth0|17"}))
	k := p.kiosk(func(c *Config) { c.LookupURL = p.issuer + "/lookup" })
	ack := ask(t, k)
	for sub, want := range map[string]kiosk.Reason{
		"auth0|17": kiosk.NoReason,
		"auth0|18": kiosk.WrongPerson,
		"alice":    kiosk.WrongPerson, // what was typed is not what counts
		"u-17":     kiosk.WrongPerson,
	} {
		tokens := kiosk.Tokens{Access: kiosk.Secret("x"), ID: kiosk.Secret(p.idToken(noon, obj{"sub": sub, "preferred_username": "alice"}))}
		if _, err := k.Verify(t.Context(), tokens, askedFor(ack.ExpectedSubject)); kiosk.ReasonOf(err) != want {
			t.Errorf("%s: %v, want %v", sub, err, want)
		}
	}
}

func TestLookupSubjectIsCompared(t *testing.T) {
	p := newOP(t)
	p.play("/lookup", say(200, obj{"sub": "17"}))
	k := p.kiosk(func(c *Config) { c.LookupURL = p.issuer + "/lookup" })
	ack := ask(t, k)
	for want, claims := range map[kiosk.Reason]obj{
		kiosk.NoReason:    {"sub": "17"},
		kiosk.WrongPerson: {"sub": "18", "preferred_username": "17"},
	} {
		tokens := kiosk.Tokens{Access: kiosk.Secret("x"), ID: kiosk.Secret(p.idToken(noon, claims))}
		_, err := k.Verify(t.Context(), tokens, askedFor(ack.ExpectedSubject))
		wantReason(t, err, want)
	}
}
