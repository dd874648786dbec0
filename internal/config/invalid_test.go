package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestInvalidSettingsAreExplained: for an invalid value of any setting, the message contains the name, the value unless it
// may be a secret, the origin and what is allowed. For a mistyped name it contains the nearest name, and never the value.
func TestInvalidSettingsAreExplained(t *testing.T) {
	const invalid = "canary\u202evalue" // no setting accepts a direction mark
	var s sections
	for _, f := range s.fields() {
		t.Run(f.Name, func(t *testing.T) {
			setRegistration(t)
			t.Setenv(f.Name, invalid)
			_, err := Load()
			p := problemOf(problemsIn(t, err), f.Name)
			if p == nil {
				t.Fatalf("accepted: %v", err)
			}
			text := p.Error()
			_, isFile := f.field.(*file)
			if shown := strings.Contains(text, "canary"); shown == isFile {
				t.Errorf("value shown: %v, want %v (the value of a file's setting may be the secret itself): %s", shown, !isFile, text)
			}
			if isFile && !strings.Contains(text, "[hidden]") {
				t.Errorf("the value is not marked as hidden: %s", text)
			}
			if p.Allowed == "" || !strings.Contains(text, "; allowed: "+p.Allowed) {
				t.Errorf("the allowed values are missing: %s", text)
			}
			if !strings.HasPrefix(text, f.Name+" ") || !strings.Contains(text, "(environment)") || strings.ContainsAny(text, "\n\u202e") {
				t.Errorf("name or origin is missing, or it is not one printable line: %s", text)
			}

			// Mistyped names: each letter left out or doubled, and two neighbours swapped.
			for i := len(prefix); i < len(f.Name); i++ {
				typos := []string{f.Name[:i] + f.Name[i+1:], f.Name[:i+1] + f.Name[i:]}
				if i+1 < len(f.Name) {
					typos = append(typos, f.Name[:i]+f.Name[i+1:i+2]+f.Name[i:i+1]+f.Name[i+2:])
				}
				for _, typo := range typos {
					if typo == f.Name || slices.ContainsFunc(wantSettings, func(k Setting) bool { return k.Name == typo }) {
						continue
					}
					l := loader{origin: map[string]string{}}
					setRegistration(t)
					t.Setenv(typo, "canary")
					l.findUnknown()
					os.Unsetenv(typo)
					if len(l.problems) != 1 || l.problems[0].Suggestion != f.Name || strings.Contains(l.problems.Error(), "canary") {
						t.Errorf("%s: %v", typo, l.problems)
					}
				}
			}

			// A mistyped word gets the word as suggestion.
			for _, word := range strings.Fields(f.tag.Get("oneof")) {
				if len(word) < 4 {
					continue
				}
				setRegistration(t)
				t.Setenv(f.Name, word[:len(word)-1]+"x")
				_, err := Load()
				if p := problemOf(problemsIn(t, err), f.Name); p == nil || p.Suggestion == "" {
					t.Errorf("%s: no suggestion: %v", word, err)
				}
			}
		})
	}
}
