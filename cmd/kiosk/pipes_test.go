package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// pipe returns a pipe; both ends are closed after the test.
func pipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	return reader, writer
}

// fill fills a pipe, so that the next write to it blocks.
func fill(t *testing.T, writer *os.File) {
	t.Helper()
	fd := int(writer.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := syscall.Write(fd, make([]byte, 4096)); err != nil {
			break
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}

// TestSignalEndsALoginWithoutInput: a login that waits for its line ends on a signal.
func TestSignalEndsALoginWithoutInput(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		r := newRig(t)
		in, _ := pipe(t)
		_, logged := pipe(t)
		c := r.startOn(func(cmd *exec.Cmd) { cmd.Stdin, cmd.Stderr = in, logged }, "", "login", "--json")
		c.signal(s)
		if code := c.wait(); code != kiosk.Cancelled.ExitCode() && code != -1 {
			t.Errorf("%v: exit code %d", s, code) // -1: the signal came before the program handled it
		}
		if len(r.arrivals("backchannel")) > 0 {
			t.Error("a phone rang")
		}
	}
}

// TestLoginIsCancelledWhenItsReaderGoesAway: a visit without a reader ends as cancelled, is on record as that, and its
// tokens are revoked.
func TestLoginIsCancelledWhenItsReaderGoesAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	reader, writer := pipe(t)
	reader.Close()
	c := r.startOn(func(cmd *exec.Cmd) { cmd.Stdout = writer }, "", "login", "--json", "alice")
	if code := c.wait(); code != 1 {
		t.Errorf("exit code %d:\n%s", code, c.err.text())
	}
	if v := r.lastVisit(); !v.Stage.Final() || v.Reason != kiosk.Cancelled {
		t.Errorf("on record: %v %v", v.Stage, v.Reason)
	}
	if n := len(r.arrivals("api")); n != 0 {
		t.Errorf("the API was called %d times without a reader", n)
	}
}

// TestVisitContinuesWhenItsLogIsNotRead: a visit is not disturbed by a full or closed log.
func TestVisitContinuesWhenItsLogIsNotRead(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"the reader sleeps": false, "the reader is gone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "KIOSK_LOG_LEVEL=debug")
			r.auto("approve", 0, "")
			reader, writer := pipe(t)
			if gone {
				reader.Close()
			} else {
				fill(t, writer)
			}
			c := r.startOn(func(cmd *exec.Cmd) { cmd.Stderr = writer }, "", "login", "--json", "alice")
			if code := c.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if last := checkLines(t, c.lines()); last["phase"] != "shown" {
				t.Errorf("ends with %v", last)
			}
		})
	}
}

// TestSignalEndsALoginWhoseOutputIsNotRead: a login whose output is not read ends on a signal.
func TestSignalEndsALoginWhoseOutputIsNotRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, writer := pipe(t)
	fill(t, writer)
	c := r.startOn(func(cmd *exec.Cmd) { cmd.Stdout = writer }, "", "login", "--json", "alice")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for r.count("backchannel") == 0 {
		<-tick.C
	}
	c.signal(syscall.SIGTERM)
	if code := c.wait(); code == 0 || code == -1 {
		t.Errorf("exit code %d", code)
	}
}

// TestLoginWhoseOutputIsNotReadEndsByItself: a login whose output is not read ends by itself, as if the customer had
// left, and closes the record.
func TestLoginWhoseOutputIsNotReadEndsByItself(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, writer := pipe(t)
	fill(t, writer)
	begun := time.Now()
	c := r.startOn(func(cmd *exec.Cmd) { cmd.Stdout = writer }, "", "login", "--json", "alice")
	if code := c.wait(); code != kiosk.Internal.ExitCode() {
		t.Errorf("exit code %d after %v:\n%s", code, time.Since(begun), c.err.text())
	}
	if v := r.lastVisit(); !v.Stage.Final() || v.Reason != kiosk.Cancelled {
		t.Errorf("on record: %v %v", v.Stage, v.Reason)
	}
}
