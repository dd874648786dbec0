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
		"equal":                               {oneDetail, oneDetail, true},
		"missing":                             {oneDetail, "", true},
		"null":                                {oneDetail, "null", true},
		"empty list":                          {oneDetail, "[]", true},
		"fewer actions":                       {oneDetail, `[{"type":"customer","actions":["read"]}]`, true},
		"empty list filled in":                {oneDetail, `[{"type":"customer","accounts":["DE02"]}]`, true},
		"equal number":                        {oneDetail, `[{"type":"customer","limit":{"amount":45.0}}]`, true},
		"additional entry":                    {oneDetail, `[{"type":"customer"},{"type":"payment"}]`, false},
		"another type":                        {oneDetail, `[{"type":"payment"}]`, false},
		"additional action":                   {oneDetail, `[{"type":"customer","actions":["read","delete"]}]`, false},
		"additional member":                   {oneDetail, `[{"type":"customer","locations":["https://x"]}]`, false},
		"a higher amount":                     {oneDetail, `[{"type":"customer","limit":{"amount":450}}]`, false},
		"number as a string":                  {oneDetail, `[{"type":"customer","limit":{"amount":"45"}}]`, false},
		"list instead of a string":            {oneDetail, `[{"type":["customer"]}]`, false},
		"object instead of a list":            {oneDetail, `[{"type":"customer","actions":{"0":"read"}}]`, false},
		"not requested":                       {"", `[{"type":"customer"}]`, false},
		"not requested, empty list":           {"", `[]`, true},
		"not a list":                          {oneDetail, `{"type":"customer"}`, false},
		"without a type":                      {oneDetail, `[{"actions":["read"]}]`, false},
		"not objects":                         {oneDetail, `["customer"]`, false},
		"actions of an entry of another type": {`[{"type":"a","actions":["read"]},{"type":"b","actions":["write"]}]`, `[{"type":"a","actions":["write"]}]`, false},
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
			t.Errorf("%s: %v %v, tokens to revoke: %v", name, a.Verdict, a.Err, len(a.Tokens.Access) > 0)
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
			t.Errorf("%s exceeds itself", asked)
		}
		g, err := parseDetails(granted)
		if err != nil || g == nil {
			return
		}
		if g.exceed(append(a, g...)) {
			t.Errorf("%s exceeds a list that contains it", granted)
		}
		if !g.exceed(nil) {
			t.Errorf("%s does not exceed an empty list", granted)
		}
	})
}
