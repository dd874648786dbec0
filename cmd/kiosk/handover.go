package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// loginByDaemon has the running kiosk play the visit. taken is false if none is running.
func loginByDaemon(ctx context.Context, socket string, identifier kiosk.Secret, asJSON bool, std streams) (code int, taken bool) {
	conn, err := control.Dial(ctx, socket)
	if err != nil {
		return 0, false
	}
	defer conn.Close()
	hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
	answers := json.NewDecoder(conn)
	var first struct{ Error string }
	err = json.NewEncoder(conn).Encode(control.Request{Do: "visit", JSON: asJSON})
	if err == nil {
		err = answers.Decode(&first)
	}
	if err == nil && first.Error != "" {
		err = errors.New(first.Error)
	}
	if !hangUp() {
		return refuseVisit(std, errStopped, asJSON), true
	}
	if err != nil {
		return refuseVisit(std, kiosk.Fail(kiosk.Internal, "", err), asJSON), true
	}
	// On a signal the visit is cancelled like by a customer, and its last lines are still written.
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(leaveTimeout, func() { _ = conn.Close() })
		_ = json.NewEncoder(conn).Encode(control.Request{Do: "leave"})
	})()
	if err := sendLine(conn, identifier); err != nil {
		return refuseVisit(std, kiosk.Fail(kiosk.Internal, "socket", err), asJSON), true
	}
	for {
		var v struct {
			control.Visit
			Error string
		}
		err := answers.Decode(&v)
		if err != nil && ctx.Err() != nil {
			return refuseVisit(std, errStopped, asJSON), true
		}
		if err != nil {
			return refuseVisit(std, kiosk.Fail(kiosk.Unreachable, "", errors.New("the kiosk that played the visit has ended")), asJSON), true
		}
		switch {
		case v.Error != "":
			return usageError(std, "login", v.Error), true
		case v.Exit != nil:
			return *v.Exit, true
		case v.Code != "":
			line := userCode(ctx, v.Code, std)
			err = sendLine(conn, line)
			line.Zero()
		default:
			_, err = io.WriteString(std.out, v.Out)
		}
		if err != nil {
			return fail(std, fmt.Errorf("output: %w", err)), true // closing the connection cancels the visit
		}
	}
}

// leaveTimeout is how long the end of a cancelled visit is waited for: the kiosk revokes tokens first.
const leaveTimeout = 10 * time.Second

var errStopped = kiosk.Fail(kiosk.Cancelled, "visit", errors.New("stopped by a signal"))

func sendLine(conn net.Conn, line kiosk.Secret) error {
	whole := append(append(make(kiosk.Secret, 0, len(line)+1), line...), '\n')
	defer whole.Zero()
	_, err := conn.Write(whole)
	return err
}
