package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/canary"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Canaries: whole visits of the real program, each ending and each way of being
// ended from outside, and a search of all that is left of them: standard output and
// error (at debug level), the terminal's bytes, the state folder, the rest of the
// device's folder (a core dump would be there), and what the other verbs print.

// canaryPerson is a login hint that occurs nowhere else by chance.
const canaryPerson = "+447700900101" // alice's

// unknownPerson is an identifier that no account has.
var unknownPerson = canary.Make("visitor")

// canaries returns the secrets of a visit: those that the server sent, the identifiers, and also.
func (r *rig) canaries(t testing.TB, also ...string) *canary.Canaries {
	t.Helper()
	var c canary.Canaries
	for i, s := range r.tap.secrets() {
		if err := c.Add(fmt.Sprintf("secret %d (%.3s…)", i, s), s); err != nil {
			t.Fatal(err)
		}
	}
	if c.Len() == 0 {
		t.Error("no secret was recorded: this test searches for nothing")
	}
	for _, s := range also {
		if err := c.Add("identifier", s); err != nil {
			t.Fatal(err)
		}
	}
	return &c
}

// searchTraces searches everything that a device keeps, and what the verbs print about it.
func (r *rig) searchTraces(t testing.TB, c *canary.Canaries) []canary.Finding {
	t.Helper()
	found, err := c.FindIn(r.state)
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files { // a core dump falls into the working folder
		if strings.Contains(f.Name(), "core") {
			found = append(found, canary.Finding{Where: f.Name(), Name: "memory", How: "a core dump"})
		}
	}
	for _, args := range [][]string{{"journal", "list"}, {"journal", "list", "--json"}, {"config", "show", "--json"}} {
		p := r.start(args...)
		if code := p.wait(); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, p.err.text())
		}
		found = append(found, c.Find(strings.Join(args, " "), []byte(p.out.text()+p.err.text()))...)
	}
	return found
}

func noFindings(t testing.TB, found []canary.Finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

// newCanaryRig returns a device at which people type a telephone number.
func newCanaryRig(t testing.TB, settings ...string) *rig {
	t.Helper()
	return newRig(t, append([]string{"KIOSK_SUBJECT_CLAIM=none", "GOTRACEBACK=crash"}, settings...)...)
}

func TestNoEndingLeavesSecretsBehind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		who      string
		codes    string // typed behind it, a line each
		mode, as string
		settings []string
		faults   []faults.Fault
		code     int
	}{
		{name: "shown", mode: "approve"},
		{name: "shown to a client with a key", mode: "approve", settings: []string{"KIOSK_CLIENT_ID=kiosk-jwt"}},
		{name: "shown after a wrong user code and the right one", who: "+447700900105", codes: "999888777\n25802580\n", mode: "approve"},
		{name: "refused for its user codes", who: "+447700900105", codes: "999888777\n888777666\n777666555\n", mode: "none", settings: []string{"KIOSK_GUARD_PERSON=30/1m"}, code: 14},
		{name: "declined", mode: "deny", code: 10},
		{name: "expired", mode: "none", settings: []string{"KIOSK_REQUESTED_EXPIRY=2"}, code: 11},
		{name: "unreachable", mode: "approve", faults: at("token", "drop"), settings: []string{"KIOSK_REQUESTED_EXPIRY=3"}, code: 13},
		{name: "refused", who: unknownPerson, mode: "none", code: 14},
		{name: "untrusted", mode: "approve", faults: at("token", "bad_signature"), code: 15},
		{name: "wrong person", mode: "approve", as: "bob", settings: []string{"KIOSK_SUBJECT_CLAIM=phone_number", "KIOSK_SCOPE=openid profile phone"}, code: 16},
		{name: "no access", mode: "approve", faults: at("api", "unauthorized"), code: 17},
		{name: "service down", mode: "approve", faults: at("api", "server_error"), code: 18},
		{name: "misconfigured", mode: "none", faults: []faults.Fault{{At: "bc", Kind: "error", Value: json.RawMessage(`"unauthorized_client"`)}}, code: 3},
		{name: "the server quotes what it was sent", mode: "approve", faults: at("token", "garbage"), code: -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newCanaryRig(t, c.settings...)
			if r.env["KIOSK_CLIENT_ID"] == "kiosk-jwt" {
				r.useClientKey()
			}
			r.auto(c.mode, 0, c.as)
			r.faults(c.faults...)
			who := c.who
			if who == "" {
				who = canaryPerson
			}
			p := r.startWith(who+"\n"+c.codes, "login", "--json")
			if code := p.wait(); c.code >= 0 && code != c.code {
				t.Fatalf("exit code %d:\n%s%s", code, p.out.text(), p.err.text())
			}
			again := r.startWith(who+"\n", "login") // by now the guard may say no; that is an ending, too
			again.wait()
			cage := r.canaries(t, append(strings.Fields(c.codes), who)...)
			for _, p := range []*child{p, again} {
				noFindings(t, cage.Find("standard output", []byte(p.out.text())))
				noFindings(t, cage.Find("standard error", []byte(p.err.text())))
			}
			noFindings(t, r.searchTraces(t, cage))
		})
	}
}

// TestAKilledVisitLeavesNoSecretsBehind ends the program during a visit: by SIGTERM, by SIGKILL and by signals that ask
// for a core dump, with core dumps allowed.
func TestAKilledVisitLeavesNoSecretsBehind(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGABRT, syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGTERM} {
		for _, phase := range []string{"waiting", "fetching"} {
			t.Run(sig.String()+" while "+phase, func(t *testing.T) {
				t.Parallel()
				r := newCanaryRig(t)
				if phase == "fetching" {
					r.auto("approve", 0, "")
					r.faults(at("api", "hang")...)
				}
				p := r.startOn(allowCoreDumps, canaryPerson+"\n", "login", "--json")
				p.phase(phase)
				if phase == "fetching" {
					r.eventually("the API is called", func() bool { return r.count("api") == 1 })
				}
				checkNoCoreDumps(t, p.cmd.Process.Pid)
				p.signal(sig)
				p.wait()
				if dump := p.err.text(); (sig == syscall.SIGABRT || sig == syscall.SIGQUIT) && !strings.Contains(dump, "goroutine ") {
					t.Errorf("there is no dump to search: %s", dump)
				}
				cage := r.canaries(t, canaryPerson)
				noFindings(t, cage.Find("standard output", []byte(p.out.text())))
				noFindings(t, cage.Find("standard error", []byte(p.err.text())))
				noFindings(t, r.searchTraces(t, cage))
			})
		}
	}
}

// allowCoreDumps starts a process without the limit on core dumps.
func allowCoreDumps(c *exec.Cmd) {
	shell := exec.Command("sh", append([]string{"-c", `ulimit -S -c unlimited; exec "$0" "$@"`, c.Path}, c.Args[1:]...)...)
	c.Path, c.Args = shell.Path, shell.Args
}

// checkNoCoreDumps checks that the kernel writes no core dump of a running process.
func checkNoCoreDumps(t testing.TB, pid int) {
	t.Helper()
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(limits), "\n") {
		if rest, ok := strings.CutPrefix(l, "Max core file size"); ok {
			if f := strings.Fields(rest); len(f) < 2 || f[0] != "0" || f[1] != "0" {
				t.Errorf("core limit: %s", rest)
			}
			return
		}
	}
	t.Errorf("no core limit in %s", limits)
}

// TestNoSecretIsSentToTheTerminal searches every byte that was sent to the terminal.
func TestNoSecretIsSentToTheTerminal(t *testing.T) {
	t.Parallel()
	for _, ends := range []string{"shown", "declined", "killed", "aborted", "a technician's", "no technician's"} {
		t.Run(ends, func(t *testing.T) {
			t.Parallel()
			r := newCanaryRig(t, "KIOSK_TECHNICIAN_CLAIM=roles=kiosk-technician")
			planted := canaryPerson
			if ends == "a technician's" {
				planted = "+447700900106"
			}
			x := r.screen()
			x.mustShow(say(t, screen.MsgReadyTitle))
			if strings.HasSuffix(ends, "technician's") {
				x.press(chord, say(t, screen.MsgMenuIdentify))
			} else {
				x.press(" ", say(t, screen.MsgIdentifyTitle))
			}
			x.send(planted)
			typed := false
			x.until("who it is", func(text string) bool {
				typed = strings.Contains(text, planted)
				return typed || strings.Contains(text, say(t, screen.MsgWaitingTitle)) // so fast that it counts as scanned
			})
			if typed {
				x.send(enter)
			}
			x.code()
			switch ends {
			case "shown":
				if err := r.dev.Approve("alice", ""); err != nil {
					t.Fatal(err)
				}
				x.mustShow(say(t, screen.MsgShownTitle))
				x.press(anyKey, "Welcome, Alice")
				x.press(escape, say(t, screen.MsgReadyTitle))
				x.checkForgotten(planted)
				x.signal(syscall.SIGTERM)
			case "declined":
				if err := r.dev.Deny("alice"); err != nil {
					t.Fatal(err)
				}
				x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
				x.signal(syscall.SIGTERM)
			case "a technician's":
				if err := r.dev.Approve("tara", ""); err != nil {
					t.Fatal(err)
				}
				x.mustShow(say(t, screen.MsgMenuTitle))
				x.press("2", "failed: ")
				x.press(escape, say(t, screen.MsgMenuTitle))
				x.press("1", "visits")
				x.signal(syscall.SIGTERM)
			case "no technician's":
				if err := r.dev.Approve("alice", ""); err != nil {
					t.Fatal(err)
				}
				x.mustShow(say(t, screen.EndedTitle(kiosk.NoAccess)))
				x.signal(syscall.SIGTERM)
			case "killed":
				x.signal(syscall.SIGKILL)
			case "aborted":
				x.signal(syscall.SIGABRT)
			}
			x.waitForExit()
			// The typed identifier was on the screen while it was typed; nothing else was.
			noFindings(t, r.canaries(t).Find("the terminal", []byte(x.written())))
			noFindings(t, r.searchTraces(t, r.canaries(t, planted)))
		})
	}
}

// TestEachKindOfLeakIsFound leaks one secret of a real visit on purpose, through each channel and in each encoding. The
// searches of the other tests must find it.
func TestEachKindOfLeakIsFound(t *testing.T) {
	t.Parallel()
	r := newCanaryRig(t)
	r.auto("approve", 0, "")
	p := r.startWith(canaryPerson+"\n", "login", "--json")
	if code := p.wait(); code != 0 {
		t.Fatalf("exit code %d: %s", code, p.err.text())
	}
	cage := r.canaries(t, canaryPerson)
	noFindings(t, r.searchTraces(t, cage))
	secrets := append(r.tap.secrets(), canaryPerson)
	if len(secrets) < 6 {
		t.Fatalf("only %d secrets of a whole visit: client secret, auth_req_id, three tokens and the identifier are wanted", len(secrets))
	}
	for i, s := range secrets {
		for how, form := range canary.Forms(s) {
			if len(cage.Find("log", []byte(p.err.text()+`level=DEBUG msg=x v="`+form+`"`+"\n"))) == 0 {
				t.Errorf("secret %d leaks into the log unseen: %s", i, how)
			}
		}
		half := s[len(s)/2:]
		if len(half) >= 16 && len(cage.Find("screen", []byte("\x1b[2J"+half))) == 0 {
			t.Errorf("half of secret %d leaks onto the screen unseen", i)
		}
	}
	for where, leak := range map[string]func() string{
		"a new file":          func() string { return filepath.Join(r.state, "debug.json") },
		"behind the database": func() string { return filepath.Join(r.state, "kiosk.db") },
		"a core dump":         func() string { return filepath.Join(r.dir, "core.4711") },
	} {
		path := leak()
		before, _ := os.ReadFile(path) // none: a new one
		text := base64.StdEncoding.EncodeToString([]byte("x" + secrets[len(secrets)-2]))
		if err := os.WriteFile(path, append(append([]byte{}, before...), text...), 0o600); err != nil {
			t.Fatal(err)
		}
		if len(r.searchTraces(t, cage)) == 0 {
			t.Errorf("%s: the leak was not found", where)
		}
		if before == nil {
			os.Remove(path)
		} else if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// addRequestSecrets adds the secrets in the kiosk's requests, such as client assertions. The identifier is not one of
// them: the test knows it.
func (p *recorder) addRequestSecrets(header string, body []byte) {
	if basic, ok := strings.CutPrefix(header, "Basic "); ok {
		p.addSecret(basic)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return
	}
	for _, name := range []string{"client_assertion", "client_secret", "user_code"} {
		if s := form.Get(name); len(s) >= 6 {
			p.addSecret(s)
		}
	}
}

// TestMemoryHoldsNoSecretAfterAVisit reads the running program's memory, which needs root. Some seconds after a visit
// it contains nothing of it, not even in freed memory. Only the last keys may remain in the terminal library's input
// buffer.
func TestMemoryHoldsNoSecretAfterAVisit(t *testing.T) {
	t.Parallel()
	r := newCanaryRig(t, "GODEBUG=clobberfree=1") // as in the unit files
	x := r.screen()
	x.press(" ", say(t, screen.MsgIdentifyTitle))
	x.send(canaryPerson)
	typed := false
	x.until("who it is", func(text string) bool {
		typed = strings.Contains(text, canaryPerson)
		return typed || strings.Contains(text, say(t, screen.MsgWaitingTitle))
	})
	if typed {
		x.send(enter)
	}
	x.code()
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgShownTitle))
	x.press(anyKey, "Welcome, Alice")
	pid := x.cmd.Process.Pid
	if _, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid)); err != nil {
		if os.Geteuid() == 0 {
			t.Fatal(err)
		}
		return // nobody else of the same user may look into it, which is half of what is wanted
	}
	secrets := append(r.tap.secrets()[1:], canaryPerson) // the client secret is the device's own
	if n := countCopies(t, pid, secrets); n[len(secrets)-1] == 0 {
		t.Errorf("during a visit not even the identifier is found: %v", n)
	}
	x.press(escape, say(t, screen.MsgReadyTitle))
	clear := func(n []int) bool {
		last := len(n) - 1
		return !slices.ContainsFunc(n[:last], func(n int) bool { return n > 0 }) && n[last] <= 1
	}
	timer, tick := time.NewTimer(limit), time.NewTicker(time.Second)
	defer timer.Stop()
	defer tick.Stop()
	for n := countCopies(t, pid, secrets); !clear(n); n = countCopies(t, pid, secrets) {
		select {
		case <-tick.C:
		case <-timer.C:
			t.Fatalf("copies of each secret in memory, the identifier last: %v", n)
		}
	}
}

// countCopies counts each secret in a process's memory.
func countCopies(t testing.TB, pid int, secrets []string) []int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	found := make([]int, len(secrets))
	for _, l := range strings.Split(string(maps), "\n") {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(l, "%x-%x %s", &from, &to, &mode); n < 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		b := make([]byte, to-from)
		n, _ := mem.ReadAt(b, from) // what is not mapped any more holds nothing
		for i, s := range secrets {
			found[i] += bytes.Count(b[:n], []byte(s))
		}
	}
	return found
}
