package sanitize

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"Back\x1b[2J \r\n soon": "Back[2J soon",
		"a\u202eb":              "ab",
		"":                      "",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Line(strings.Repeat("ä", 3*MaxLine)); len(got) != 2*MaxLine {
		t.Errorf("Line kept %d bytes of a long text, want %d", len(got), 2*MaxLine)
	}
}

func TestTextHasNoLimit(t *testing.T) {
	in := strings.Repeat("ä", 3*MaxLine)
	if got := Text(in); got != in {
		t.Errorf("Text kept %d of %d bytes", len(got), len(in))
	}
}

func FuzzLine(f *testing.F) {
	f.Add("Back\x1b[2J \r\n soon\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if utf8.RuneCountInString(got) > MaxLine || !utf8.ValidString(got) {
			t.Errorf("Line(%q) = %q", s, got)
		}
		for _, c := range got {
			if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
				t.Errorf("Line(%q) contains %U", s, c)
			}
		}
	})
}

func TestASCII(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"\x1b[31mred\x1b[0m": "[31mred[0m",
		"a\r\nb\tc\x00\x7f":  "abc",
		"grüße\u202e":        "gre",
		"more than that":     "more than ",
	} {
		if got := ASCII(in, 10); got != want {
			t.Errorf("ASCII(%q, 10) = %q, want %q", in, got, want)
		}
	}
}
