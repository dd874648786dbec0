package control

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// limit is how long anything may take before a test considers it hanging.
const limit = 20 * time.Second

// content is what the test server sends as a snapshot; announced is the size that it announces.
var content, announced = strings.Repeat("snapshot", 100_000), int64(800_000)

// serve runs a server that answers each line with the same line, until the test ends.
func serve(t *testing.T, idleTimeout time.Duration) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kiosk.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{IdleTimeout: idleTimeout, Log: slog.New(slog.DiscardHandler), Handle: func(_ context.Context, c *Client, line kiosk.Secret) {
		if string(line) == "who" {
			_ = c.Answer(map[string]bool{"me": c.UID == os.Getuid() && c.PID == os.Getpid()})
			return
		}
		if string(line) == `{"do":"no"}` {
			_ = c.Answer(map[string]string{"error": "I will not"})
			return
		}
		if string(line) == `{"do":"snapshot"}` {
			_ = c.Stream(Snapshot{Size: announced}, strings.NewReader(content), announced)
			return
		}
		if string(line) == "wait" {
			time.Sleep(5 * idleTimeout)
		}
		_, _ = c.Write(append(append([]byte(nil), line...), '\n'))
	}}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.Serve(ctx, l)
	}()
	t.Cleanup(func() {
		stop()
		<-over
		if _, err := os.Lstat(path); err == nil {
			t.Error("the socket is left behind")
		}
	})
	return path
}

type testClient struct {
	conn *net.UnixConn
	in   *bufio.Reader
}

func dial(t *testing.T, path string) testClient {
	t.Helper()
	conn, err := Dial(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	return testClient{conn, bufio.NewReader(conn)}
}

// exchange writes text and returns the answer; empty if the server has disconnected.
func (l testClient) exchange(text string) string {
	_, _ = l.conn.Write([]byte(text))
	answer, _ := l.in.ReadString('\n')
	return strings.TrimSuffix(answer, "\n")
}

func TestLinesAndAnswers(t *testing.T) {
	c := dial(t, serve(t, 0))
	for text, want := range map[string]string{"one\n": "one", "two\r\n": "two", "who\n": `{"me":true}`} {
		if got := c.exchange(text); got != want {
			t.Errorf("%q is answered by %q", text, got)
		}
	}
	if err := c.conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

func TestLastLineNeedsNoLineFeed(t *testing.T) {
	c := dial(t, serve(t, 0))
	_, _ = c.conn.Write([]byte("alice"))
	_ = c.conn.CloseWrite()
	if got := c.exchange(""); got != "alice" {
		t.Errorf("got %q", got)
	}
}

func TestSocketMode(t *testing.T) {
	info, err := os.Lstat(serve(t, 0))
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestListenOnAnExistingPath(t *testing.T) {
	dead := filepath.Join(t.TempDir(), "dead.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	again, err := Listen(dead)
	if err != nil {
		t.Fatalf("the socket of a dead process: %v", err)
	}
	_ = again.Close()

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); err == nil {
		t.Error("a file is taken for a socket")
	}
	if b, err := os.ReadFile(file); string(b) != "precious" {
		t.Errorf("the file is gone: %v", err)
	}
	if _, err := Listen(serve(t, 0)); !errors.Is(err, ErrInUse) {
		t.Errorf("a socket in use: %v", err)
	}
	if _, err := Dial(context.Background(), dead); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a dead socket: %v", err)
	}
}

func TestTooLongLineDisconnects(t *testing.T) {
	path := serve(t, 0)
	if got := dial(t, path).exchange(strings.Repeat("a", MaxLine) + "\n"); len(got) != MaxLine {
		t.Errorf("the longest line is answered by %d bytes", len(got))
	}
	if got := dial(t, path).exchange(strings.Repeat("a", MaxLine+1) + "\n"); got != "" {
		t.Errorf("a longer one is answered by %d bytes", len(got))
	}
}

// Clients that hold connections open keep nobody out.
func TestIdleClientsKeepNobodyOut(t *testing.T) {
	path := serve(t, 0)
	first := dial(t, path)
	if got := first.exchange("here\n"); got != "here" {
		t.Fatalf("got %q", got)
	}
	for range 3 * maxClients {
		dial(t, path)
	}
	if got := dial(t, path).exchange("let me in\n"); got != "let me in" {
		t.Errorf("got %q", got)
	}
	if got := first.exchange("still here?\n"); got != "" {
		t.Errorf("the client that was idle longest is still connected: %q", got)
	}
}

// A server may disconnect idle clients, but never those that it has not answered yet.
func TestIdleTimeoutDoesNotApplyToHandlers(t *testing.T) {
	path := serve(t, 200*time.Millisecond)
	c := dial(t, path)
	if got := c.exchange("wait\n"); got != "wait" {
		t.Errorf("got %q", got)
	}
	if got := c.exchange(""); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestAsk(t *testing.T) {
	path := serve(t, limit)
	var answer map[string]string
	if err := Ask(context.Background(), path, map[string]string{"do": "echo"}, &answer); err != nil || answer["do"] != "echo" {
		t.Errorf("%v, %v", answer, err)
	}
	var no *Refused
	if err := Ask(context.Background(), path, map[string]string{"do": "no"}, &answer); !errors.As(err, &no) || no.Reason != "I will not" {
		t.Errorf("refused: %v", err)
	}
}

func TestFetch(t *testing.T) {
	path := serve(t, 0)
	var got strings.Builder
	if _, err := Fetch(context.Background(), path, &got, 1<<20, false); err != nil || got.String() != content {
		t.Errorf("%d bytes, %v; want the %d of the content", got.Len(), err, len(content))
	}
	if _, err := Fetch(context.Background(), path, &got, 1000, false); err == nil || !strings.Contains(err.Error(), "the limit is 1000") {
		t.Errorf("a snapshot beyond the limit: %v", err)
	}
	full := errors.New("full")
	if _, err := Fetch(context.Background(), path, writerFunc(func([]byte) (int, error) { return 0, full }), 1<<20, false); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
	t.Run("truncated stream is an error", func(t *testing.T) {
		announced++
		defer func() { announced-- }()
		if _, err := Fetch(context.Background(), path, &got, 1<<20, false); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error %v, want %v", err, io.ErrUnexpectedEOF)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// If the content is not as announced, Stream closes the connection: a client must not take it for complete.
func TestStreamThatEndsEarlyClosesTheConnection(t *testing.T) {
	server, client := pair(t)
	c := &Client{conn: server}
	if err := c.Stream(Snapshot{Size: 10}, strings.NewReader("short"), 10); err == nil {
		t.Error("no error for 5 bytes of 10")
	}
	if got, err := io.ReadAll(client); err != nil || string(got) != "{\"size\":10}\nshort" {
		t.Errorf("the client reads %q, %v", got, err)
	}
}

func TestStreamGivesUpOnAClientThatDoesNotRead(t *testing.T) {
	t.Parallel() // it takes lineTimeout
	start := time.Now()
	server, _ := pair(t)
	c := &Client{conn: server}
	err := c.Stream(Snapshot{Size: 64 << 20}, strings.NewReader(strings.Repeat("x", 64<<20)), 64<<20)
	if took := time.Since(start); err == nil || took < lineTimeout/2 || took > 2*lineTimeout {
		t.Errorf("%v after %v, want an error after %v", err, took, lineTimeout)
	}
}

// pair returns the two ends of a Unix connection.
func pair(t *testing.T) (server, client *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pair.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = Dial(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	return server, client
}

func TestIsOwner(t *testing.T) {
	for uid, want := range map[int]bool{0: true, os.Geteuid(): true, os.Geteuid() + 4711: false, -1: false} {
		if got := (&Client{UID: uid}).IsOwner(); got != want {
			t.Errorf("user %d: %v, want %v", uid, got, want)
		}
	}
}
