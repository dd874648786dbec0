package doctor

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// fixed returns a check with a fixed outcome.
func fixed(name string, o check.Outcome, needs ...string) check.Check {
	return check.Check{Name: name, Needs: needs, Run: func(context.Context) check.Outcome { return o }}
}

// TestRunSkipsDependentsOfAFailure: they are not tried, directly or through other checks.
func TestRunSkipsDependentsOfAFailure(t *testing.T) {
	tried := 0
	count := func(context.Context) check.Outcome { tried++; return check.Pass("%d", tried) }
	var lines []string
	r := Run(t.Context(), []check.Check{
		fixed("settings", check.Outcome{}),
		fixed("clock", check.Warn("no time service", "switch a time service on")),
		fixed("dns", check.Fail(kiosk.Unreachable, "the host name\nis not known", "name server?"), "settings"),
		{Name: "tls", Needs: []string{"clock", "dns"}, Run: count},
		{Name: "discovery", Needs: []string{"tls"}, Run: count},
		fixed("disk", check.Fail(kiosk.NoReason, "full", "make room")),
		{Name: "store", Needs: []string{"settings"}, Run: count},
		fixed("lookup", check.Skip("none is set"), "settings"),
	}, func(l Line) { lines = append(lines, l.Check) })
	want := Report{
		{Check: "settings", Result: check.Passed},
		{Check: "clock", Result: check.Warning, Text: "no time service", Fix: "switch a time service on"},
		{Check: "dns", Result: check.Failed, Text: "the host name is not known", Fix: "name server?", Reason: "unreachable", Root: true},
		{Check: "tls", Result: check.NotTried, Behind: "dns"},
		{Check: "discovery", Result: check.NotTried, Behind: "dns"},
		{Check: "disk", Result: check.Failed, Text: "full", Fix: "make room", Reason: "internal"},
		{Check: "store", Result: check.Passed, Text: "1"},
		{Check: "lookup", Result: check.Skipped, Text: "none is set"},
	}
	if d := cmp.Diff(want, r, cmpopts.IgnoreUnexported(Line{})); d != "" {
		t.Error(d)
	}
	if l, ok := r.Root(); !ok || l.Check != "dns" || r.ExitCode() != 13 {
		t.Errorf("root %+v, exit code %d", l, r.ExitCode())
	}
	if len(lines) != len(want) {
		t.Errorf("tell was called with %v", lines)
	}
	const short = "kiosk; 2 ok; FAILED dns: the host name is not known; FAILED disk: full; WARNING clock: no time service; 2 not tried"
	if got := r.Short("kiosk", 300); got != short {
		t.Errorf("short: %s", got)
	}
	if got := r.Short("kiösk", 40); len(got) != 40 || !strings.HasPrefix(got, "ki?sk; 2 ok; ") || !strings.HasSuffix(got, "...") {
		t.Errorf("shorter: %q", got)
	}
}

func TestWarningsDoNotFail(t *testing.T) {
	r := Run(t.Context(), []check.Check{fixed("a", check.Pass("x")), fixed("b", check.Warn("x", "y"), "a")}, nil)
	if _, failed := r.Root(); failed || r.ExitCode() != 0 || r.Count(check.Warning) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestRunEndsWithContext: the remaining checks are reported as not tried, not as failed.
func TestRunEndsWithContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r := Run(ctx, []check.Check{
		{Name: "a", Run: func(context.Context) check.Outcome { stop(); return check.Pass("") }},
		fixed("b", check.Pass("")),
		fixed("c", check.Pass(""), "b"),
	}, nil)
	if r[0].Result != check.Passed || r[1].Result != check.NotTried || r[2].Result != check.NotTried || r.ExitCode() != 0 {
		t.Errorf("%+v", r)
	}
}

// TestHiddenChecks: a hidden check is no failure, but its dependents are not tried, the report shows it, and the exit
// code is not 0.
func TestHiddenChecks(t *testing.T) {
	looked := false
	r := Run(t.Context(), []check.Check{
		{Name: "settings", Run: func(context.Context) check.Outcome {
			return check.Hidden("this user may not read it: kiosk.env", "sudo kiosk doctor")
		}},
		{Name: "dns", Needs: []string{"settings"}, Run: func(context.Context) check.Outcome { looked = true; return check.Pass("") }},
		{Name: "board", Run: func(context.Context) check.Outcome { return check.Pass("cool") }},
	}, nil)
	if looked || !r[0].IsHidden() || r[0].Fix == "" || r[1].IsHidden() || r[1].Behind != "settings" {
		t.Errorf("%+v", r)
	}
	if _, failed := r.Root(); failed || r.ExitCode() != kiosk.Internal.ExitCode() {
		t.Errorf("failed %v, exit code %d", failed, r.ExitCode())
	}
	if got, want := r.Short("kiosk", 200), "kiosk; 1 ok; HIDDEN settings: this user may not read it: kiosk.env; 2 not tried"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReportFields(t *testing.T) {
	report := Run(t.Context(), []check.Check{
		fixed("clock", check.Pass("it is noon")),
		fixed("letters", check.Warn("they are small", "a larger font")),
		fixed("dns", check.Fail(kiosk.Unreachable, "the name is not known", "look at the name server")),
		fixed("route", check.Pass("never"), "dns"),
		fixed("tls", check.Pass("never"), "route"),
		fixed("board", check.Skip("it is none")),
		fixed("credentials", check.Hidden("this user may not read it", "ask as root")),
	}, nil)
	var got []string
	for _, f := range report.Fields() {
		got = append(got, f.Label+": "+f.Value)
	}
	want := []string{
		"doctor: failed: 1, warnings: 1, ok: 1",
		"failed dns: the name is not known; fix: look at the name server",
		"warning letters: they are small; fix: a larger font",
		"hidden credentials: this user may not read it; fix: ask as root",
		"behind dns: route, tls",
		"clock: it is noon",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
