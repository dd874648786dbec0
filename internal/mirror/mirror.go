// Package mirror sends what the screen shows to a local socket: for a braille line, a speech program, or a person with
// socat (KIOSK_MIRROR).
//
// A reader that connects gets the present screen as lines of plain UTF-8 text, the most important first, ended by an
// empty line, and then each screen that differs. The words are those on the screen (package plain): input is masked
// once it is sent, and hidden results are left out. If only a countdown changes, a new text is sent every half minute
// at most, so that listeners can hear the rest. Nothing is kept, and a reader that does not read is disconnected.
package mirror

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
)

const (
	// socketMode gives access to the kiosk's user and group, like the other socket.
	// group may read every screen, with customers' data on it: fewer people than may put the device out of service.
	group = "kiosk-mirror"

	socketMode fs.FileMode = 0o660
	// maxReaders is more than a person has devices.
	maxReaders = 8
	// maxQueued is how many screens wait for a slow reader. A serial braille line takes a second for one.
	maxQueued = 16
	// writeTimeout bounds one write.
	writeTimeout = 10 * time.Second
	// countInterval is how often a text is sent of which only the digits have changed.
	countInterval = 30 * time.Second
)

// Mirror is an open socket. Its methods may be called from any goroutine.
type Mirror struct {
	listener net.Listener
	start    func(func())
	served   sync.WaitGroup

	mu                sync.Mutex // Show is called by the runner while readers connect
	closed            bool
	readers           map[chan string]net.Conn
	last              string        // the last text sent
	lastWithoutDigits string        // the same without its digits
	sentAt            time.Duration // when it was sent
}

// CheckPath reports whether this user can make the socket at path: in a folder that exists, and not in place of another file.
func CheckPath(path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("mirror: %s exists and is not a socket", path)
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("mirror: %w", err)
	case !info.IsDir():
		return fmt.Errorf("mirror: %s is not a folder", dir)
	}
	if err := host.CanMakeFiles(dir); err != nil {
		return fmt.Errorf("mirror: no file can be made in %s: %w", dir, err)
	}
	return nil
}

// Listen creates the socket at path. It replaces a socket that a dead process left, and nothing else. start starts a
// goroutine.
func Listen(path string, start func(func())) (*Mirror, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("mirror: %s exists and is not a socket", path)
		}
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			_ = c.Close()
			return nil, fmt.Errorf("mirror: %s is in use by another process", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("mirror: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("mirror: %w", err)
	}
	// The group first: until the mode changes, only the owner can connect.
	if g, err := user.LookupGroup(group); err == nil {
		if id, err := strconv.Atoi(g.Gid); err == nil {
			_ = os.Chown(path, -1, id) // this fails for a user who is not a member; the group then stays the process's own
		}
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, fmt.Errorf("mirror: %w", errors.Join(err, l.Close()))
	}
	m := &Mirror{listener: l, start: start, readers: make(map[chan string]net.Conn)}
	m.served.Add(1)
	start(m.accept)
	return m, nil
}

func (m *Mirror) accept() {
	defer m.served.Done()
	for {
		c, err := m.listener.Accept()
		if err != nil {
			return // closed
		}
		m.mu.Lock()
		if m.closed || len(m.readers) >= maxReaders {
			m.mu.Unlock()
			_ = c.Close()
			continue
		}
		screens := make(chan string, maxQueued)
		if m.last != "" {
			screens <- m.last
		}
		m.readers[screens] = c
		m.served.Add(1)
		m.mu.Unlock()
		m.start(func() { m.serve(c, screens) })
	}
}

func (m *Mirror) serve(c net.Conn, screens chan string) {
	defer m.served.Done()
	for text := range screens {
		patience := time.AfterFunc(writeTimeout, func() { _ = c.Close() })
		_, err := c.Write([]byte(text))
		patience.Stop()
		if err != nil {
			break
		}
	}
	m.drop(screens)
}

// drop disconnects a reader.
func (m *Mirror) drop(screens chan string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, there := m.readers[screens]; there {
		delete(m.readers, screens)
		close(screens)
		_ = c.Close()
	}
}

// Show sends a screen to all readers, line by line, if it differs from the last. now is the uptime. It never waits for
// a reader.
func (m *Mirror) Show(now time.Duration, said []string) {
	text := strings.Join(said, "\n") + "\n\n"
	m.mu.Lock()
	var slow []chan string
	counted := withoutDigits(text)
	if text != m.last && (counted != m.lastWithoutDigits || now-m.sentAt >= countInterval) {
		m.last, m.lastWithoutDigits, m.sentAt = text, counted, now
		for screens := range m.readers {
			select {
			case screens <- text:
			default:
				slow = append(slow, screens)
			}
		}
	}
	m.mu.Unlock()
	for _, screens := range slow {
		m.drop(screens)
	}
}

// withoutDigits makes all digits of a text equal, so that two texts that differ in a countdown become the same.
func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, text)
}

// Close disconnects all readers and removes the socket.
func (m *Mirror) Close() error {
	m.mu.Lock()
	m.closed = true
	for screens, c := range m.readers {
		delete(m.readers, screens)
		close(screens)
		_ = c.Close()
	}
	m.mu.Unlock()
	err := m.listener.Close()
	m.served.Wait()
	if err != nil {
		return fmt.Errorf("mirror: %w", err)
	}
	return nil
}
