package mirror

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func open(t *testing.T) (m *Mirror, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "m.sock")
	m, err := Listen(path, func(f func()) { go f() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m, path
}

// listener is a reader of the socket.
type listener struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

func listen(t *testing.T, path string) *listener {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &listener{t, c, bufio.NewReader(c)}
}

// expect reads the next screen and compares it with want.
func (l *listener) expect(want string) {
	l.t.Helper()
	_ = l.c.SetReadDeadline(time.Now().Add(time.Minute))
	var lines []string
	for {
		line, err := l.r.ReadString('\n')
		if err != nil {
			l.t.Fatalf("read %q, then %v; want %q", lines, err, want)
		}
		if line == "\n" {
			break
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	if got := strings.Join(lines, "|"); got != want {
		l.t.Errorf("read %q, want %q", got, want)
	}
}

func say(s screen.Screen) []string { return plain.Say(s) }

func waiting(left string) screen.Screen {
	return screen.Screen{Title: "Look at your phone", Gauge: &screen.Gauge{Text: left}}
}

func TestReadersGetEachScreen(t *testing.T) {
	m, path := open(t)
	m.Show(0, say(screen.Screen{Title: "Scan your card"}))
	l := listen(t, path)
	l.expect("Scan your card") // the screen that was shown before the connection
	m.Show(time.Second, say(screen.Screen{Title: "Who are you?", Entry: &screen.Entry{Label: "User name", Text: "al"}}))
	l.expect("Who are you?|User name: al")
	m.Show(2*time.Second, say(screen.Screen{Title: "Who are you?", Entry: &screen.Entry{Label: "User name", Text: "al"}}))
	m.Show(3*time.Second, say(screen.Screen{Title: "Good\x1b[2Jbye"}))
	l.expect("Good[2Jbye") // an equal screen is not sent again; control characters are removed
}

func TestCountdownsAreSentRarely(t *testing.T) {
	m, path := open(t)
	m.Show(0, say(waiting("88 seconds left")))
	l := listen(t, path)
	l.expect("Look at your phone|88 seconds left")
	m.Show(1*time.Second, say(waiting("87 seconds left")))
	m.Show(29*time.Second, say(waiting("59 seconds left")))
	m.Show(30*time.Second, say(waiting("58 seconds left")))
	l.expect("Look at your phone|58 seconds left")
	m.Show(31*time.Second, say(screen.Screen{Title: "Approved"}))
	l.expect("Approved")
}

func TestSlowReadersAreDisconnected(t *testing.T) {
	m, path := open(t)
	l := listen(t, path)
	m.Show(0, say(screen.Screen{Title: "first"}))
	l.expect("first") // so the reader is registered
	long := strings.Repeat("x ", 900)
	for i := range 2000 { // Show never waits
		m.Show(time.Duration(i), say(screen.Screen{Title: strings.Repeat("y", i%50), Lines: []string{long}}))
	}
	m.mu.Lock()
	left := len(m.readers)
	m.mu.Unlock()
	if left != 0 {
		t.Errorf("%d slow readers are still connected", left)
	}
}

func TestListenReplacesDeadSocketsOnly(t *testing.T) {
	m, path := open(t)
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != socketMode {
		t.Errorf("mode %v", info.Mode())
	}
	start := func(f func()) { go f() }
	if _, err := Listen(path, start); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a socket in use was taken: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	// A killed process leaves its socket behind.
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = dead.Close()
	again, err := Listen(path, start)
	if err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	_ = again.Close()
	if err := os.WriteFile(path, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, start); err == nil {
		t.Error("a file was replaced by a socket")
	}
}
