package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// TestJournalShow shows one visit by the name that logs and JSON lines have for it.
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
			t.Errorf("it contains the identifier:\n%s", out)
		}
		if len(args) == 0 {
			for _, line := range []string{want.Code, want.Person, "asking", "asked, for ", "granted", "shown"} {
				if !strings.Contains(out, line) {
					t.Errorf("%q is missing:\n%s", line, out)
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

// TestJournalReadsFromARunningKiosk: the verbs that read the record get a snapshot from the kiosk that has it open.
func TestJournalReadsFromARunningKiosk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	r.headless()
	if code, out := r.runVerb("login", "alice"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if code, out := r.runVerb("status", "--wait-idle"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	code, out := r.runVerb("journal", "list", "--json")
	var v store.Visit
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil || v.Visit == "" {
		t.Fatalf("journal list: exit code %d, %v: %s", code, err, out)
	}
	for _, want := range []struct {
		args []string
		part string
	}{
		{[]string{"journal", "show", v.Visit}, "granted"},
		{[]string{"journal", "verify"}, " records of 1 visits"},
		{[]string{"journal", "export"}, v.Visit + ",shown"},
		{[]string{"journal", "export", "--json", "--key-file", filepath.Join(r.state, "store.key")}, `"person":"`},
	} {
		if code, out := r.runVerb(want.args...); code != 0 || !strings.Contains(out, want.part) {
			t.Errorf("%q: exit code %d, no %q in it: %s", want.args, code, want.part, out)
		}
	}
	if _, files := r.bundle(t, "support.tar.gz"); !strings.Contains(files["visits.json"], `"number": 1`) || strings.Contains(files["visits.json"], `"error"`) {
		t.Errorf("the support bundle: %s", files["visits.json"])
	}
}

// TestJournalPrunesThroughARunningKiosk: the kiosk that has the record open prunes it. Only root and the kiosk's own
// user may ask for visits younger than the retention to be removed.
func TestJournalPrunesThroughARunningKiosk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	h := r.headless()
	if code, out := r.runVerb("login", "alice"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if code, out := r.runVerb("status", "--wait-idle"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	for _, want := range []struct{ flag, out string }{
		{"", "0 visits removed\n"}, // it is younger than KIOSK_RETENTION
		{"--older-than=1ns", "1 visits removed\n"},
	} {
		args := append([]string{"journal", "prune"}, strings.Fields(want.flag)...)
		if code, out := r.runVerb(args...); code != 0 || out != want.out {
			t.Errorf("%s: exit code %d, %q", want.flag, code, out)
		}
	}
	if code, out := r.runVerb("journal", "list"); code != 0 || out != "" {
		t.Errorf("exit code %d, still on record: %s", code, out)
	}
	if code, out := r.runVerb("journal", "prune", "--json"); code != 0 || out != "{\"pruned\":0}\n" {
		t.Errorf("exit code %d, %q", code, out)
	}
	if !strings.Contains(h.err.text(), "prune=1ns") {
		t.Errorf("nothing in the log says who pruned:\n%s", h.err.text())
	}
}
