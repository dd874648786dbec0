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

// Exit codes of kiosk status; none of them is a visit's.
const (
	exitClosed  = 20 // out of service
	exitNobody  = 21 // no kiosk is running
	exitVisited = 22 // --wait-idle: somebody still stands there
)

var statusVerb = verb{
	name:  "status",
	about: "asks the kiosk that runs on this device how it is",
	usage: `Usage: kiosk status [flags]

Asks the kiosk that runs on this device, over its local socket, how it is:
whether it serves, what is not well, how visits went since it started. Never who
was there. While its screen has a technician set it up: where and with which
code to sign in, or what is in the way.

    --json           one JSON object
    --wait-idle      only waits until nobody stands there: for upgrades, reboots
    --limit TIME     how long --wait-idle waits at the most (10m)
    --env-file FILE  settings, as systemd reads them (` + envFile + `)

Exit codes: 0 serving (with --wait-idle: nobody stands there, or no kiosk is
running), 20 out of service or being set up, 21 not running, 22 the limit was
over and somebody still stands there, 1 it does not answer, 2 bad usage.
`,
}

func init() { statusVerb.run = runStatus }

// askLimit: the other end is on this device; a kiosk that takes longer hangs.
const askLimit = 10 * time.Second

func runStatus(ctx context.Context, args []string, std streams) int {
	f := newFlags(statusVerb).withSettings()
	asJSON := f.Bool("json", false, "")
	wait := f.Bool("wait-idle", false, "")
	limit := f.Duration("limit", 10*time.Minute, "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	if *limit < 0 {
		return misused(std, "status", "--limit must not be negative")
	}
	if *wait {
		var is control.Idle
		switch err := ask(ctx, f, *limit+askLimit, control.Request{Do: "wait-idle", Limit: limit.String()}, &is); {
		case errors.Is(err, control.ErrNotRunning):
			return exitWell
		case err != nil:
			return trouble(std, err)
		case !is.Idle:
			return exitVisited
		}
		return exitWell
	}
	var s status.Status
	err := ask(ctx, f, askLimit, control.Request{Do: "status"}, &s)
	if errors.Is(err, control.ErrNotRunning) {
		if *asJSON {
			fmt.Fprintln(std.out, `{"state":"not_running"}`)
		} else {
			fmt.Fprintln(std.out, "not running")
		}
		return exitNobody
	}
	if err != nil {
		return trouble(std, err)
	}
	if *asJSON {
		err = json.NewEncoder(std.out).Encode(s)
	} else {
		err = tellStatus(std.out, s)
	}
	switch {
	case err != nil:
		return trouble(std, fmt.Errorf("output: %w", err))
	case s.State == status.OutOfService:
		return exitClosed
	}
	return exitWell
}

// ask asks the kiosk that runs. Wrong settings are no hindrance while they say where
// the socket is.
func ask(ctx context.Context, f *flags, limit time.Duration, q control.Request, answer any) error {
	settings, err := f.load()
	if settings.Socket == "" {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return askAt(ctx, settings, q, answer)
}

// askAt asks at the socket of the settings, else at that of the units.
func askAt(ctx context.Context, settings *config.Settings, q control.Request, answer any) error {
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

func tellStatus(out io.Writer, s status.Status) error {
	var b strings.Builder
	for _, l := range s.Lines() {
		fmt.Fprintf(&b, "%-10s %s\n", l.Label, l.Value)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
