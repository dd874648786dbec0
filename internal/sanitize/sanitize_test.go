package sanitize

import (
	"strings"
	"testing"
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
	}
	if got := Line(strings.Repeat("ä", 3*MaxLine)); len(got) != 2*MaxLine {
		t.Errorf("Line kept %d bytes of a long text, want %d", len(got), 2*MaxLine)
	}
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
