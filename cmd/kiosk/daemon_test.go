package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// runVerb runs a verb to its end and returns exit code and output.
func (r *rig) runVerb(args ...string) (code int, out string) {
	r.t.Helper()
	c := r.start(args...)
	code = c.wait()
	return code, c.out.text() + c.err.text()
}

func (r *rig) status() (code int, s map[string]any) {
	r.t.Helper()
	code, out := r.runVerb("status", "--json")
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		r.t.Fatalf("status says %q: %v", out, err)
	}
	return code, s
}

// headless starts `kiosk run --headless` and waits until it serves.
func (r *rig) headless() *child {
	r.t.Helper()
	m := r.withServiceManager(time.Minute)
	c := r.start("run", "--headless")
	m.mustReceive("READY=1")
	m.mustReceive("STATUS=ready for the next customer")
	delete(r.env, "NOTIFY_SOCKET")
	_ = m.conn.Close() // closed, because the kiosk waits while a full socket is not read
	return c
}

// TestStatusAndServiceDuringAVisit asks a kiosk with a screen for its status and takes it out of service and back. The
// visit in progress is not interrupted, and no output identifies the customer.
func TestStatusAndServiceDuringAVisit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if code, s := r.status(); code != 21 || s["state"] != "not_running" {
		t.Errorf("nobody runs: exit code %d, %v", code, s)
	}
	if code, out := r.runVerb("status", "--wait-idle"); code != 0 {
		t.Errorf("no kiosk is running: exit code %d, %s", code, out)
	}
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	if code, s := r.status(); code != 0 || s["state"] != "serving" || s["mode"] != "screen" {
		t.Errorf("exit code %d, %v", code, s)
	}
	x.identify("alice")
	code, out := r.runVerb("status", "--json")
	if code != 0 || !strings.Contains(out, `"state":"visit","phase":"waiting"`) || strings.Contains(out, "alice") {
		t.Errorf("exit code %d, %s", code, out)
	}
	if code, out := r.runVerb("status", "--wait-idle", "--limit", "1ms"); code != 22 {
		t.Errorf("during a visit: exit code %d, %s", code, out)
	}
	if code, out := r.runVerb("login", "bob"); code != 1 || !strings.Contains(out, "with a screen") {
		t.Errorf("a visit beside the screen: exit code %d, %s", code, out)
	}
	if code, out := r.runVerb("service", "off", "--for", "2h", "Back\x1b[2J soon"); code != 0 {
		t.Fatalf("exit code %d, %s", code, out)
	}
	gate := r.start("status", "--wait-idle", "--limit", "1m")
	if err := r.dev.Deny("alice"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
	select {
	case <-gate.done:
		t.Error("the gate opened while somebody read their screen")
	default:
	}
	x.send("\x1b")
	x.mustShow(say(t, screen.MsgClosedMaintenance))
	x.mustShow("Back[2J soon")
	if code := gate.wait(); code != 0 {
		t.Errorf("the gate: exit code %d, %s%s", code, gate.out.text(), gate.err.text())
	}
	code, s := r.status()
	if why, _ := s["why"].([]any); code != 20 || s["state"] != "out_of_service" || len(why) != 1 || why[0] != "maintenance" {
		t.Errorf("exit code %d, %v", code, s)
	}
	visits, _ := s["visits"].(map[string]any)
	if ended, _ := visits["ended"].(map[string]any); ended["declined"] != 1.0 {
		t.Errorf("figures %v", visits)
	}

	x.kill() // the order outlives a power cut
	x = r.screen()
	x.mustShow("Back[2J soon")
	if code, out := r.runVerb("service", "on"); code != 0 {
		t.Fatalf("exit code %d, %s", code, out)
	}
	x.mustShow(say(t, screen.MsgReadyTitle))
}

// TestHeadlessVisitsTakeTurns: a front end that uses the JSON lines and kiosk login take turns.
func TestHeadlessVisitsTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	h := r.headless()
	conn, err := net.Dial("unix", filepath.Join(r.state, "kiosk.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	answers := bufio.NewScanner(conn)
	for _, who := range []string{"alice", "bob"} {
		if _, err := conn.Write([]byte(who + "\n")); err != nil {
			t.Fatal(err)
		}
		last := map[string]any{}
		for last["phase"] != "shown" && last["phase"] != "ended" {
			if !answers.Scan() {
				t.Fatalf("no last line for %s: %v", who, answers.Err())
			}
			if err := json.Unmarshal(answers.Bytes(), &last); err != nil {
				t.Fatalf("%q: %v", answers.Text(), err)
			}
		}
		if last["phase"] != "shown" || last["subject"] == "" {
			t.Errorf("%s: %v", who, last)
		}
	}
	c := r.start("login", "--json", "carol")
	code, last := c.wait(), checkLines(t, c.lines())
	if code != 0 || last["phase"] != "shown" {
		t.Errorf("login: exit code %d, %v, %s", code, last, c.err.text())
	}
	if code, out := r.runVerb("login", ""); code != 2 {
		t.Errorf("nobody: exit code %d, %s", code, out)
	}
	if code, out := r.runVerb("service", "off", "Back at 14:00"); code != 0 {
		t.Fatalf("exit code %d, %s", code, out)
	}
	for code := 0; code != 20; code, _ = r.status() {
	}
	c = r.start("login", "--json", "carol")
	if code, last := c.wait(), checkLines(t, c.lines()); code != 12 || last["reason"] != "cancelled" || last["advice"] != "Back at 14:00" {
		t.Errorf("out of service: exit code %d, %v", code, last)
	}
	if code, out := r.runVerb("service", "on"); code != 0 {
		t.Fatalf("exit code %d, %s", code, out)
	}
	for code := 20; code != 0; code, _ = r.status() {
	}
	r.auto("none", 0, "")
	c = r.start("login", "--json", "alice")
	c.phase("waiting")
	second := r.start("login", "--json", "bob")
	c.signal(syscall.SIGINT)
	if code, last := c.wait(), checkLines(t, c.lines()); code != 12 || last["reason"] != "cancelled" {
		t.Errorf("after SIGTERM: exit code %d, %v", code, last)
	}
	second.phase("waiting") // its turn has come
	second.kill()           // and it leaves without a word
	third := r.start("login", "--json", "carol")
	third.phase("waiting")
	h.signal(syscall.SIGTERM)
	if code, last := third.wait(), checkLines(t, third.lines()); code != 12 || last["reason"] != "cancelled" {
		t.Errorf("the kiosk was after SIGTERM: exit code %d, %v", code, last)
	}
	if code := h.wait(); code != 0 {
		t.Errorf("exit code %d after SIGTERM: %s", code, h.err.text())
	}
	if _, err := os.Lstat(filepath.Join(r.state, "kiosk.sock")); err == nil {
		t.Error("the socket is still there")
	}
	for _, v := range r.visits() {
		checkRecord(t, v)
	}
	r.checkRequests(t)
	r.checkSecrets(t, "log", h.err.text())
}

// TestReloadWaitsForReady: new settings are used when no customer is there; invalid ones never.
func TestReloadWaitsForReady(t *testing.T) {
	t.Parallel()
	r := newRigWithFile(t, "KIOSK_SITE=Old shop\n")
	m := r.withServiceManager(time.Minute)
	x := r.screen()
	m.mustReceive("READY=1")
	_ = m.conn.Close() // closed, because the kiosk waits while a full socket is not read
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.mustShow("Old shop")
	r.write("kiosk.env", "KIOSK_SITE=New shop\nKIOSK_THEME=plaid\n")
	if code, out := r.runVerb("service", "reload"); code == 0 || !strings.Contains(out, "KIOSK_THEME") {
		t.Errorf("wrong settings: exit code %d, %s", code, out)
	}
	x.identify("alice")
	r.write("kiosk.env", "KIOSK_SITE=New shop\n")
	x.signal(syscall.SIGHUP)
	if x.within(time.Second, func(text string) bool { return strings.Contains(text, "New shop") }) {
		t.Error("the settings changed in the middle of a visit")
	}
	if err := r.dev.Deny("alice"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
	x.send("\x1b")
	x.mustShow("New shop")
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.mustRun()
}

// TestMetricsHoldNoPersonalData: metrics for Prometheus, on a loopback address only, without personal data.
func TestMetricsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	r := newRig(t, "KIOSK_METRICS_LISTEN="+address)
	r.auto("deny", 0, "")
	r.headless()
	if code, out := r.runVerb("login", "alice"); code != 10 {
		t.Fatalf("exit code %d, %s", code, out)
	}
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{
		"kiosk_serving 1\n", "kiosk_visits_total{ending=\"declined\"} 1\n", "kiosk_visits_total{ending=\"shown\"} 0\n",
		"kiosk_wait_seconds_count 1\n", "kiosk_wait_seconds_bucket{le=\"+Inf\"} 1\n", "kiosk_well{item=\"server\"} 1\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !metricLine.MatchString(line) {
			t.Errorf("not of the format: %s", line)
		}
	}
	if strings.Contains(text, "alice") {
		t.Error("somebody's name is in it")
	}
}

var metricLine = regexp.MustCompile(`^(# (HELP|TYPE) kiosk_[a-z_]+ .+|kiosk_[a-z_]+(\{[a-z]+="[a-zA-Z0-9_+.]+"\})? [0-9.e+]+)$`)
