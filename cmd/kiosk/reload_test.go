package main

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestReloadDoesNotReportStopping: a service manager that receives STOPPING=1 ends the process, so a kiosk that only
// reads its settings again must not send it. An invalid file before the valid one changes nothing.
func TestReloadDoesNotReportStopping(t *testing.T) {
	t.Parallel()
	r := newRigWithFile(t, "KIOSK_SITE=Old shop\n")
	m := r.withServiceManager(time.Minute)
	x := r.screen()
	m.mustReceive("READY=1")
	x.mustShow("Old shop")
	x.identify("alice")
	m.mustReceive("STATUS=visit in progress")
	r.write("kiosk.env", "KIOSK_SITE=New shop\n")
	x.signal(syscall.SIGHUP)
	m.mustReceive("RELOADING=1")
	m.mustReceive("READY=1")
	r.write("kiosk.env", "KIOSK_SITE=New shop\nKIOSK_THEME=plaid\n")
	x.signal(syscall.SIGHUP)
	m.mustReceive("RELOADING=1")
	m.mustReceive("READY=1")
	if err := r.dev.Deny("alice"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
	x.send("\x1b")
	x.mustShow("New shop")
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.checkStaysRunning(m)
}

// checkStaysRunning checks that the service manager sees a kiosk that never stops, until it is stopped.
func (x *terminal) checkStaysRunning(m *manager) {
	x.t.Helper()
	x.mustRun()
	if m.receives(time.Second, "STOPPING=1") {
		x.t.Error("the service manager received STOPPING")
	}
	x.signal(syscall.SIGTERM)
	m.mustReceive("STOPPING=1")
	if code := x.waitForExit(); code != 0 {
		x.t.Errorf("exit code %d after SIGTERM", code)
	}
}

// TestReloadWithUnusableSettings: the settings are valid, but something that they name cannot be used. The reload's
// caller gets the error about an address in use. If the kiosk finds the problem only when it starts with the settings,
// it continues with the old ones. Both problems are in the status until usable settings are read; the process keeps
// running and does not report that it stops.
func TestReloadWithUnusableSettings(t *testing.T) {
	t.Parallel()
	r := newRigWithFile(t, "KIOSK_SITE=Old shop\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	m := r.withServiceManager(time.Minute)
	x := r.screen()
	m.mustReceive("READY=1")
	x.mustShow("Old shop")
	m.mustReceive("STATUS=ready for the next customer")
	settings := func() string {
		_, s := r.status()
		wrong, _ := s["settings"].(string)
		return wrong
	}

	r.write("kiosk.env", "KIOSK_SITE=New shop\nKIOSK_METRICS_LISTEN="+taken.Addr().String()+"\n")
	if code, said := r.runVerb("service", "reload"); code == 0 || !strings.Contains(said, "KIOSK_METRICS_LISTEN") {
		t.Errorf("exit code %d, %s", code, said)
	}
	m.mustReceive("RELOADING=1")
	m.mustReceive("READY=1")
	if wrong := settings(); !strings.Contains(wrong, "KIOSK_METRICS_LISTEN") {
		t.Errorf("status says %q", wrong)
	}

	mirror, err := net.Listen("unix", filepath.Join(r.dir, "mirror")) // the path is right, but another process has it
	if err != nil {
		t.Fatal(err)
	}
	defer mirror.Close()
	r.write("kiosk.env", "KIOSK_SITE=New shop\nKIOSK_MIRROR="+mirror.Addr().String()+"\n")
	if code, said := r.runVerb("service", "reload"); code != 0 {
		t.Errorf("exit code %d, %s", code, said)
	}
	m.mustReceive("RELOADING=1")
	m.mustReceive("READY=1") // they were read
	m.mustReceive("READY=1") // the kiosk begins anew
	m.mustReceive("STATUS=ready for the next customer")
	x.mustShow("Old shop", say(t, screen.MsgReadyTitle))
	if wrong := settings(); !strings.Contains(wrong, "KIOSK_MIRROR") {
		t.Errorf("status says %q", wrong)
	}
	x.mustRun()

	r.write("kiosk.env", "KIOSK_SITE=New shop\n")
	if code, said := r.runVerb("service", "reload"); code != 0 {
		t.Errorf("exit code %d, %s", code, said)
	}
	x.mustShow("New shop", say(t, screen.MsgReadyTitle))
	if wrong := settings(); wrong != "" {
		t.Errorf("status says %q of right ones", wrong)
	}
	x.checkStaysRunning(m)
}

// TestQueuedVisitsAreServedBeforeAReload: without a screen, clients that wait for their turn are served with the old
// settings. A reload cancels no visit.
func TestQueuedVisitsAreServedBeforeAReload(t *testing.T) {
	t.Parallel()
	r := newRigWithFile(t, "KIOSK_SITE=Old shop\n")
	r.headless()
	first := r.start("login", "--json", "alice")
	first.phase("waiting")
	second := r.start("login", "--json", "bob")
	r.eventually("bob waits for his turn", func() bool {
		_, s := r.status()
		return s["line"] == 1.0
	})
	r.write("kiosk.env", "KIOSK_SITE=New shop\n")
	if code, said := r.runVerb("service", "reload"); code != 0 {
		t.Fatalf("exit code %d, %s", code, said)
	}
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	if code := first.wait(); code != 0 {
		t.Errorf("alice: exit code %d, %s", code, first.out.text())
	}
	second.phase("waiting")
	if err := r.dev.Approve("bob", ""); err != nil {
		t.Fatal(err)
	}
	if code := second.wait(); code != 0 {
		t.Errorf("bob: exit code %d, %s", code, second.out.text())
	}
	r.eventually("the new settings count", func() bool {
		code, out := r.runVerb("status")
		return code == 0 && strings.Contains(out, "New shop")
	})
}

// TestInvalidIdentifierDoesNotBlockTheQueue: an invalid identifier is rejected at once, and the next visit begins.
func TestInvalidIdentifierDoesNotBlockTheQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_IDENTIFIER=email")
	r.headless()
	conn, err := net.Dial("unix", filepath.Join(r.state, "kiosk.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(limit))
	answers := bufio.NewScanner(conn)
	for _, nonsense := range []string{"nobody", "@", strings.Repeat("a", 400) + "@shop.example"} {
		if _, err := conn.Write([]byte(nonsense + "\n")); err != nil {
			t.Fatal(err)
		}
		if !answers.Scan() || !strings.Contains(answers.Text(), `"error":"identifier: `) {
			t.Fatalf("%q (%v)", answers.Text(), answers.Err())
		}
	}
}

// TestLoginEndsWhenTheRunningKioskHangs: a login that was passed to the running kiosk ends on a signal, even if the
// kiosk never answers.
func TestLoginEndsWhenTheRunningKioskHangs(t *testing.T) {
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
	reached := make(chan net.Conn, 1)
	go func() {
		if conn, err := l.Accept(); err == nil {
			reached <- conn
		}
	}()
	c := r.start("login", "--json", "alice")
	defer (<-reached).Close()
	c.signal(syscall.SIGTERM)
	if code, last := c.wait(), checkLines(t, c.lines()); code != kiosk.Cancelled.ExitCode() || last["reason"] != "cancelled" {
		t.Errorf("exit code %d, %v", code, last)
	}
}

// TestServiceManagerWithAFullQueue: customers are served and the kiosk can be stopped while the service manager's queue
// is full. When the queue is read again, the service manager receives what it needs.
func TestServiceManagerWithAFullQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.withServiceManager(time.Minute)
	stuff, err := net.DialUnix("unixgram", nil, m.conn.LocalAddr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer stuff.Close()
	conn, err := stuff.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var full error
	err = conn.Write(func(fd uintptr) bool {
		for full == nil {
			_, full = unix.Write(int(fd), []byte("FULL=1"))
		}
		return true
	})
	if err != nil || full != unix.EAGAIN {
		t.Fatalf("the queue cannot be filled: %v, %v", err, full)
	}
	x := r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	x.identify("alice")
	if err := r.dev.Deny("alice"); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.EndedTitle(kiosk.Declined)))
	x.send("\x1b")
	x.mustShow(say(t, screen.MsgReadyTitle))
	begun := time.Now()
	x.signal(syscall.SIGTERM)
	if code := x.waitForExit(); code != 0 || time.Since(begun) > 10*time.Second*patience() {
		t.Errorf("exit code %d, %v after SIGTERM", code, time.Since(begun))
	}

	x = r.screen()
	x.mustShow(say(t, screen.MsgReadyTitle))
	m.mustReceive("FULL=1") // it listens from here on
	m.mustReceive("READY=1")
}
