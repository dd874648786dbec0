package tui

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestMain runs child instead of the tests if TUI_TEST_CHILD is set.
func TestMain(m *testing.M) {
	if how := os.Getenv("TUI_TEST_CHILD"); how != "" {
		os.Exit(child(how))
	}
	os.Exit(m.Run())
}

// child opens the controlling terminal, shows a screen, and at the first key ends in the given way.
func child(how string) int {
	s, err := Open(Options{})
	if err != nil {
		fmt.Println("open:", err)
		return 3
	}
	defer func() { _ = s.Close() }()
	defer s.RecoverPanic()
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	s.Show(sampleWaiting())
	for {
		select {
		case <-term:
			return 5
		case ev := <-s.Events():
			if _, is := ev.(Press); !is {
				continue
			}
			switch how {
			case "panic":
				panicOutOfPaper()
			case "panic elsewhere":
				s.Go(panicOutOfPaper)
				select {}
			}
			return 4
		}
	}
}

func panicOutOfPaper() { panic("out of paper") }

func TestRealTerminalIsRestored(t *testing.T) {
	for _, tc := range []struct {
		how  string
		do   func(p *os.Process, in *os.File)
		code int
		says string
	}{
		{"a key ends it", func(_ *os.Process, in *os.File) { _, _ = in.WriteString("x") }, 4, ""},
		{"SIGTERM", func(p *os.Process, _ *os.File) { _ = p.Signal(syscall.SIGTERM) }, 5, ""},
		{"SIGTERM under a thousand keys", func(p *os.Process, in *os.File) {
			_, _ = in.WriteString(strings.Repeat("\x1b[2~", 1000)) // keys without a meaning
			_ = p.Signal(syscall.SIGTERM)
		}, 5, ""},
		{"panic", func(_ *os.Process, in *os.File) { _, _ = in.WriteString("x") }, 2, "panicOutOfPaper"},
		{"panic elsewhere", func(_ *os.Process, in *os.File) { _, _ = in.WriteString("x") }, 2, "panicOutOfPaper"},
	} {
		t.Run(tc.how, func(t *testing.T) {
			master, slave, err := pty.Open()
			if err != nil {
				t.Fatalf("pseudo-terminal: %v", err)
			}
			defer master.Close()
			defer slave.Close()
			if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
				t.Fatal(err)
			}
			before := modeOf(t, slave)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "TUI_TEST_CHILD="+tc.how, "TERM=linux", "LC_ALL=C")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			seen := listen(master)
			if !seen.waitFor("Look at your phone") || !seen.waitFor("█") {
				_ = cmd.Process.Kill()
				t.Fatalf("the screen did not appear: %q", seen.text())
			}
			if reflect.DeepEqual(modeOf(t, slave), before) {
				t.Error("the terminal was not taken over")
			}
			tc.do(cmd.Process, master)
			start := time.Now()
			_ = cmd.Wait()
			if d := time.Since(start); d > 2*closeLimit {
				t.Errorf("it took %v to end", d)
			}
			if got := cmd.ProcessState.ExitCode(); got != tc.code {
				t.Errorf("exit code %d, want %d: %q", got, tc.code, seen.text())
			}
			if after := modeOf(t, slave); !reflect.DeepEqual(after, before) {
				t.Errorf("the mode is\n%+v, was\n%+v", after, before)
			}
			if !seen.waitFor("\x1b[?7h") {
				t.Error("the margins were not restored")
			}
			if tc.says != "" {
				if !seen.waitFor(tc.says) {
					t.Fatalf("the report does not name %s: %q", tc.says, seen.text())
				}
				text := seen.text()
				if strings.Index(text, "panic: ") < strings.LastIndex(text, "\x1b[?7h") {
					t.Error("the panic was reported before the terminal was restored")
				}
				if tc.how == "panic elsewhere" && strings.Contains(text, "out of paper") {
					t.Errorf("the report contains the value of the panic: %q", text)
				}
			}
		})
	}
}

func modeOf(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *mode
}

// listener collects the output of a pseudo-terminal.
type listener struct {
	mu  sync.Mutex
	got strings.Builder
	new chan struct{}
}

func listen(f *os.File) *listener {
	l := &listener{new: make(chan struct{}, 1)}
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := f.Read(b)
			if err != nil {
				return
			}
			l.mu.Lock()
			l.got.Write(b[:n])
			l.mu.Unlock()
			trySend(l.new)
		}
	}()
	return l
}

func (l *listener) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got.String()
}

// waitFor reports whether s appears within ten seconds.
func (l *listener) waitFor(s string) bool {
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for !strings.Contains(l.text(), s) {
		select {
		case <-l.new:
		case <-limit.C:
			return false
		}
	}
	return true
}
