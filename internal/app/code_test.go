package app

import (
	"regexp"
	"testing"
)

// A code is read aloud, compared with a phone and sent in a binding message: it
// must pass the narrowest server's alphabet and never repeat within a chain's day.
func TestCodes(t *testing.T) {
	shape := regexp.MustCompile(`^[ACDEFGHJKMNPQRTUVWXY34679]{3}-[ACDEFGHJKMNPQRTUVWXY34679]{3}$`)
	codes, visits := map[string]bool{}, map[string]bool{}
	twice := 0
	for range 2000 {
		visit, code := draw()
		if !shape.MatchString(code) {
			t.Fatalf("code %q", code)
		}
		if codes[code] {
			twice++
		}
		if visits[visit] {
			t.Fatal("two visits with one name")
		}
		codes[code], visits[visit] = true, true
	}
	// Among 2,000 of 244 million one pair has a chance of one in a hundred.
	if twice > 1 {
		t.Errorf("%d codes came twice", twice)
	}
}
