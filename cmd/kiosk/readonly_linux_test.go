package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// quietFor is longer than all periodic work of the program: redrawing the screen, writing to a failed disk again,
// checking the clock.
const quietFor = 35 * time.Second

// traceWrites lets the device's programs record each system call that writes or changes a file.
func (r *rig) traceWrites() (log string) {
	r.t.Helper()
	if out, err := exec.Command("strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		r.t.Fatalf("strace is needed, and allowed to trace: %v: %s", err, out)
	}
	log = filepath.Join(r.dir, "calls")
	const calls = "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat," +
		"chmod,fchmod,fchmodat,chown,fchown,fchownat,truncate,ftruncate,utimensat,fsync,fdatasync,write,pwrite64,bind"
	script := "#!/bin/sh\nexec strace -D -f -qq -y -s 200 -e 'trace=?" + strings.ReplaceAll(calls, ",", ",?") + "' -e signal=none -o '" + log + "' '" + r.program() + "' \"$@\"\n"
	path := filepath.Join(r.dir, "traced")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		r.t.Fatal(err)
	}
	r.path = path
	return log
}

var (
	opened  = regexp.MustCompile(`^\d+ +(?:open|openat|openat2|creat)\(.*(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC).* = \d+<([^>]+)>`)
	named   = regexp.MustCompile(`^\d+ +(?:mkdir|mkdirat|mknod|mknodat|rename|renameat|renameat2|unlink|unlinkat|rmdir|link|linkat|symlink|symlinkat|chmod|fchmodat|chown|fchownat|truncate|utimensat|bind)\(.* = 0$`)
	flushed = regexp.MustCompile(`^\d+ +(?:write|pwrite64|fsync|fdatasync|ftruncate|fchmod|fchown)\(\d+<([^>]*)>`)
	quoted  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// writtenFiles returns the files that the lines of a trace write or change, without terminals, pipes, sockets and the
// kernel's files.
func writtenFiles(trace string) []string {
	var files []string
	for line := range strings.Lines(trace) {
		line = strings.TrimSpace(line)
		var names []string
		if m := opened.FindStringSubmatch(line); m != nil {
			names = []string{m[1]}
		} else if named.MatchString(line) {
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				names = append(names, m[1])
			}
		} else if m := flushed.FindStringSubmatch(line); m != nil {
			names = []string{m[1]}
		}
		for _, n := range names {
			// The trace of an emulated program is that of its emulator, which makes the files of
			// /proc that describe the program itself, in memory.
			if strings.HasPrefix(n, "/memfd:qemu-open") || strings.HasPrefix(n, "/dev/") || strings.Contains(n, ":[") && !strings.HasPrefix(n, "/") {
				continue
			}
			files = append(files, n)
		}
	}
	return files
}

// TestOnlyTheStateFolderIsWritten: the root may be read-only and the card small. A device writes only into its state
// folder, and nothing at all without customers.
func TestOnlyTheStateFolderIsWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := os.Mkdir(r.state, 0o700); err != nil { // as the service manager does (StateDirectory=)
		t.Fatal(err)
	}
	log := r.traceWrites()
	x := r.screen()
	r.path = "" // what asks it is another program
	x.identify("alice")
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	x.mustShow(say(t, screen.MsgShownTitle))
	x.press(enter, "C-1001")
	x.press(escape, say(t, screen.MsgReadyTitle))
	r.status()
	time.Sleep(time.Second) // what a visit leaves to be done
	trace, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range writtenFiles(string(trace)) {
		seen[name] = true
		if !strings.HasPrefix(name, r.state+"/") && name != r.state {
			t.Errorf("%s is written", name)
		}
	}
	for _, must := range []string{"kiosk.db", "store.key"} {
		if !seen[filepath.Join(r.state, must)] {
			t.Errorf("%s is not written: the trace misses writes and proves nothing", must)
		}
	}
	time.Sleep(quietFor)
	all, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if again := writtenFiles(string(all[len(trace):])); len(again) > 0 {
		t.Errorf("without customers, these are written: %q", again)
	}
}
