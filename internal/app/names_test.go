package app

import (
	"regexp"
	"testing"
)

// TestNewVisit: codes are read aloud, compared with a phone and sent in binding messages, so they fit the narrowest server's
// alphabet. Repetitions are rare.
func TestNewVisit(t *testing.T) {
	shape := regexp.MustCompile(`^[ACDEFGHJKMNPQRTUVWXY34679]{3}-[ACDEFGHJKMNPQRTUVWXY34679]{3}$`)
	codes, visits := map[string]bool{}, map[string]bool{}
	repeated := 0
	for range 2000 {
		visit, code := newVisit()
		if !shape.MatchString(code) {
			t.Fatalf("code %q", code)
		}
		if codes[code] {
			repeated++
		}
		if visits[visit] {
			t.Fatal("two visits have the same name")
		}
		codes[code], visits[visit] = true, true
	}
	// One repetition among 2,000 codes of 244 million has a probability of 1 %.
	if repeated > 1 {
		t.Errorf("%d codes were repeated", repeated)
	}
}
