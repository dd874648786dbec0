package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// child is a kiosk process without a terminal.
type child struct {
	t        testing.TB
	cmd      *exec.Cmd
	out, err output
	done     chan struct{} // closed when the process has ended
}

// start runs kiosk with arguments and an empty standard input.
func (r *rig) start(args ...string) *child {
	r.t.Helper()
	return r.startWith("", args...)
}

func (r *rig) startWith(input string, args ...string) *child {
	r.t.Helper()
	return r.startOn(nil, input, args...)
}

// startOn does the same; change may set other standard files.
func (r *rig) startOn(change func(*exec.Cmd), input string, args ...string) *child {
	r.t.Helper()
	c := &child{t: r.t, cmd: exec.Command(r.program(), r.args(args)...), done: make(chan struct{})}
	c.out.change, c.err.change = make(chan struct{}), make(chan struct{})
	c.cmd.Env, c.cmd.Dir = r.environ(), r.dir
	c.cmd.Stdin = bytes.NewReader([]byte(input))
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	if change != nil {
		change(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait() // the exit code says it
		close(c.done)
	}()
	r.t.Cleanup(c.kill)
	return c
}

// kill ends the process at once and waits for its end.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	<-c.done
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// wait returns the exit code. A process that hangs is killed and fails the test.
func (c *child) wait() int {
	c.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		c.kill()
		c.t.Fatalf("kiosk hangs; its output:\n%s%s", c.out.text(), c.err.text())
	}
	return c.cmd.ProcessState.ExitCode()
}

// lines returns the JSON objects on standard output.
func (c *child) lines() []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for _, row := range bytes.SplitAfter([]byte(c.out.text()), []byte("\n")) {
		if len(row) == 0 || row[len(row)-1] != '\n' {
			continue // half a line is to come yet, or the process was killed
		}
		var l map[string]any
		if err := json.Unmarshal(row, &l); err != nil {
			c.t.Fatalf("standard output is no JSON line: %q", row)
		}
		all = append(all, l)
	}
	return all
}

// until waits for a line for which cond holds.
func (c *child) until(what string, cond func(line map[string]any) bool) map[string]any {
	c.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for ended := false; ; {
		changed := c.out.changes()
		for _, l := range c.lines() {
			if cond(l) {
				return l
			}
		}
		if ended {
			c.t.Fatalf("kiosk ended before %s; its output:\n%s%s", what, c.out.text(), c.err.text())
		}
		select {
		case <-changed:
		case <-c.done:
			ended = true
		case <-timer.C:
			c.t.Fatalf("%s never came; kiosk said:\n%s%s", what, c.out.text(), c.err.text())
		}
	}
}

// phase waits for the first line of a phase.
func (c *child) phase(phase string) map[string]any {
	c.t.Helper()
	return c.until(phase, func(l map[string]any) bool { return l["phase"] == phase })
}

// output collects what a process writes.
type output struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	change chan struct{}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.change)
	o.change = make(chan struct{})
	return o.buf.Write(b)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// changes returns a channel that is closed at the next write.
func (o *output) changes() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.change
}
