package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/wait"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// handover is a visit that the running kiosk plays for kiosk login.
type handover struct {
	std    streams
	asJSON bool
	conn   net.Conn
	visit  string      // its name, as in the JSON lines; empty until it has begun
	hung   atomic.Bool // the kiosk does not answer
}

// loginByDaemon has the running kiosk play the visit. taken is false if none is running.
func loginByDaemon(ctx context.Context, socket string, identifier kiosk.Secret, asJSON bool, std streams) (code int, taken bool) {
	conn, err := control.Dial(ctx, socket)
	if err != nil {
		return 0, false
	}
	defer conn.Close()
	h := &handover{std: std, asJSON: asJSON, conn: conn}
	visit, stop := context.WithCancel(ctx)
	defer stop()
	go h.watchKiosk(visit, stop, socket)
	hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
	answers := json.NewDecoder(conn)
	var first struct{ Error string }
	err = json.NewEncoder(conn).Encode(control.Request{Do: "visit", JSON: asJSON})
	if err == nil {
		err = answers.Decode(&first)
	}
	if err == nil && first.Error != "" {
		err = errors.New(control.Clean(first.Error))
	}
	switch {
	case !hangUp():
		return h.end(errStopped), true
	case h.hung.Load():
		return h.end(errHung), true
	case err != nil:
		return h.end(kiosk.Fail(kiosk.Internal, "", err)), true
	}
	// On a signal the visit is cancelled like by a customer, and its last lines are still written.
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(leaveTimeout, func() { _ = conn.Close() })
		_ = json.NewEncoder(conn).Encode(control.Request{Do: "leave"})
	})()
	if err := sendLine(conn, identifier); err != nil {
		return h.end(kiosk.Fail(kiosk.Internal, "socket", err)), true
	}
	return h.follow(ctx, visit, answers), true
}

// follow writes what the kiosk answers until the visit has ended, and returns its exit code. ctx ends with a signal, visit also
// if the kiosk hangs.
func (h *handover) follow(ctx, visit context.Context, answers *json.Decoder) int {
	for {
		var v struct {
			control.Visit
			Error string
		}
		err := answers.Decode(&v)
		switch {
		case err != nil && ctx.Err() != nil:
			return h.end(errStopped)
		case err != nil && h.hung.Load():
			return h.end(errHung)
		case err != nil:
			return h.end(kiosk.Fail(kiosk.Unreachable, "", errors.New("the kiosk that played the visit has ended")))
		case v.Error != "":
			return usageError(h.std, "login", control.Clean(v.Error))
		case v.Exit != nil:
			return *v.Exit
		case v.Code != "":
			line := userCode(visit, control.Clean(v.Code), h.std)
			err = sendLine(h.conn, line)
			line.Zero()
		default:
			h.noteVisit(v.Out)
			_, err = io.WriteString(h.std.out, control.Clean(v.Out))
		}
		if err != nil {
			return fail(h.std, fmt.Errorf("output: %w", err)) // closing the connection cancels the visit
		}
	}
}

// noteVisit takes the visit's name from a JSON line.
func (h *handover) noteVisit(out string) {
	var line struct{ Visit string }
	if h.asJSON && json.Unmarshal([]byte(out), &line) == nil && line.Visit != "" {
		h.visit = control.Clean(line.Visit)
	}
}

func (h *handover) end(err error) int { return refuseVisit(h.std, err, h.visit, h.asJSON) }

// A kiosk counts as hung if it does not answer livenessTries requests in a row, although it is on this device. Together they
// take less time than its watchdog, 30 s.
const (
	livenessPeriod  = 5 * time.Second
	livenessTimeout = 5 * time.Second
	livenessTries   = 2
)

// watchKiosk closes the connection and calls stop if the kiosk hangs, for example stopped by SIGSTOP: a visit in its turn may have no line
// for minutes, so silence alone says nothing.
func (h *handover) watchKiosk(ctx context.Context, stop func(), socket string) {
	for failures := 0; failures < livenessTries; {
		if !wait.For(ctx, livenessPeriod) {
			return
		}
		failures++
		if isAnswering(ctx, socket) {
			failures = 0
		}
	}
	if ctx.Err() == nil {
		h.hung.Store(true)
		_ = h.conn.Close()
		stop()
	}
}

// isAnswering reports whether the kiosk answers a request, or refuses it, in time.
func isAnswering(ctx context.Context, socket string) bool {
	ask, stop := context.WithTimeout(ctx, livenessTimeout)
	defer stop()
	var is control.Idle
	err := control.Ask(ask, socket, control.Request{Do: "wait-idle", Limit: "1ms"}, &is)
	return err == nil || !errors.Is(err, context.DeadlineExceeded)
}

// leaveTimeout is how long the end of a cancelled visit is waited for: the kiosk revokes tokens first.
const leaveTimeout = 10 * time.Second

var (
	errStopped = kiosk.Fail(kiosk.Cancelled, "visit", errors.New("stopped by a signal"))
	errHung    = kiosk.Fail(kiosk.Unreachable, "", errors.New("the running kiosk does not answer; restart it: sudo systemctl restart kiosk-headless"))
)

func sendLine(conn net.Conn, line kiosk.Secret) error {
	whole := append(append(make(kiosk.Secret, 0, len(line)+1), line...), '\n')
	defer whole.Zero()
	_, err := conn.Write(whole)
	return err
}
