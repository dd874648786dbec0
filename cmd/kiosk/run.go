package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
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
	f.BoolVar(&o.Headless, "headless", false, "")
	f.BoolVar(&o.Desk, "desk", false, "")
	f.StringVar(&o.Terminal, "tty", "", "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	if o.Headless && (o.Desk || o.Terminal != "") {
		return misused(std, "run", "--headless has no terminal")
	}
	// Before the settings are read, so that no signal is lost.
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	if !o.Headless && !config.Supervised() { // somebody closed the window
		var end context.CancelFunc
		ctx, end = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer end()
		signal.Stop(reload)
	}
	settings, err := f.load()
	logs, flush := unblocked(std.err)
	defer flush()
	if !o.Headless && isTerminal(std.err) {
		kept := &tail{}
		defer kept.flush(logs)
		logs = kept
	}
	o.Version, o.EnvFile, o.Reread, o.Reload = facts().Version, f.path(), f.reread, reload
	o.Logger = func(s *config.Settings) *slog.Logger { return logger(logs, s.LogLevel) }
	if err := app.Run(ctx, settings, err, o); err != nil {
		return trouble(std, err)
	}
	return exitWell
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
