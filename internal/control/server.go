package control

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Limits of a server. Clients are on this device, but one of them may be broken.
const (
	maxClients      = 16               // a front end, a monitor, a technician, and room
	lineTimeout     = 10 * time.Second // for a line that has begun, and for each write
	shutdownTimeout = 10 * time.Second // for handlers to end after the server was told to
)

// Server takes clients in.
type Server struct {
	// Handle deals with one line, which it may keep; it reads further lines of the
	// same client from Client.Lines.
	Handle func(context.Context, *Client, kiosk.Secret)
	// Patience is how long a client may say nothing while nothing is done for it; 0: as
	// long as it likes.
	IdleTimeout time.Duration
	Log         *slog.Logger

	mu      sync.Mutex
	clients []*Client // the oldest first
}

// Serve takes clients in until ctx ends, then lets handlers come to their end and
// closes the listener.
func (s *Server) Serve(ctx context.Context, l *net.UnixListener) {
	defer context.AfterFunc(ctx, func() {
		_ = l.Close()
		s.closeIdle()
	})()
	var busy sync.WaitGroup
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			s.Log.Warn("socket", "error", err)
			if !wait.For(ctx, time.Second) { // out of file descriptors, say: not in a hurry
				break
			}
			continue
		}
		c := &Client{conn: conn, idle: true, Lines: make(chan kiosk.Secret), disconnected: make(chan struct{}), done: make(chan struct{})}
		c.UID, c.PID = peerCredentials(conn)
		if !s.admit(c) {
			_ = c.Answer(map[string]string{"error": "busy: too many are speaking to this kiosk"})
			_ = conn.Close()
			continue
		}
		busy.Go(func() { c.read() })
		busy.Go(func() { s.serveClient(ctx, c) })
	}
	over := make(chan struct{})
	go func() {
		busy.Wait()
		close(over)
	}()
	limit := time.NewTimer(shutdownTimeout)
	defer limit.Stop()
	select {
	case <-over:
	case <-limit.C:
	}
}

func (s *Server) serveClient(ctx context.Context, c *Client) {
	defer s.remove(c)
	for {
		heard := func() {}
		if s.IdleTimeout > 0 {
			heard = closeAfter(c.conn, s.IdleTimeout)
		}
		select {
		case line, ok := <-c.Lines:
			heard()
			if !ok {
				return
			}
			s.setIdle(c, false)
			s.Handle(ctx, c, line)
			s.setIdle(c, true)
		case <-ctx.Done():
			heard()
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// admit makes room for a client: whoever has been idle longest goes.
func (s *Server) admit(c *Client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= maxClients {
		room := false
		for i, old := range s.clients {
			if old.idle {
				_ = old.conn.Close()
				s.clients = append(s.clients[:i:i], s.clients[i+1:]...)
				room = true
				break
			}
		}
		if !room {
			return false
		}
	}
	s.clients = append(s.clients, c)
	return true
}

func (s *Server) remove(c *Client) {
	close(c.done)
	_ = c.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.clients {
		if other == c {
			s.clients = append(s.clients[:i:i], s.clients[i+1:]...)
			return
		}
	}
}

func (s *Server) setIdle(c *Client, idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.idle = idle
}

func (s *Server) closeIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		if c.idle {
			_ = c.conn.Close()
		}
	}
}
