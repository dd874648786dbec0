package ciba

import (
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

const oneDetail = `[{"type":"customer","actions":["read","list"],"limit":{"amount":45,"currency":"EUR"},"accounts":[]}]`

func TestExcessiveDetailsAreRevoked(t *testing.T) {
	p := newOP(t)
	for name, c := range map[string]struct {
		asked, granted string
		good           bool
	}{
		"the same":                     {oneDetail, oneDetail, true},
		"nothing said":                 {oneDetail, "", true},
		"null":                         {oneDetail, "null", true},
		"nothing granted":              {oneDetail, "[]", true},
		"fewer actions":                {oneDetail, `[{"type":"customer","actions":["read"]}]`, true},
		"a list of the person's":       {oneDetail, `[{"type":"customer","accounts":["DE02"]}]`, true},
		"the same number":              {oneDetail, `[{"type":"customer","limit":{"amount":45.0}}]`, true},
		"one entry more":               {oneDetail, `[{"type":"customer"},{"type":"payment"}]`, false},
		"another type":                 {oneDetail, `[{"type":"payment"}]`, false},
		"one action more":              {oneDetail, `[{"type":"customer","actions":["read","delete"]}]`, false},
		"one member more":              {oneDetail, `[{"type":"customer","locations":["https://x"]}]`, false},
		"a higher amount":              {oneDetail, `[{"type":"customer","limit":{"amount":450}}]`, false},
		"a number as text":             {oneDetail, `[{"type":"customer","limit":{"amount":"45"}}]`, false},
		"a list where a word was":      {oneDetail, `[{"type":["customer"]}]`, false},
		"an object where a list was":   {oneDetail, `[{"type":"customer","actions":{"0":"read"}}]`, false},
		"not asked for":                {"", `[{"type":"customer"}]`, false},
		"not asked for, and none":      {"", `[]`, true},
		"not a list":                   {oneDetail, `{"type":"customer"}`, false},
		"without a type":               {oneDetail, `[{"actions":["read"]}]`, false},
		"not objects":                  {oneDetail, `["customer"]`, false},
		"actions of one, type of both": {`[{"type":"a","actions":["read"]},{"type":"b","actions":["write"]}]`, `[{"type":"a","actions":["write"]}]`, false},
	} {
		answer := p.tokens(noon, nil).String()
		if c.granted != "" {
			answer = answer[:len(answer)-1] + `,"authorization_details":` + c.granted + `}`
		}
		p.play("/token", say(200, answer))
		k := p.kiosk(func(cfg *Config) { cfg.AuthorizationDetails = c.asked })
		a := k.Poll(t.Context(), requestID)
		switch {
		case c.good && a.Verdict != kiosk.Granted:
			t.Errorf("%s: refused: %v", name, a.Err)
		case !c.good && (a.Verdict != kiosk.Fatal || a.Reason != kiosk.Untrusted || string(a.Tokens.Access) != "the-access-token"):
			t.Errorf("%s: %v %v, tokens to give back: %v", name, a.Verdict, a.Err, len(a.Tokens.Access) > 0)
		}
	}
}

func TestAuthorizationDetailsAreRequested(t *testing.T) {
	p := newOP(t)
	ask(t, p.kiosk(func(c *Config) { c.AuthorizationDetails = oneDetail }))
	if got := p.got("/bc")[0].form.Get("authorization_details"); got != oneDetail {
		t.Errorf("sent %s", got)
	}
	for _, bad := range []string{"{}", "[]", `["x"]`, `[{}]`, `[{"type":""}]`, `[{"type":"a","type":"b"}]`, `[{"type":"a"}`,
		`[{"type":"a"}],"more":1`, `[{"type":"a"}]}`, "x"} {
		if _, err := New(p.config(func(c *Config) { c.AuthorizationDetails = bad })); kiosk.ReasonOf(err) != kiosk.Misconfigured {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A value is part of itself, and not of a value that differs.
func FuzzDetails(f *testing.F) {
	f.Add(oneDetail, `[{"type":"customer"}]`)
	f.Add(`[{"type":"a","n":1e2}]`, `[{"type":"a","n":100}]`)
	f.Fuzz(func(t *testing.T, asked, granted string) {
		a, err := parseDetails(asked)
		if err != nil || a == nil {
			return
		}
		if a.exceed(a) {
			t.Errorf("%s is more than itself", asked)
		}
		g, err := parseDetails(granted)
		if err != nil || g == nil {
			return
		}
		if g.exceed(append(a, g...)) {
			t.Errorf("%s is more than itself and others", granted)
		}
		if !g.exceed(nil) {
			t.Errorf("%s is no more than nothing", granted)
		}
	})
}
