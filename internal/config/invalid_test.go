package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestEveryWrongSettingIsAnswered goes through every setting there is: a wrong value is
// answered with the setting's name, the value unless it may be a secret, whence it came
// and what is allowed; a wrong name with the nearest known one, and never the value.
func TestEveryWrongSettingIsAnswered(t *testing.T) {
	const wrong = "canary\u202evalue" // a direction mark is wrong everywhere
	var s sections
	for _, f := range s.fields() {
		t.Run(f.Name, func(t *testing.T) {
			registered(t)
			t.Setenv(f.Name, wrong)
			_, err := Load()
			p := about(problems(t, err), f.Name)
			if p == nil {
				t.Fatalf("it is accepted: %v", err)
			}
			text := p.Error()
			_, isFile := f.field.(*file)
			if told := strings.Contains(text, "canary"); told == isFile {
				t.Errorf("the value is told: %v; of what names a file it must not be, it may be the secret itself: %s", told, text)
			}
			if isFile && !strings.Contains(text, "[hidden]") {
				t.Errorf("no word about the value: %s", text)
			}
			if p.Allowed == "" || !strings.Contains(text, "; allowed: "+p.Allowed) {
				t.Errorf("what is allowed is not told: %s", text)
			}
			if !strings.HasPrefix(text, f.Name+" ") || !strings.Contains(text, "(environment)") || strings.ContainsAny(text, "\n\u202e") {
				t.Errorf("name, origin, one clean line: %s", text)
			}

			// A slip in the name: each letter left out or doubled, and two neighbours swapped.
			for i := len(prefix); i < len(f.Name); i++ {
				slips := []string{f.Name[:i] + f.Name[i+1:], f.Name[:i+1] + f.Name[i:]}
				if i+1 < len(f.Name) {
					slips = append(slips, f.Name[:i]+f.Name[i+1:i+2]+f.Name[i:i+1]+f.Name[i+2:])
				}
				for _, slip := range slips {
					if slip == f.Name || slices.ContainsFunc(public, func(k Setting) bool { return k.Name == slip }) {
						continue
					}
					l := loader{origin: map[string]string{}}
					registered(t)
					t.Setenv(slip, "canary")
					l.findUnknown()
					os.Unsetenv(slip)
					if len(l.problems) != 1 || l.problems[0].Suggestion != f.Name || strings.Contains(l.problems.Error(), "canary") {
						t.Errorf("%s: %v", slip, l.problems)
					}
				}
			}

			// A slip in one of a few words names the word.
			for _, word := range supportedWords(f.Name, strings.Fields(f.tag.Get("oneof"))) {
				if len(word) < 4 {
					continue
				}
				registered(t)
				t.Setenv(f.Name, word[:len(word)-1]+"x")
				_, err := Load()
				if p := about(problems(t, err), f.Name); p == nil || p.Suggestion == "" {
					t.Errorf("%s: no word is named: %v", word, err)
				}
			}
		})
	}
}
