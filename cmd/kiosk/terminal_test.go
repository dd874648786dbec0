package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/sys/unix"

	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// terminal is `kiosk run`, or another verb, on a real pseudo-terminal with an emulator that draws what a customer would
// see.
type terminal struct {
	t      testing.TB
	rig    *rig
	master *os.File
	slave  *os.File // kept open, so that the terminal outlives the program
	before unix.Termios
	cmd    *exec.Cmd
	done   chan struct{} // closed when the program has ended

	mu      sync.Mutex // guards all below
	vt      vt10x.Terminal
	rest    []byte // half a character
	raw     []byte // everything that was written
	changed chan struct{}
}

const columns, rows = 80, 24

// screen starts `kiosk run` with more arguments on a new terminal.
func (r *rig) screen(args ...string) *terminal {
	r.t.Helper()
	return r.startIn(columns, rows, nil, append([]string{"run"}, args...)...)
}

// startIn starts any verb on a new terminal of some size; change may change the process.
func (r *rig) startIn(columns, rows int, change func(*exec.Cmd), args ...string) *terminal {
	r.t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		r.t.Fatal(err)
	}
	x := &terminal{t: r.t, rig: r, master: master, slave: slave, done: make(chan struct{}),
		vt: vt10x.New(vt10x.WithSize(columns, rows)), changed: make(chan struct{})}
	x.resize(columns, rows)
	x.before = x.termios()
	x.cmd = exec.Command(r.program(), r.args(args)...)
	x.cmd.Env, x.cmd.Dir = r.environ(), r.dir
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = slave, slave, slave
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if change != nil {
		change(x.cmd)
	}
	if err := x.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go x.draw()
	go func() {
		_ = x.cmd.Wait() // the exit code says it
		close(x.done)
	}()
	r.t.Cleanup(func() {
		x.kill()
		_ = master.Close()
		_ = slave.Close()
	})
	return x
}

// draw feeds the emulator until the terminal is closed.
func (x *terminal) draw() {
	b := make([]byte, 4096)
	for {
		n, err := x.master.Read(b)
		if err != nil {
			return
		}
		x.mu.Lock()
		x.raw = append(x.raw, b[:n]...)
		text := append(x.rest, b[:n]...)
		whole := len(text)
		for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
			if c := text[len(text)-back]; utf8.RuneStart(c) {
				if !utf8.FullRune(text[len(text)-back:]) {
					whole = len(text) - back
				}
				break
			}
		}
		_, _ = x.vt.Write(text[:whole]) // the emulator takes everything
		x.rest = append([]byte(nil), text[whole:]...)
		close(x.changed)
		x.changed = make(chan struct{})
		x.mu.Unlock()
	}
}

// picture returns the text on the screen, row by row, without trailing blanks.
func (x *terminal) picture() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.pictureLocked()
}

func (x *terminal) pictureLocked() string {
	list := strings.Split(strings.ReplaceAll(x.vt.String(), "\x00", " "), "\n")
	for i := range list {
		list[i] = strings.TrimRight(list[i], " ")
	}
	return strings.TrimRight(strings.Join(list, "\n"), "\n")
}

// flat returns a picture as running text, so that line breaks and what is drawn in blocks beside it do not matter. Titles in
// letters of pixels are at the end.
func flat(picture string) string {
	text := strings.NewReplacer("█", " ", "▀", " ", "▄", " ").Replace(picture)
	return strings.Join(append(strings.Fields(text), headlines(picture)), " ")
}

// until waits for the screen to satisfy a condition.
func (x *terminal) until(what string, so func(text string) bool) {
	x.t.Helper()
	if !x.within(limit, so) {
		x.t.Fatalf("the screen never shows %s; it shows\n%s", what, x.picture())
	}
}

// within reports whether the screen satisfies a condition within a time.
func (x *terminal) within(d time.Duration, so func(text string) bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		x.mu.Lock()
		text, changed := flat(x.pictureLocked()), x.changed
		x.mu.Unlock()
		if so(text) {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

// mustShow waits for texts to be on the screen at the same time.
func (x *terminal) mustShow(want ...string) {
	x.t.Helper()
	x.until(strings.Join(want, " and "), containing(want...))
}

func containing(want ...string) func(string) bool {
	return func(text string) bool {
		for _, w := range want {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	}
}

// send sends keys to the kiosk.
func (x *terminal) send(keys string) {
	x.t.Helper()
	if _, err := x.master.Write([]byte(keys)); err != nil {
		x.t.Fatal(err)
	}
}

// press sends a key until the screen answers it as wanted. A key counts for the screen on which it was pressed; a test
// is faster than any hand, so a key sent at the moment in which a screen appears belongs to the one before and is
// ignored.
func (x *terminal) press(key string, want ...string) {
	x.t.Helper()
	for range 20 {
		x.send(key)
		if x.within(limit/20, containing(want...)) {
			return
		}
	}
	x.t.Fatalf("key %q never leads to %q; the screen shows\n%s", key, want, x.picture())
}

// Keys.
const (
	escape = "\x1b"
	enter  = "\r"
	ctrlC  = "\x03"
	// anyKey has no meaning on any screen, but shows that somebody is there.
	anyKey = "\x1b[6~"
)

// begin opens the input field from Ready and types an identifier.
func (x *terminal) begin(who string) {
	x.t.Helper()
	x.mustShow(say(x.t, screen.MsgReadyTitle))
	x.press(" ", say(x.t, screen.MsgIdentifyTitle))
	x.send(who)
	x.mustShow(who)
}

// identify begins a visit and waits for its code.
func (x *terminal) identify(who string) (code string) {
	x.t.Helper()
	x.begin(who)
	x.send(enter)
	return x.code()
}

var spelt = regexp.MustCompile(`\b[A-Z0-9] [A-Z0-9] [A-Z0-9] - [A-Z0-9] [A-Z0-9] [A-Z0-9]\b`)

// code waits for the Waiting screen and returns the code.
func (x *terminal) code() (code string) {
	x.t.Helper()
	title := say(x.t, screen.MsgWaitingTitle)
	x.until("a code", func(text string) bool {
		code = strings.ReplaceAll(spelt.FindString(text), " ", "")
		return code != "" && strings.Contains(text, title)
	})
	return code
}

func (x *terminal) resize(columns, rows int) {
	x.t.Helper()
	x.mu.Lock()
	x.vt.Resize(columns, rows)
	x.mu.Unlock()
	if err := pty.Setsize(x.master, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) termios() unix.Termios {
	x.t.Helper()
	var state *unix.Termios
	conn, err := x.slave.SyscallConn()
	if err == nil {
		var inner error
		err = conn.Control(func(fd uintptr) { state, inner = unix.IoctlGetTermios(int(fd), unix.TCGETS) })
		if err == nil {
			err = inner
		}
	}
	if err != nil {
		x.t.Fatal(err)
	}
	return *state
}

func (x *terminal) signal(s os.Signal) {
	x.t.Helper()
	if err := x.cmd.Process.Signal(s); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) kill() {
	_ = x.cmd.Process.Kill() // it may have ended
	<-x.done
}

// waitForExit waits for the program to end and returns its exit code.
func (x *terminal) waitForExit() int {
	x.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-x.done:
	case <-timer.C:
		x.t.Fatalf("kiosk does not end; the screen shows\n%s", x.picture())
	}
	x.drain()
	return x.cmd.ProcessState.ExitCode()
}

// drain waits until all output of the program has been drawn: the kernel still buffers some of it when the program has
// ended. It sends NULs, which no screen draws, behind the output and waits for them.
func (x *terminal) drain() {
	mark := []byte{0, 0, 0}
	go func() { _, _ = x.slave.Write(mark) }() // a terminal that is stopped takes none
	timer := time.NewTimer(limit / 10)
	defer timer.Stop()
	for {
		x.mu.Lock()
		raw, marked := bytes.CutSuffix(x.raw, mark)
		if marked {
			x.raw = raw
		}
		changed := x.changed
		x.mu.Unlock()
		if marked {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		}
	}
}

// mustRun fails the test if the program has ended.
func (x *terminal) mustRun() {
	x.t.Helper()
	select {
	case <-x.done:
		x.t.Fatalf("kiosk run has ended: %v; the screen shows\n%s", x.cmd.ProcessState, x.picture())
	default:
	}
}

// written returns everything that was ever sent to the terminal.
func (x *terminal) written() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return string(x.raw)
}

// mode returns the emulator's modes and whether it shows a cursor.
func (x *terminal) mode() (vt10x.ModeFlag, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.vt.Mode(), x.vt.CursorVisible()
}

var english = sync.OnceValues(func() (*words.Catalog, error) { return words.Open("en") })

// say returns a text of the English catalogue: tests check that a customer sees it, not its words.
func say(t testing.TB, w screen.MessageID, args ...any) string {
	t.Helper()
	c, err := english()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(c.Text(w, args...)), " ")
}
