package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// State is what the process does: it serves visits (Daemon), or a technician sets the device up (package setup).
type State interface {
	// Handlers returns the requests that it answers over the control socket.
	Handlers() control.Handlers
	// ServeLine deals with a line that is not a request.
	ServeLine(context.Context, *control.Client, kiosk.Secret)
	// Alive returns true after every part has shown that it works. It blocks while a part hangs, and returns false when ctx
	// ends or a part has failed.
	Alive(ctx context.Context) bool
	// Summary returns a sentence for the service manager, and a channel that is closed when it may have changed; nil if it
	// never does.
	Summary() (string, <-chan struct{})
	// IsLast reports whether the process ends with this state.
	IsLast() bool
}

// Supervisor reports to the service manager (sd_notify(3)).
type Supervisor struct {
	log      *slog.Logger
	notify   func(string) error
	limit    time.Duration // of the watchdog; 0: there is none
	reported atomic.Bool   // the service manager has received READY
}

// NewSupervisor returns a supervisor that reports to the service manager of this process, if there is one.
func NewSupervisor(log *slog.Logger) *Supervisor {
	return &Supervisor{log: log, notify: host.Notify, limit: host.WatchdogLimit()}
}

// retryNotify is how long to wait before another message to a service manager that did not accept one.
const retryNotify = 5 * time.Second

// Supervise reports READY after the first sign of life, then every change of the summary, and a WATCHDOG signal after each
// further sign of life. If a part hangs, Supervise hangs with it and sends no signal: then the service manager restarts
// the kiosk.
func (s *Supervisor) Supervise(ctx context.Context, state State) {
	defer func() {
		if state.IsLast() {
			// The last signal gives the whole limit to the shutdown.
			s.send("STOPPING=1\nWATCHDOG=1")
		}
	}()
	if !state.Alive(ctx) {
		return
	}
	s.reported.Store(s.send("READY=1"))
	var due <-chan time.Time
	if s.limit > 0 {
		t := time.NewTicker(s.limit / 3) // three signals within the limit: one may be late on a busy board
		defer t.Stop()
		due = t.C
	}
	for sent := ""; ; {
		summary, changed := state.Summary()
		if summary != sent && s.send("STATUS="+summary) {
			sent = summary
		}
		if !s.reported.Load() {
			s.reported.Store(s.send("READY=1"))
		}
		var retry <-chan time.Time
		if sent != summary || !s.reported.Load() {
			retry = time.NewTimer(retryNotify).C
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-retry:
		case <-due:
			if state.Alive(ctx) {
				s.send("WATCHDOG=1")
			}
		}
	}
}

// reloading reports a reload until done is called.
func (s *Supervisor) reloading() (done func()) {
	s.send(host.Reloading())
	return func() { s.reported.Store(s.send("READY=1")) } // Supervise repeats it if necessary
}

// send reports whether the service manager has accepted the message.
func (s *Supervisor) send(message string) bool {
	err := s.notify(message)
	if err != nil {
		s.log.Warn("service manager", "error", err)
	}
	return err == nil
}

// Socket is the control socket of a running process.
type Socket struct {
	listener *net.UnixListener
	log      *slog.Logger
	patience time.Duration
}

// requestPatience is how long a client may stay silent where clients are programs that send one request at once.
const requestPatience = 10 * time.Second

// Listen opens the control socket. With forVisits clients may stay silent for as long as they like: they wait for
// customers.
func Listen(path string, log *slog.Logger, forVisits bool) (*Socket, error) {
	l, err := control.Listen(path)
	if err != nil {
		return nil, err
	}
	s := &Socket{listener: l, log: log, patience: requestPatience}
	if forVisits {
		s.patience = 0
	}
	return s, nil
}

// ListenIfPossible opens the control socket. If that fails, it returns nil: a kiosk with a screen serves customers without
// a socket.
func ListenIfPossible(path string, log *slog.Logger) *Socket {
	s, err := Listen(path, log, false)
	if err != nil {
		log.Error("control socket: not available", "error", err)
	}
	return s
}

// Close closes a socket that is not served.
func (s *Socket) Close() { _ = s.listener.Close() }

// Serve answers clients until ctx ends. A nil Socket has no clients.
func (s *Socket) Serve(ctx context.Context, state State) {
	if s == nil {
		return
	}
	handlers := state.Handlers()
	server := &control.Server{Log: s.log, IdleTimeout: s.patience, Handle: func(ctx context.Context, c *control.Client, line kiosk.Secret) {
		if len(line) == 0 {
			return
		}
		if line[0] != '{' {
			state.ServeLine(ctx, c, line)
			return
		}
		var q control.Request
		if err := json.Unmarshal(line, &q); err != nil {
			c.Reply(nil, errors.New("malformed request"))
			return
		}
		handlers.Handle(ctx, c, q)
	}}
	server.Serve(ctx, s.listener)
}
