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

// Limits of a server. Clients are on this device, but may be broken.
const (
	maxClients      = 16               // a front end, a monitor, a technician, and spare ones
	lineTimeout     = 10 * time.Second // for a line that has begun, and for each write
	shutdownTimeout = 10 * time.Second // for handlers after the server was stopped
)

// Server accepts clients and handles their lines.
type Server struct {
	// Handle handles one line, which it may keep. It can read further lines of the same client from Client.Lines.
	Handle func(context.Context, *Client, kiosk.Secret)
	// IdleTimeout is how long a client may send nothing while no request of it is handled; 0 is unlimited.
	IdleTimeout time.Duration
	Log         *slog.Logger

	mu      sync.Mutex
	clients []*Client // oldest first
}

// Serve accepts clients until ctx ends, lets handlers finish and closes the listener.
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
			if !wait.For(ctx, time.Second) { // for example out of file descriptors
				break
			}
			continue
		}
		c := &Client{conn: conn, idle: true, Lines: make(chan kiosk.Secret), disconnected: make(chan struct{}), done: make(chan struct{})}
		c.UID, c.PID = peerCredentials(conn)
		if !s.admit(c) {
			_ = c.Answer(map[string]string{"error": "busy: too many clients"})
			_ = conn.Close()
			continue
		}
		busy.Go(func() { c.read() })
		busy.Go(func() { s.serveClient(ctx, c) })
	}
	finished := make(chan struct{})
	go func() {
		busy.Wait()
		close(finished)
	}()
	limit := time.NewTimer(shutdownTimeout)
	defer limit.Stop()
	select {
	case <-finished:
	case <-limit.C:
	}
}

func (s *Server) serveClient(ctx context.Context, c *Client) {
	defer s.remove(c)
	for {
		cancel := func() {}
		if s.IdleTimeout > 0 {
			cancel = closeAfter(c.conn, s.IdleTimeout)
		}
		select {
		case line, ok := <-c.Lines:
			cancel()
			if !ok {
				return
			}
			s.setIdle(c, false)
			s.Handle(ctx, c, line)
			s.setIdle(c, true)
		case <-ctx.Done():
			cancel()
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// admit makes room for a client: the one that has been idle longest is disconnected. With netutil.LimitListener, clients
// that send nothing could keep all others out.
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
