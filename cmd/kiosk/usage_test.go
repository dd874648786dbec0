package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestMistypedWordsNameTheNearest checks that bad usage names what was probably meant, and never repeats a flag's argument.
func TestMistypedWordsNameTheNearest(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"status --jsno", "did you mean --json?"},
		{"login --json=alice@example.org bob", "invalid value of --json"},
		{"journal list --limit alice@example.org", "invalid value of --limit"},
		{"journal list --limit", "missing or invalid value of --limit"},
		{"staus", "did you mean status?"},
		{"journal lst", "did you mean list?"},
		{"service reolad", "did you mean reload?"},
		{"config chek", "did you mean check?"},
		{"console lok", "did you mean lock?"},
		{"login --qqqqqqqqqqq bob", "unknown flag\n"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), strings.Fields(tc.args), strings.NewReader(""), &out, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), tc.want) || strings.Contains(errs.String(), "alice") {
			t.Errorf("kiosk %s: exit code %d\n%s", tc.args, code, errs.String())
		}
		if lines := strings.Count(errs.String(), "\n"); lines != 2 || out.Len() > 0 {
			t.Errorf("kiosk %s: %d lines, want one of what was wrong and one of what to do:\n%s%s", tc.args, lines, errs.String(), out.String())
		}
	}
}
