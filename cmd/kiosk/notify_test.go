package main

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// manager is the socket on which a service manager receives notifications.
type manager struct {
	t    testing.TB
	conn *net.UnixConn
}

// withServiceManager lets the device's programs notify a service manager that expects a watchdog message within limit.
func (r *rig) withServiceManager(limit time.Duration) *manager {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	r.env["NOTIFY_SOCKET"] = path
	r.env["WATCHDOG_USEC"] = strconv.FormatInt(limit.Microseconds(), 10)
	return &manager{r.t, conn}
}

// receives reports whether a line arrives within a time.
func (m *manager) receives(d time.Duration, line string) bool {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		m.t.Fatal(err)
	}
	b := make([]byte, 4096)
	for {
		n, err := m.conn.Read(b)
		if err != nil {
			return false
		}
		for got := range strings.Lines(string(b[:n])) {
			if strings.TrimSpace(got) == line {
				return true
			}
		}
	}
}

func (m *manager) mustReceive(line string) {
	m.t.Helper()
	if !m.receives(limit, line) {
		m.t.Fatalf("the service manager never receives %q", line)
	}
}

// TestServiceManagerNotifications: READY when the first screen is drawn, WATCHDOG while everything works, nothing while
// the terminal is blocked.
func TestServiceManagerNotifications(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.withServiceManager(300 * time.Millisecond)
	x := r.screen()
	m.mustReceive("READY=1")
	x.mustShow(say(t, screen.MsgReadyTitle))
	m.mustReceive("WATCHDOG=1")
	x.identify("alice")
	m.mustReceive("STATUS=visit in progress")
	m.mustReceive("WATCHDOG=1")

	x.setFlow(unix.TCOOFF)
	for late := 0; m.receives(2*time.Second, "WATCHDOG=1"); late++ {
		if late > 20 { // more than can have been on their way
			t.Fatal("watchdog messages from a kiosk whose terminal is blocked")
		}
	}
	x.setFlow(unix.TCOON)
	m.mustReceive("WATCHDOG=1")

	x.signal(syscall.SIGTERM)
	m.mustReceive("STOPPING=1")
	if code := x.waitForExit(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

// setFlow stops or resumes the terminal's output, as Ctrl-S and Ctrl-Q do.
func (x *terminal) setFlow(how int) {
	x.t.Helper()
	conn, err := x.slave.SyscallConn()
	if err == nil {
		var inner error
		err = conn.Control(func(fd uintptr) { inner = unix.IoctlSetInt(int(fd), unix.TCXONC, how) })
		if err == nil {
			err = inner
		}
	}
	if err != nil {
		x.t.Fatal(err)
	}
}
