package provider

import "testing"

func TestIdentifiersAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range People() {
		for _, id := range []string{p.Username, p.Subject, p.Email, p.Phone} {
			if got := personByHint(id, "https://op"); seen[id] || got == nil || got.Username != p.Username {
				t.Errorf("%s does not identify %s alone", id, p.Username)
			}
			seen[id] = true
		}
	}
}

func FuzzLoginHint(f *testing.F) {
	for _, seed := range []string{"alice", "+44 7700 900101", `{"format":"iss_sub","iss":"https://op","sub":"u-bob"}`, "{", "a|b", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hint string) {
		if p := personByHint(hint, "https://op"); p != nil && personByUsername(p.Username) != p {
			t.Errorf("%q identifies a person who does not exist", hint)
		}
	})
}
