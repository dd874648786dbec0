package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
)

// Exit codes of kiosk status, different from those of a visit.
const (
	exitOutOfService = 20 // out of runService
	exitNotRunning   = 21 // no kiosk is running
	exitBusy         = 22 // --wait-idle: a visit is still in progress
)

var statusVerb = verb{
	name:  "status",
	about: "asks the running kiosk how it is",
	usage: `Usage: kiosk status [flags]

Asks the running kiosk, over its local socket, whether it serves, what is not
healthy, and how visits have ended since its start. It reports nothing about
persons. While the device is being set up: where and with which code to sign
in, or what prevents that.

    --json           one JSON object
    --wait-idle      waits until no visit is in progress, for upgrades
    --limit TIME     how long --wait-idle waits at most, such as 5m (10m)
    --env-file FILE  file of settings (` + envFile + `)

Exit codes: 0 serving (with --wait-idle: no visit is in progress, or no kiosk is
running), 20 out of service or being set up, 21 not running, 22 a visit was
still in progress after the limit, 1 it does not answer, 2 bad usage.

Example: kiosk status --wait-idle --limit 10m && reboot
`,
}

func init() { statusVerb.run = runStatus }

// requestTimeout bounds a request to the daemon on this device.
const requestTimeout = 10 * time.Second

func runStatus(ctx context.Context, args []string, std streams) int {
	f := newFlags(statusVerb).withSettings()
	asJSON := f.Bool("json", false, "")
	wait := f.Bool("wait-idle", false, "")
	limit := f.Duration("limit", 10*time.Minute, "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	if *limit < 0 {
		return usageError(std, "status", "--limit must not be negative")
	}
	if *wait {
		var is control.Idle
		switch err := askDaemon(ctx, f, *limit+requestTimeout, control.Request{Do: "wait-idle", Limit: limit.String()}, &is); {
		case errors.Is(err, control.ErrNotRunning):
			return exitOK
		case err != nil:
			return fail(std, err)
		case !is.Idle:
			return exitBusy
		}
		return exitOK
	}
	var s status.Status
	err := askDaemon(ctx, f, requestTimeout, control.Request{Do: "status"}, &s)
	if errors.Is(err, control.ErrNotRunning) {
		if *asJSON {
			fmt.Fprintln(std.out, `{"state":"not_running"}`)
		} else {
			fmt.Fprintln(std.out, "not running")
		}
		return exitNotRunning
	}
	if err != nil {
		return fail(std, err)
	}
	if *asJSON {
		err = json.NewEncoder(std.out).Encode(s)
	} else {
		err = writeStatus(std.out, s)
	}
	switch {
	case err != nil:
		return fail(std, fmt.Errorf("output: %w", err))
	case s.State == status.OutOfService:
		return exitOutOfService
	}
	return exitOK
}

// askDaemon sends a request to the running kiosk. Invalid settings do not matter as long as they contain the socket.
func askDaemon(ctx context.Context, f *flags, limit time.Duration, q control.Request, answer any) error {
	settings, err := f.load()
	if settings.Socket == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return askSockets(ctx, settings, q, answer)
}

// askSockets tries the socket of the settings, then that of the units.
func askSockets(ctx context.Context, settings *config.Settings, q control.Request, answer any) error {
	var nobody error
	for _, path := range app.Sockets(settings) {
		err := control.Ask(ctx, path, q, answer)
		if !errors.Is(err, control.ErrNotRunning) {
			return err
		}
		nobody = cmp.Or(nobody, err)
	}
	return nobody
}

func writeStatus(out io.Writer, s status.Status) error {
	var b strings.Builder
	for _, l := range s.Lines() {
		fmt.Fprintf(&b, "%-10s %s\n", l.Label, l.Value)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
