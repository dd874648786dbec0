package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestHoursAndOutageFromFiles: a tool like Ansible needs only files and a signal: opening hours in the drop-in folder,
// an outage in the state folder. A visit in progress is not interrupted.
func TestHoursAndOutageFromFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.write("kiosk.env", "KIOSK_SITE=Shop 7\n")
	if err := os.Mkdir(filepath.Join(r.dir, "kiosk.env.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	delete(r.env, "KIOSK_SITE")
	m := r.withServiceManager(time.Minute)
	x := r.screen()
	m.mustReceive("READY=1")
	_ = m.conn.Close() // closed, because the kiosk waits while a full socket is not read
	x.mustShow(say(t, screen.MsgReadyTitle), "Shop 7")

	// Open on one day of the week only, which is not today.
	day := time.Now().AddDate(0, 0, 3).Format("Monday")
	hours := filepath.Join("kiosk.env.d", "50-hours.env")
	x.identify("alice")
	r.write(hours, "KIOSK_SITE=Shop 8\nKIOSK_OPEN="+day[:2]+" 09:00-17:00\n")
	x.signal(syscall.SIGHUP)
	if x.within(time.Second, func(text string) bool { return strings.Contains(text, "Shop 8") }) {
		t.Error("a visit is in progress")
	}
	if err := r.dev.Deny("alice"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
	x.press(escape, say(t, screen.MsgClosedHours), "Shop 8", "Opens again: "+day+", 09:00")
	code, s := r.status()
	if why, _ := s["why"].([]any); code != 20 || len(why) == 0 || why[0] != "hours" || s["opens"] == nil {
		t.Errorf("exit code %d, %v", code, s)
	}
	if _, out := r.runVerb("status"); !strings.Contains(out, "out of service: hours") || !strings.Contains(out, "opens      "+day+" 09:00") {
		t.Errorf("status says:\n%s", out)
	}
	if _, out := r.runVerb("config", "show"); !strings.Contains(out, "50-hours.env:2") {
		t.Errorf("the origin is missing:\n%s", out)
	}

	if err := os.Remove(filepath.Join(r.dir, hours)); err != nil {
		t.Fatal(err)
	}
	order, err := json.Marshal(map[string]any{"off": true, "text": "Back at ten", "until": time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	r.write(filepath.Join("state", "out-of-service.json"), string(order))
	x.signal(syscall.SIGHUP)
	x.mustShow(say(t, screen.MsgClosedMaintenance), "Back at ten", "Shop 7")
	if err := os.Remove(filepath.Join(r.state, "out-of-service.json")); err != nil {
		t.Fatal(err)
	}
	x.signal(syscall.SIGHUP)
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.mustRun()
}

// TestScreenNamesAnUnreachableServer: the authorization server cannot be reached. The screen says so, or that there is
// no network, without an error message.
func TestScreenNamesAnUnreachableServer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.env["KIOSK_ISSUER"] = "http://127.0.0.1:1" // no port that anybody listens at
	want := screen.MsgClosedServer
	if host.NetworkProblem() != nil {
		want = screen.MsgClosedNetwork
	}
	x := r.screen()
	x.mustShow(say(t, screen.MsgClosedTitle), say(t, want))
	if code, s := r.status(); code != 20 || s["phase"] != "closed" {
		t.Errorf("exit code %d, %v", code, s)
	}
}
