package pattern

import "testing"

func TestUnknown(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"plain":                         "",
		"{identifier}":                  "",
		"{identifier}@{issuer}":         "",
		`{"sub":"{identifier}"}`:        "",
		"{identifer}":                   "{identifer}",
		"{identifier} {Site} {another}": "{Site}",
		"{}":                            "",
	} {
		if got := Unknown(text, "{identifier}", "{issuer}"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
