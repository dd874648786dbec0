package kiosk

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  IdentifierKind
		typed string
		want  Problem
	}{
		{"nothing", TextKind, "   ", Empty},
		{"a name", TextKind, " alice ", NoProblem},
		{"a name with an accent", TextKind, "José", NoProblem},
		{"255 characters", TextKind, strings.Repeat("a", 255), TooLong},
		{"254 characters", TextKind, strings.Repeat("a", 254), NoProblem},
		{"an escape sequence from a scanner", TextKind, "ali\x1b[2Jce", BadCharacter},
		{"a C1 control", TextKind, "ali\u009bce", BadCharacter},
		{"right-to-left override", TextKind, "ali\u202ece", BadCharacter},
		{"zero-width joiner", TextKind, "ali\u200dce", BadCharacter},
		{"invalid UTF-8", TextKind, "ali\xffce", BadCharacter},
		{"an address", EmailKind, "alice@example.org", NoProblem},
		{"half an address", EmailKind, "alice@", NotEmail},
		{"an address without a top-level domain", EmailKind, "alice@example", NotEmail},
		{"two addresses", EmailKind, "alice@example.org,bob@example.org", NotEmail},
		{"an address with a dot at the end", EmailKind, "alice@example.org.", NotEmail},
		{"a number as people write it", PhoneKind, "+44 (7700) 900-123", NoProblem},
		{"a short number", PhoneKind, "112", NotPhone},
		{"a number with letters", PhoneKind, "0800 CALL", NotPhone},
		{"only a plus", PhoneKind, "+", NotPhone},
		{"a customer number in groups", NumberKind, "10-04-25", NoProblem},
		{"digits of another script", NumberKind, "١٢٣", NotNumber},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Check(c.kind, Trim(c.kind, c.typed)); got != c.want {
				t.Errorf("%q: %q, want %q", c.typed, got, c.want)
			}
		})
	}
}

func TestMask(t *testing.T) {
	for typed, want := range map[string]string{"alice": "a***", "al": "***", "": "***", "Åse": "Å***", "\u202ebc": "***"} {
		if got := Mask(TextKind, typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	if got := Mask(EmailKind, "alice@example.org"); got != "a***@e***" {
		t.Error(got)
	}
	if got := Mask(PhoneKind, "+447700900123"); got != "***23" {
		t.Error(got)
	}
	if got := Mask(NumberKind, "100425"); got != "***" {
		t.Error(got)
	}
}

func FuzzIdentifier(f *testing.F) {
	for _, s := range []string{"alice", "alice@example.org", "+44 7700 900123", "\x1b[2J", "\u202eabc", "\xff\xfe", ""} {
		for k := range kindNames {
			f.Add(uint8(k), s)
		}
	}
	f.Fuzz(func(t *testing.T, k uint8, s string) {
		kind := IdentifierKind(int(k) % len(kindNames))
		trimmed := Trim(kind, s)
		if Trim(kind, trimmed) != trimmed {
			t.Errorf("trimming %q a second time changes it", s)
		}
		if Check(kind, trimmed) == NoProblem {
			if n := utf8.RuneCountInString(trimmed); n == 0 || n > MaxIdentifier || !utf8.ValidString(trimmed) {
				t.Errorf("%q was accepted", s)
			}
			for _, r := range trimmed {
				if !Printable(r) {
					t.Errorf("%q was accepted with %U", s, r)
				}
			}
		}
		mask := Mask(kind, trimmed)
		for _, r := range mask {
			if !Printable(r) {
				t.Errorf("the mask of %q contains %U", s, r)
			}
		}
		if n := utf8.RuneCountInString(trimmed); n >= 3 && !strings.Contains(trimmed, "*") && strings.Contains(mask, trimmed) {
			t.Errorf("the mask of %q shows all of it", s)
		}
	})
}
