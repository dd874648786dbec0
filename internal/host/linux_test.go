//go:build linux

package host

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test runs in a process of its own, because NoCoreDumps cannot be undone.
func TestNoCoreDumps(t *testing.T) {
	const child = "CIBA_KIOSK_TEST_NO_CORE"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoCoreDumps$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "PASS: TestNoCoreDumps") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := NoCoreDumps(); err != nil {
		t.Fatal(err)
	}
	if on, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || on != 0 {
		t.Errorf("dumpable %d, %v", on, err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("limit %+v, %v", limit, err)
	}
}

func TestUptimeMatchesTheKernel(t *testing.T) {
	up, ok := uptime()
	if !ok {
		t.Fatal("no uptime")
	}
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Skipf("NOT TESTED: no /proc/uptime: %v", err)
	}
	seconds, _, _ := strings.Cut(string(text), " ")
	proc, err := time.ParseDuration(seconds + "s")
	if err != nil {
		t.Fatal(err)
	}
	if d := proc - up; d < -time.Minute || d > time.Minute {
		t.Errorf("uptime %v, /proc/uptime says %v", up, proc)
	}
}

// With Type=notify-reload, systemd compares the time with its own at the beginning of the reload.
func TestReloadingContainsTheTime(t *testing.T) {
	monotonic := func() int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			t.Fatal(err)
		}
		return ts.Nano() / 1000
	}
	before := monotonic()
	text, ok := strings.CutPrefix(Reloading(), "RELOADING=1\nMONOTONIC_USEC=")
	at, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || at < before || at > monotonic() {
		t.Errorf("%q, called at %d", Reloading(), before)
	}
}
