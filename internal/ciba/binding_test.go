package ciba

import (
	"strings"
	"testing"
)

func TestBindingMessage(t *testing.T) {
	const code = "K7-4F9Q"
	for name, c := range map[string]struct{ profile, pattern, site, want string }{
		"the code":                      {"generic", "{code}", "", code},
		"code and site":                 {"auth0", "{code} {site}", "Shop 7", "K7-4F9Q Shop 7"},
		"no spaces allowed":             {"generic", "{code} {site}", "Shop 7", "K7-4F9Q-Shop-7"},
		"accents":                       {"auth0", "{code} {site}", "Köln Süd", "K7-4F9Q Koln Sud"},
		"letters without an ASCII form": {"auth0", "{code} {site}", "東京 1", "K7-4F9Q  1"},
		"site without an ASCII form":    {"generic", "{code}-{site}", "東京", code},
		"brackets":                      {"auth0", "[{code}] {site}!", "A", "K7-4F9Q A"},
		"escape sequences":              {"auth0", "{code} {site}", "A\x1b[31mB\r\n", "K7-4F9Q A31mB"},
		"too long after the code":       {"generic", "{code} {site}", "A very long name of a shop", "K7-4F9Q-A-very-long"},
		"too long before the code":      {"generic", "{site} {code}", "A very long name of a shop", "A-very-long-nK7-4F9Q"},
		"too long on both sides":        {"generic", "{site} {code} {site}", "Main Street", "Main-Street-K7-4F9Q"},
		"the site looks like a pattern": {"auth0", "{code} {site}", "{code}{site}", "K7-4F9Q codesite"},
		"exact fit":                     {"generic", "{code}-{site}", "123456789012", "K7-4F9Q-123456789012"},
		"one character too long":        {"generic", "{code}-{site}", "1234567890123", "K7-4F9Q-123456789012"},
	} {
		p, err := profileNamed(c.profile)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bindingMessage(c.pattern, code, c.site, p.BindingExtra, p.BindingMax)
		if err != nil || got != c.want || !strings.Contains(got, code) || len(got) > p.BindingMax {
			t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
		}
	}
	for _, bad := range []string{"", "K7 4F9Q", "K7é", strings.Repeat("K", 21)} {
		if got, err := bindingMessage("{code}", bad, "", "-", 20); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func FuzzBindingMessage(f *testing.F) {
	f.Add("{site} {code} {site}", "Köln \x1b[31m", "K7-4F9Q")
	f.Add("{code}", "", "A")
	f.Add("{{code}}{site}{site}", "{code}", "A-1")
	f.Fuzz(func(t *testing.T, pattern, site, code string) {
		for _, p := range profiles {
			got, err := bindingMessage(pattern, code, site, p.BindingExtra, p.BindingMax)
			if err != nil {
				continue
			}
			if !strings.Contains(got, code) || len(got) > p.BindingMax || got == "" {
				t.Fatalf("%q", got)
			}
			for _, r := range got {
				if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"+p.BindingExtra, r) {
					t.Fatalf("%q contains %q", got, r)
				}
			}
		}
	})
}
