package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

var setupStages = map[screen.SetupStage]string{
	screen.SetupBegins: "begins", screen.SetupSignIn: "sign_in", screen.SetupRegisters: "registers", screen.SetupStuck: "stuck",
}

// status is the loop's.
func (u *setup) status() status.Status {
	is := u.is.show
	on := status.Setup{Stage: setupStages[is.Stage]}
	left := int(max(is.Until-u.app.clock.Now(), 0) / time.Second)
	switch is.Stage {
	case screen.SetupSignIn:
		on.Address, on.Complete, on.Code, on.Left = is.Grant.Address, is.Grant.Complete, is.Grant.UserCode, left
	case screen.SetupStuck:
		on.Reason, on.Cause, on.Again = is.Why.String(), u.is.cause, left
	}
	return status.Status{
		State: status.OutOfService, Why: []string{status.SetupClosure}, Phase: kiosk.Closed.String(), Mode: "screen", Site: u.app.settings.Site,
		Version: u.options.Version, PID: os.Getpid(), Uptime: int((u.app.clock.Now() - u.began) / time.Second),
		Visits: status.Figures{Ended: map[string]int{}}, Health: []health.Item{}, SetUp: &on,
	}
}

// listen answers at the socket until ctx ends.
func (u *setup) listen(ctx context.Context, l *net.UnixListener, again func() error) {
	s := &control.Server{Log: u.app.log, Patience: askPatience, Handle: func(ctx context.Context, c *control.Client, line kiosk.Secret) {
		answer, err := u.answer(ctx, c, line, again)
		c.Reply(answer, err)
	}}
	s.Serve(ctx, l)
}

// errSettingUp answers what needs a device that serves.
var errSettingUp = errors.New("this device is being set up, and serves nobody yet: kiosk status tells more")

func (u *setup) answer(ctx context.Context, c *control.Client, line kiosk.Secret, again func() error) (any, error) {
	defer line.Zero()
	var q control.Request
	if len(line) == 0 {
		return nil, nil
	}
	if json.Unmarshal(line, &q) != nil {
		return nil, errSettingUp
	}
	switch q.Do {
	case "status":
		var s status.Status
		err := u.ask(ctx, func() { s = u.status() })
		return s, err
	case "wait-idle":
		return u.waitIdle(ctx, c, q.Limit)
	case "reload":
		var wrong error
		err := u.ask(ctx, func() { wrong = again() })
		return control.Done{OK: true}, errors.Join(wrong, err)
	case "service", "prune", "visit":
		return nil, errSettingUp
	}
	return nil, fmt.Errorf("there is no request %q", sanitize.Line(q.Do))
}

// ask has the loop do something, and waits for that.
func (u *setup) ask(ctx context.Context, do func()) error {
	over := make(chan struct{})
	select {
	case u.asked <- func() { defer close(over); do() }:
		<-over
		return nil
	case <-ctx.Done():
		return errors.New("the kiosk is ending")
	}
}

// waitIdle waits while the device registers: whoever ends it then leaves a client at the
// server that nobody knows of. A code that is ended makes room for another one.
func (u *setup) waitIdle(ctx context.Context, c *control.Client, limit string) (any, error) {
	d, err := waitLimit(limit)
	if err != nil {
		return nil, err
	}
	over := time.NewTimer(d)
	defer over.Stop()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		var idle bool
		if u.ask(ctx, func() { idle = u.is.show.Stage != screen.SetupRegisters }) != nil || idle {
			return control.Idle{Idle: true}, nil
		}
		select {
		case <-look.C:
		case <-over.C:
			return control.Idle{Idle: false}, nil
		case <-c.Gone():
			return nil, nil
		case <-ctx.Done():
			return control.Idle{Idle: true}, nil
		}
	}
}
