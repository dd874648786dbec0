package kiosk

import (
	"encoding/base64"
	"strings"
	"testing"
)

func jwt(header, claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(claims)) + ".c2ln"
}

func TestParseHintToken(t *testing.T) {
	good := jwt(`{"alg":"ES256","typ":"JWT"}`, `{"sub":"alice"}`)
	for s, want := range map[string]bool{
		good:                             true,
		jwt(`{"alg":"none"}`, `{"a":1}`): false, // not signed
		jwt(`{"typ":"JWT"}`, `{"a":1}`):  false,
		jwt(`{"alg":"ES256"}`, `[1]`):    false,
		jwt(`{"alg":"ES256"}`, `{"sub`):  false,
		jwt(`["ES256"]`, `{"sub":"a"}`):  false,
		good + "=":                       false,
		strings.TrimSuffix(good, "c2ln"): false, // no signature
		good + ".x.y":                    false, // encrypted: the claims cannot be read
		jwt(`{"alg":"ES256"}`, `{"x":"`+strings.Repeat("y", MaxHintToken)+`"}`): false,
		"alice":             false,
		"a.b.c":             false,
		"alice@example.org": false,
		"":                  false,
	} {
		if _, ok := ParseHintToken(s); ok != want {
			t.Errorf("%.60q: %v", s, ok)
		}
	}
	for _, k := range []IdentifierKind{TextKind, EmailKind, PhoneKind, NumberKind} {
		if p := Check(k, Trim(k, " "+good+"\n")); p != NoProblem {
			t.Errorf("%s: %s", k, p)
		}
		if Trim(k, good) != good {
			t.Errorf("%s: the token was changed", k)
		}
		if m := Mask(k, good); m != "" {
			t.Errorf("%s: masked as %q", k, m)
		}
	}
	if p := Check(TextKind, "eyJ"+strings.Repeat("x", MaxIdentifier)); p != TooLong {
		t.Errorf("a text that only begins like a token: %s", p)
	}
}

func FuzzHintToken(f *testing.F) {
	f.Add(jwt(`{"alg":"ES256"}`, `{"sub":"alice"}`))
	f.Add("a.b.c")
	f.Add(jwt(`{"alg":1}`, `{}`))
	f.Fuzz(func(t *testing.T, s string) {
		claims, ok := ParseHintToken(s)
		if ok && (len(s) > MaxHintToken || len(claims) < 2 || !strings.Contains(string(claims), "{") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("%q was accepted, with claims %q", s, claims)
		}
		if ok != (Check(NumberKind, s) == NoProblem) && ok {
			t.Errorf("%q is a token and has a problem", s)
		}
	})
}
