package doctor

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func check(name string, f Finding, needs ...string) Check {
	return Check{Name: name, Needs: needs, Look: func(context.Context) Finding { return f }}
}

// TestOneRootCause: what stands behind a failure is not tried, however long the way.
func TestOneRootCause(t *testing.T) {
	tried := 0
	count := func(context.Context) Finding { tried++; return OK("%d", tried) }
	var told []string
	r := Run(t.Context(), []Check{
		check("settings", Finding{}),
		check("clock", Warn("nobody keeps it", "switch a time service on")),
		check("dns", Fail(kiosk.Unreachable, "the host name\nis not known", "name server?"), "settings"),
		{Name: "tls", Needs: []string{"clock", "dns"}, Look: count},
		{Name: "discovery", Needs: []string{"tls"}, Look: count},
		check("disk", Fail(kiosk.NoReason, "full", "make room")),
		{Name: "store", Needs: []string{"settings"}, Look: count},
		check("lookup", Skip("none is set"), "settings"),
	}, func(l Line) { told = append(told, l.Check) })
	want := Report{
		{Check: "settings", Result: Well},
		{Check: "clock", Result: Warned, What: "nobody keeps it", Cure: "switch a time service on"},
		{Check: "dns", Result: Failed, What: "the host name is not known", Cure: "name server?", Reason: "unreachable"},
		{Check: "tls", Result: NotTried, Behind: "dns"},
		{Check: "discovery", Result: NotTried, Behind: "dns"},
		{Check: "disk", Result: Failed, What: "full", Cure: "make room", Reason: "internal"},
		{Check: "store", Result: Well, What: "1"},
		{Check: "lookup", Result: Unneeded, What: "none is set"},
	}
	if d := cmp.Diff(want, r, cmpopts.IgnoreUnexported(Line{})); d != "" {
		t.Error(d)
	}
	if l, ok := r.Root(); !ok || l.Check != "dns" || r.ExitCode() != 13 {
		t.Errorf("root %+v, exit code %d", l, r.ExitCode())
	}
	if len(told) != len(want) {
		t.Errorf("told %v", told)
	}
	const short = "kiosk; 2 ok; FAILED dns: the host name is not known; FAILED disk: full; WARNING clock: nobody keeps it; 2 not tried"
	if got := r.Short("kiosk", 300); got != short {
		t.Errorf("short: %s", got)
	}
	if got := r.Short("kiösk", 40); len(got) != 40 || !strings.HasPrefix(got, "ki?sk; 2 ok; ") || !strings.HasSuffix(got, "...") {
		t.Errorf("shorter: %q", got)
	}
}

func TestAllIsWell(t *testing.T) {
	r := Run(t.Context(), []Check{check("a", OK("x")), check("b", Warn("x", "y"), "a")}, nil)
	if _, failed := r.Root(); failed || r.ExitCode() != 0 || r.Count(Warned) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestWhoeverLosesPatience gets the lines so far, and no failure that nobody saw.
func TestWhoeverLosesPatience(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r := Run(ctx, []Check{
		{Name: "a", Look: func(context.Context) Finding { stop(); return OK("") }},
		check("b", OK("")),
		check("c", OK(""), "b"),
	}, nil)
	if r[0].Result != Well || r[1].Result != NotTried || r[2].Result != NotTried || r.ExitCode() != 0 {
		t.Errorf("%+v", r)
	}
}

// What whoever asks may not see is no failure, hides what needs it, is told, and is not
// taken for well by a script.
func TestWhatIsNotForThisUserToSee(t *testing.T) {
	looked := false
	r := Run(t.Context(), []Check{
		{Name: "settings", Look: func(context.Context) Finding {
			return Unseen("not for this user to see: kiosk.env", "sudo kiosk doctor")
		}},
		{Name: "dns", Needs: []string{"settings"}, Look: func(context.Context) Finding { looked = true; return OK("") }},
		{Name: "board", Look: func(context.Context) Finding { return OK("cool") }},
	}, nil)
	if looked || !r[0].Unseen() || r[0].Cure == "" || r[1].Unseen() || r[1].Behind != "settings" {
		t.Errorf("%+v", r)
	}
	if _, failed := r.Root(); failed || r.ExitCode() != kiosk.Internal.ExitCode() {
		t.Errorf("failed %v, exit code %d", failed, r.ExitCode())
	}
	if got, want := r.Short("kiosk", 200), "kiosk; 1 ok; NOT SEEN settings: not for this user to see: kiosk.env; 2 not tried"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
