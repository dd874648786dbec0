package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
)

var runVerb = verb{
	name:  "run",
	about: "the customer's screen, visit after visit",
	usage: `Usage: kiosk run [flags]

Shows the customer's screen on the present terminal, visit after visit, until it
is told to stop (SIGTERM). A visit under way is ended and put on record first.
Under a service manager, and without a screen, SIGHUP has the settings read
again: they count once nobody stands there, and wrong ones do not. kiosk status
asks it how it is.

A device that has no registration yet, but KIOSK_ISSUER and
KIOSK_BOOTSTRAP_CLIENT_ID, shows a technician how to set it up by phone, and
then goes on by itself.

Where KIOSK_TECHNICIAN_CLAIM is set, Ctrl-T or five taps in the upper left
corner let a technician sign in by phone: status, doctor, out of service and
back, restart.

    --headless       no screen: visits come over KIOSK_SOCKET, an identifier a
                     line; the JSON lines of kiosk login go back
    --desk           let Ctrl-C end the program: for a desk, not for a shop
    --tty FILE       another terminal than the present one
    --env-file FILE  settings, as systemd reads them (` + envFile + `)

Logs go to standard error. Where that is the same terminal, they are kept back
and the last of them written when the screen is gone.
`,
}

func init() { runVerb.run = runScreen }

func runScreen(ctx context.Context, args []string, std streams) int {
	f := newFlags(runVerb).withSettings()
	var o app.RunOptions
	f.BoolVar(&o.Desk, "desk", false, "")
	f.StringVar(&o.Device, "tty", "", "")
	headless := f.Bool("headless", false, "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	if *headless && (o.Desk || o.Device != "") {
		return misused(std, "run", "--headless has no terminal")
	}
	// Before the settings are read, so that no signal finds nobody.
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	if !*headless && !config.Supervised() { // somebody closed the window
		var end context.CancelFunc
		ctx, end = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer end()
		signal.Stop(reload)
	}
	o.Version, o.EnvFile, o.Reread, o.Reload = facts().Version, f.path(), f.reread, reload
	settings, err := f.load()
	bare := err != nil && !*headless && app.CanSetUp(settings, err)
	if err != nil && !bare {
		return trouble(std, err)
	}
	logs, flush := unblocked(std.err)
	defer flush()
	if !*headless && isTerminal(std.err) {
		kept := &tail{}
		defer kept.flush(logs)
		logs = kept
	}
	if bare {
		settings, err = app.SetUp(ctx, settings, logger(logs, settings.LogLevel), f.path(), o)
		switch {
		case err != nil:
			return trouble(std, err)
		case settings == nil:
			return exitWell
		}
	}
	var before *config.Settings // what to go back to where settings that were read again cannot be begun with
	for {
		err := stay(ctx, settings, o, *headless, logs)
		var again *app.Again
		var unopened *app.Unopened
		switch {
		case errors.As(err, &again) && ctx.Err() == nil:
			before, settings, o.Refused = settings, again.Settings, ""
		case errors.As(err, &unopened) && before != nil && ctx.Err() == nil:
			logger(logs, before.LogLevel).Error("settings: the old ones count on", "error", err)
			before, settings, o.Refused = nil, before, err.Error()
		case err != nil && again == nil:
			return trouble(std, err)
		default:
			return exitWell
		}
	}
}

// stay runs the kiosk with one set of settings.
func stay(ctx context.Context, settings *config.Settings, o app.RunOptions, headless bool, logs io.Writer) error {
	who, run := "kiosk run", (*app.App).Run
	if headless {
		who, run = "kiosk run --headless", (*app.App).Headless
	}
	a, err := app.Open(settings, who, logger(logs, settings.LogLevel))
	if err != nil {
		return err
	}
	defer a.Close()
	return run(a, ctx, o)
}

// keptLines are enough to see what happened last.
const keptLines = 40

// tail keeps the last lines written to it, while the screen is in the way.
type tail struct {
	mu    sync.Mutex
	lines []string
}

// Write keeps one line.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, string(b))
	if len(t.lines) > keptLines {
		t.lines = t.lines[1:]
	}
	return len(b), nil
}

func (t *tail) flush(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprint(w, strings.Join(t.lines, ""))
}
