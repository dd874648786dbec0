package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// serviceUID is the kiosk's user in tests. No system gives it away.
const serviceUID = 54322

// newServiceRig returns a device whose kiosk runs as a user of its own, with the program in a folder that all may enter. Only
// root can do that.
func newServiceRig(t *testing.T) *rig {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run the kiosk as another user: run it as root to test root's commands")
	}
	r := newRig(t)
	r.openToOthers(t)
	if err := os.Mkdir(r.state, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{r.state, filepath.Join(r.dir, "client-secret"), filepath.Join(r.dir, "kiosk.env")} {
		if err := os.Chown(path, serviceUID, serviceUID); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func asService(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: serviceUID, Gid: serviceUID}}
}

// TestRootPrunesTheRecord: root removes old visits of the kiosk's user, running or not, and leaves no file of root's.
func TestRootPrunesTheRecord(t *testing.T) {
	t.Parallel()
	r := newServiceRig(t)
	if c := r.startOn(asService, "", "login", "nobody"); c.wait() != 14 {
		t.Fatal(c.err.text())
	}
	if code, out := r.runVerb("journal", "prune", "--older-than", "1ns"); code != 0 || !strings.Contains(out, "1 visits removed") {
		t.Errorf("stopped: exit code %d, %s", code, out)
	}
	h := r.startOn(asService, "", "run", "--headless")
	r.dialKiosk(t).Close()
	if code, out := r.runVerb("journal", "prune", "--older-than", "1ns"); code != 0 || !strings.Contains(out, "0 visits removed") {
		t.Errorf("running: exit code %d, %s", code, out)
	}
	h.signal(syscall.SIGTERM)
	h.wait()
	entries, err := os.ReadDir(r.state)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != serviceUID {
			t.Errorf("%s does not belong to the kiosk's user", e.Name())
		}
	}
}

// TestDoctorAndConfigCheckAsTheService: root sees that the kiosk's user cannot read a secret that belongs to root.
func TestDoctorAndConfigCheckAsTheService(t *testing.T) {
	t.Parallel()
	r := newServiceRig(t)
	if code, out := r.runVerb("config", "check"); code != 0 {
		t.Errorf("exit code %d, %s", code, out)
	}
	if err := os.Chown(filepath.Join(r.dir, "client-secret"), 0, 0); err != nil {
		t.Fatal(err)
	}
	const want = "who cannot read this file: permission denied"
	if code, out := r.runVerb("config", "check"); code != 3 || !strings.Contains(out, "KIOSK_CLIENT_SECRET_FILE") || !strings.Contains(out, want) {
		t.Errorf("exit code %d, %s", code, out)
	}
	if code, out := r.runVerb("doctor"); code != 3 || !strings.Contains(out, "Root cause: settings: KIOSK_CLIENT_SECRET_FILE") || !strings.Contains(out, "sudo chown") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// TestJournalOfAnotherUserIsAnError: a user who may not read the settings or the record is told so, with the cure.
func TestJournalOfAnotherUserIsAnError(t *testing.T) {
	t.Parallel()
	r := newServiceRig(t)
	if c := r.startOn(asService, "", "login", "nobody"); c.wait() != 14 {
		t.Fatal(c.err.text())
	}
	nobody := func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		runAsOtherUser(cmd)
	}
	check := func(what string) {
		t.Helper()
		c := r.startOn(nobody, "", "journal", "list")
		if code := c.wait(); code == 0 || !strings.Contains(c.err.text(), "sudo kiosk journal") {
			t.Errorf("%s: exit code %d, %s", what, code, c.err.text())
		}
	}
	if err := os.Chmod(filepath.Join(r.dir, "kiosk.env"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("the record")
	delete(r.env, "KIOSK_STATE_DIR")
	if err := os.Chmod(filepath.Join(r.dir, "kiosk.env"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("the settings")
}

// TestAnswersOfTheSocketAreCleaned: a process that answers at the socket cannot control root's terminal.
func TestAnswersOfTheSocketAreCleaned(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := os.Mkdir(r.state, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(r.state, "kiosk.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answer := `{"state":"serving","site":"A\u001b[2J\u009b1mB\u202e","mode":"x\u001b","visits":{"ended":{"\u001b]0;q\u0007":1}},"error":"","code":""}` + "\n"
	refusal := `{"error":"no\u001b[2J\u009b"}` + "\n"
	out := make(chan string, 10)
	for _, s := range []string{answer, answer, answer, refusal, `{"ok":true}` + "\n" + `{"out":"a\u001b[2Jb\u009b\n"}` + "\n" + `{"exit":0}` + "\n"} {
		out <- s
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(<-out))
			_, _ = conn.Read(make([]byte, 4096)) // the request
			_ = conn.Close()
		}
	}()
	for _, verb := range [][]string{{"status"}, {"status", "--json"}, {"doctor"}, {"service", "on"}, {"login", "alice"}} {
		_, said := r.runVerb(verb...)
		if strings.ContainsAny(said, "\x1b\u009b\u202e\x07") || !strings.ContainsAny(said, "ABabn") {
			t.Errorf("%v: %q", verb, said)
		}
	}
}
