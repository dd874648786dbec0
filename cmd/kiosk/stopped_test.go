package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// TestVisitBeforeTheFirstState: after a crash a front end connects as soon as the socket is there, before the kiosk has
// reached the server. Its visit waits for that, and is played.
func TestVisitBeforeTheFirstState(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_GUARD_PERSON=50/10m", "KIOSK_GUARD_DEVICE=50/10m")
	r.auto("approve", 0, "")
	for range 5 {
		h := r.start("run", "--headless")
		conn := r.dialKiosk(t)
		_ = conn.SetDeadline(time.Now().Add(limit))
		if _, err := conn.Write([]byte("alice\n")); err != nil {
			t.Fatal(err)
		}
		lines, last := bufio.NewScanner(conn), map[string]any{}
		for last["phase"] != "shown" && last["phase"] != "ended" {
			if !lines.Scan() {
				t.Fatalf("no last line: %v\n%s", lines.Err(), h.err.text())
			}
			if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
		}
		if last["phase"] != "shown" {
			t.Errorf("%v\n%s", last, h.err.text())
		}
		_ = conn.Close()
		h.kill()
	}
}

// dialKiosk connects to the kiosk's socket as soon as it exists.
func (r *rig) dialKiosk(t *testing.T) net.Conn {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if conn, err := net.Dial("unix", filepath.Join(r.state, "kiosk.sock")); err == nil {
			return conn
		}
	}
	t.Fatal("nothing listens at the socket")
	return nil
}

// TestLoginOutlivesTheKiosk: the kiosk that plays the visit is killed, or stops answering. kiosk login ends; its last line
// names the visit that had begun.
func TestLoginOutlivesTheKiosk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signal syscall.Signal
	}{{"killed", syscall.SIGKILL}, {"stopped", syscall.SIGSTOP}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			h := r.headless()
			login := r.start("login", "--json", "alice")
			login.phase("waiting")
			h.signal(c.signal)
			code, last := login.wait(), checkLines(t, login.lines())
			if first := login.lines()[0]; code != kiosk.Unreachable.ExitCode() || last["visit"] == "" || last["visit"] != first["visit"] {
				t.Errorf("exit code %d, first line %v, last line %v", code, first, last)
			}
		})
	}
}

// TestLoginAtAStoppedKiosk: the kiosk accepts connections and never answers. kiosk login ends with one line without a visit.
func TestLoginAtAStoppedKiosk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.headless()
	h.signal(syscall.SIGSTOP)
	login := r.start("login", "--json", "alice")
	code, last := login.wait(), checkLines(t, login.lines())
	if code != kiosk.Unreachable.ExitCode() || last["visit"] != "" || last["phase"] != "ended" {
		t.Errorf("exit code %d, %v, %s", code, last, login.err.text())
	}
}

// untilWhy asks for the status until it names a closure, and returns all that it named. It fails if the kiosk serves.
func (r *rig) untilWhy(t *testing.T, closure string) (all []any) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		code, s := r.status()
		why, _ := s["why"].([]any)
		switch {
		case code == exitNotRunning:
			continue
		case code != exitOutOfService:
			t.Fatalf("exit code %d, %v", code, s)
		case slices.Contains(why, any(closure)):
			return why
		}
	}
	t.Fatalf("the status never says %s", closure)
	return nil
}

// TestStatusFindsARejectedClient: the server does not know this client's secret. The device is out of service before a
// customer tries it.
func TestStatusFindsARejectedClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.write("client-secret", "of another client")
	h := r.start("run", "--headless")
	r.untilWhy(t, "settings")
	h.signal(syscall.SIGTERM)
	if code := h.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := r.count("backchannel"); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// TestStatusNamesAnUnreachableServer: the server's certificate is not trusted, or nothing listens at its address. The status
// says that, with the cause, not that the kiosk is starting.
func TestStatusNamesAnUnreachableServer(t *testing.T) {
	t.Parallel()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, c := range []struct{ name, issuer, cause string }{
		{"nothing listens", "http://127.0.0.1:1", "refused"},
		{"untrusted certificate", untrusted.URL, "certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "KIOSK_ISSUER="+c.issuer)
			r.start("run", "--headless")
			if why := r.untilWhy(t, "unreachable"); slices.Contains(why, any("starting")) {
				t.Errorf("%v", why)
			}
			if _, out := r.runVerb("status"); !strings.Contains(out, "problem") || !strings.Contains(out, c.cause) {
				t.Errorf("%s", out)
			}
		})
	}
}

// TestSignalDuringAPollRevokesItsTokens: the person has approved, and the server is answering the poll with tokens when the
// signal comes. No token stays valid.
func TestSignalDuringAPollRevokesItsTokens(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c := r.start("login", "--json", "alice")
			c.phase("waiting")
			r.faults(faults.Fault{At: "token", Kind: "slow", Value: json.RawMessage("1")})
			if err := r.dev.Approve("alice", ""); err != nil {
				t.Fatal(err)
			}
			for r.slowPolls() == 0 {
				time.Sleep(5 * time.Millisecond)
			}
			c.signal(signal)
			if code := c.wait(); code != kiosk.Cancelled.ExitCode() {
				t.Errorf("exit code %d, %s", code, c.err.text())
			}
			if r.count("revocation") == 0 {
				t.Errorf("nothing was revoked: %s", c.err.text())
			}
		})
	}
}

// slowPolls returns how many polls have reached the server while it is slow.
func (r *rig) slowPolls() (n int) {
	for _, a := range r.arrivals("poll") {
		if a.Fault == "slow" {
			n++
		}
	}
	return n
}
