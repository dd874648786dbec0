package main

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
)

// TestVerbScripts runs the scripts of testdata: what a technician types, and what the
// program prints. Each has a folder of its own; all share one server.
//
// Commands besides testscript's own:
//
//	exits N COMMAND...  the command must exit with N
//	misuse COMMAND...   it must exit with 2, print nothing on standard output, and
//	                    two lines on standard error: the problem and what to do
//	rows N stdout       the number of lines of stdout (or stderr)
//	held WHO            from now on another process has the database open
func TestVerbScripts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ISSUER", r.url) // what a script needs of it, it says itself
			e.Setenv("KIOSK_STATE_DIR", e.Cd+"/state")
			e.Setenv("LANG", "C.UTF-8")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "misuse": misuse, "rows": rowsOf, "held": held,
		},
	})
}

// exitCode runs a command and returns its exit code.
func exitCode(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	ts.Fatalf("%s: %v", args[0], err)
	return -1
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func misuse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: misuse COMMAND...")
	}
	if got := exitCode(ts, args); got != 2 {
		ts.Fatalf("exit code %d, want 2", got)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output: %q", out)
	}
	lines := strings.Split(ts.ReadFile("stderr"), "\n")
	if len(lines) != 3 || lines[2] != "" || !strings.HasPrefix(lines[0], "kiosk: ") || !strings.HasPrefix(lines[1], "Try: kiosk") || !strings.HasSuffix(lines[1], " -h") {
		ts.Fatalf("not one line of what was wrong and one of what to do: %q", lines)
	}
}

func rowsOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: rows COUNT stdout|stderr")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[1]), "\n"); got != want {
		ts.Fatalf("%d lines, want %d", got, want)
	}
}

func held(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: held WHO")
	}
	st, err := store.Open(store.Options{Dir: ts.Getenv("KIOSK_STATE_DIR"), Process: args[0]})
	ts.Check(err)
	ts.Defer(func() { _ = st.Close() }) // the script is over
}

// TestEveryVerbHasHelp: each verb prints its help and rejects wrong arguments, also one without a script.
func TestEveryVerbHasHelp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := func(args ...string) (code int, out, errs string) {
		cmd := exec.Command(kioskPath(t), args...)
		var o, e strings.Builder
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = r.environ(), r.dir, &o, &e
		_ = cmd.Run() // the exit code says it
		return cmd.ProcessState.ExitCode(), o.String(), e.String()
	}
	_, overview, _ := plain("-h")
	for _, v := range verbs() {
		for _, help := range []string{"-h", "--help", "-help"} {
			code, out, errs := plain(v.name, help)
			if code != 0 || errs != "" || !strings.HasPrefix(out, "Usage: kiosk "+v.name) {
				t.Errorf("kiosk %s %s: exit code %d\n%s%s", v.name, help, code, out, errs)
			}
			for _, l := range strings.Split(out, "\n") {
				if len([]rune(l)) > 80 || strings.Contains(l, "\t") {
					t.Errorf("kiosk %s %s: a line that does not fit on 80 columns: %q", v.name, help, l)
				}
			}
		}
		if !strings.Contains(overview, "    "+v.name+" ") || !strings.Contains(overview, v.about) {
			t.Errorf("%s is not in the overview:\n%s", v.name, overview)
		}
		code, out, errs := plain(v.name, "--no-such-flag")
		if code != 2 || out != "" || strings.Count(errs, "\n") != 2 || !strings.HasSuffix(errs, "\nTry: kiosk "+v.name+" -h\n") {
			t.Errorf("kiosk %s --no-such-flag: exit code %d\n%s%s", v.name, code, out, errs)
		}
	}
	if len(r.dev.Requests()) > 0 {
		t.Error("somebody was asked something")
	}
}
