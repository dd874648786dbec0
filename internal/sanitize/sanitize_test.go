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
