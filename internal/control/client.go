package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Client is one client of a server.
type Client struct {
	// Lines are the client's lines without line feeds; closed when no more can come.
	Lines chan kiosk.Secret
	// UID and PID identify the client's process, according to the kernel; -1 if unknown.
	UID, PID int

	conn         *net.UnixConn
	idle         bool          // guarded by Server.mu
	disconnected chan struct{} // closed when the client reads no more
	done         chan struct{} // closed when the server has finished with the client
}

// IsOwner reports whether the client is root or this process's own user. Other clients are members of the socket's
// group.
func (c *Client) IsOwner() bool { return c.UID == 0 || c.UID == os.Geteuid() }

// Disconnected is closed when the client has closed its connection. A client that has only closed its writing half is
// still connected.
func (c *Client) Disconnected() <-chan struct{} { return c.disconnected }

// Answer writes v as a line of JSON.
func (c *Client) Answer(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = c.Write(append(b, '\n'))
	}
	return err
}

// Write writes b unchanged. It gives up on a client that does not read.
func (c *Client) Write(b []byte) (int, error) {
	defer closeAfter(c.conn, lineTimeout)()
	return c.conn.Write(b)
}

// Stream writes header as a line of JSON and then content, exactly size bytes. It gives up on a client that does not
// read all of it within 10 s. After an error the connection is closed, so that the client sees less than size bytes.
func (c *Client) Stream(header any, content io.WriterTo, size int64) error {
	defer closeAfter(c.conn, lineTimeout)()
	err := c.Answer(header)
	if err == nil {
		var n int64
		if n, err = content.WriteTo(c.conn); err == nil && n != size {
			err = fmt.Errorf("stream: %d bytes sent, %d announced", n, size)
		}
	}
	if err != nil {
		_ = c.conn.Close()
	}
	return err
}

// closeAfter closes conn after d, unless it is cancelled before.
func closeAfter(conn net.Conn, d time.Duration) (cancel func()) {
	t := time.AfterFunc(d, func() { _ = conn.Close() })
	return func() { t.Stop() }
}

// closedPollPeriod is how often a client that writes nothing more is checked for having disconnected.
const closedPollPeriod = 500 * time.Millisecond

// read passes lines on until there are no more, then waits until the client has disconnected.
func (c *Client) read() {
	defer close(c.disconnected)
	func() {
		defer close(c.Lines)
		for {
			line, err := readLine(c.conn)
			if err == nil || errors.Is(err, io.EOF) && len(line) > 0 {
				select {
				case c.Lines <- line:
				case <-c.done:
					line.Zero()
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	for !isClosed(c.conn) {
		t := time.NewTimer(closedPollPeriod)
		select {
		case <-t.C:
		case <-c.done:
			t.Stop()
			return
		}
	}
}

var errLineTooLong = errors.New("line too long")

// readLine reads byte by byte, so that no buffer keeps a copy of a secret. Once a line has begun, it must end within
// lineTimeout.
func readLine(conn net.Conn) (kiosk.Secret, error) {
	cancel := func() {}
	defer func() { cancel() }()
	line := make(kiosk.Secret, 0, MaxLine)
	var one [1]byte
	for {
		n, err := conn.Read(one[:])
		switch {
		case n > 0 && one[0] == '\n':
			if k := len(line); k > 0 && line[k-1] == '\r' {
				line = line[:k-1]
			}
			return line, nil
		case n > 0 && len(line) == MaxLine:
			line.Zero()
			return nil, errLineTooLong
		case n > 0:
			if line = append(line, one[0]); len(line) == 1 {
				cancel = closeAfter(conn, lineTimeout)
			}
		}
		if err != nil {
			return line, err
		}
	}
}

// Ask sends one request to the kiosk at path and reads its one answer. It waits until ctx ends. If the kiosk refused
// the request, the error is a *Refused.
func Ask(ctx context.Context, path string, request, answer any) error {
	return exchange(ctx, path, request, func(d *json.Decoder, _ net.Conn) error { return decodeAnswer(d, answer) })
}

// Fetch writes a snapshot of the database of the kiosk at path to w. It waits until ctx ends. A snapshot of more than
// limit bytes is an error, and so is one that ends early (io.ErrUnexpectedEOF). With withKey it also returns the contents of
// the store's key file, nil if the kiosk has no key file but its own.
func Fetch(ctx context.Context, path string, w io.Writer, limit int64, withKey bool) (key kiosk.Secret, err error) {
	var header Snapshot
	err = exchange(ctx, path, Request{Do: "snapshot", Key: withKey}, func(d *json.Decoder, conn net.Conn) error {
		if err := decodeAnswer(d, &header); err != nil {
			return err
		}
		if header.Size <= 0 || header.Size > limit {
			return fmt.Errorf("socket: snapshot of %d bytes, the limit is %d", header.Size, limit)
		}
		content := io.MultiReader(d.Buffered(), conn)
		if err := skipLineFeed(content); err != nil {
			return fmt.Errorf("socket: snapshot: %w", err)
		}
		if n, err := io.CopyN(w, content, header.Size); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("socket: snapshot ended after %d of %d bytes: %w", n, header.Size, err)
		}
		return nil
	})
	return kiosk.Secret(header.Key), err
}

func skipLineFeed(r io.Reader) error {
	var one [1]byte
	if _, err := io.ReadFull(r, one[:]); err != nil {
		return err
	}
	if one[0] != '\n' {
		return errors.New("no line feed after the header")
	}
	return nil
}

// exchange connects, sends a request and has receive read the answer.
func exchange(ctx context.Context, path string, request any, receive func(*json.Decoder, net.Conn) error) error {
	conn, err := Dial(ctx, path)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := json.NewEncoder(conn).Encode(request); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	err = receive(json.NewDecoder(io.LimitReader(conn, maxAnswer)), conn)
	if refused := (*Refused)(nil); err != nil && ctx.Err() != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("socket: %w", ctx.Err())
	}
	return err
}

// decodeAnswer reads one answer. An error in it is returned as *Refused.
func decodeAnswer(d *json.Decoder, answer any) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	raw, err := cleanJSON(raw)
	if err != nil {
		return fmt.Errorf("socket: answer: %w", err)
	}
	var failed Failure
	if err := json.Unmarshal(raw, &failed); err == nil && failed.Error != "" {
		return &Refused{failed.Error}
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("socket: answer: %w", err)
	}
	return nil
}

// maxAnswer is the longest answer in bytes: longer than any status.
const maxAnswer = 1 << 20

// Refused is a request that the kiosk did not carry out.
type Refused struct{ Reason string }

// Error returns the kiosk's own text.
func (r *Refused) Error() string { return r.Reason }

// ErrNotRunning means that no kiosk listens at the path.
var ErrNotRunning = errors.New("no kiosk is running on this device")

// Dial connects to the kiosk at path.
func Dial(ctx context.Context, path string) (*net.UnixConn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	switch {
	case isNotRunning(err):
		return nil, fmt.Errorf("%w (%s)", ErrNotRunning, path)
	case err != nil:
		return nil, fmt.Errorf("socket: %w", err)
	}
	return conn.(*net.UnixConn), nil
}
