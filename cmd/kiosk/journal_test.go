package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// TestJournalShow: one visit, by the name that logs and lines have for it.
func TestJournalShow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	r.oneVisit("alice")
	want := r.lastVisit()
	for _, args := range [][]string{{}, {"--json"}} {
		c := r.start(append([]string{"journal", "show", want.Visit}, args...)...)
		if code := c.wait(); code != 0 || c.err.text() != "" {
			t.Fatalf("exit code %d: %s", code, c.err.text())
		}
		out := c.out.text()
		if strings.Contains(out, "alice") {
			t.Errorf("it says who that was:\n%s", out)
		}
		if len(args) == 0 {
			for _, line := range []string{want.Code, want.Person, "asking", "asked, for ", "granted", "shown"} {
				if !strings.Contains(out, line) {
					t.Errorf("%q is not in it:\n%s", line, out)
				}
			}
			continue
		}
		var got store.Visit
		if err := json.Unmarshal([]byte(out), &got); err != nil || got.Number != want.Number || len(got.Steps) != len(want.Steps) {
			t.Errorf("%v: %s", err, out)
		}
	}
}
