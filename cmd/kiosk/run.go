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
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
)

var runVerb = verb{
	name:  "run",
	about: "shows the customer's screen, visit after visit",
	usage: `Usage: kiosk run [flags]

Shows the customer's screen on this terminal, visit after visit, until SIGTERM.
It first ends the visit in progress and puts it on record. SIGHUP under a
service manager, or with --headless, reloads the settings: they take effect
when no visit is in progress; wrong settings are not applied.

A device without a registration, but with KIOSK_ISSUER and
KIOSK_BOOTSTRAP_CLIENT_ID, first shows a technician how to register it by phone.

With KIOSK_TECHNICIAN_CLAIM, Ctrl-T or five taps in the upper left corner open
the technician's menu: status, doctor, out of service and back, restart.

    --headless       no screen: serves visits over KIOSK_SOCKET, one identifier
                     a line; answers with the JSON lines of kiosk login
    --desk           Ctrl-C ends the program, for a staffed desk
    --tty FILE       another terminal than this one
    --env-file FILE  file of settings (` + envFile + `)

Logs go to standard error. If that is the same terminal, the last lines are
written when the screen is closed.

Example: kiosk run --env-file ./kiosk.env
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
		return usageError(std, "run", "--headless cannot be combined with --desk or --tty")
	}
	// Before the settings are read, so that no signal is lost.
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	if !o.Headless && !config.Supervised() { // the terminal window was closed
		var end context.CancelFunc
		ctx, end = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer end()
		signal.Stop(reload)
	}
	settings, err := f.load()
	logs, flush := nonBlocking(std.err)
	defer flush()
	if !o.Headless && isTerminal(std.err) {
		kept := &lastLines{}
		defer kept.flush(logs)
		logs = kept
	}
	o.Version, o.EnvFile, o.Reread, o.Reload = buildFacts().Version, f.path(), f.reload, reload
	o.Logger = func(s *config.Settings) *slog.Logger { return logger(logs, s.LogLevel) }
	if err := app.Run(ctx, settings, err, o); err != nil {
		// systemd keeps it, so that kiosk doctor can show why the unit ended.
		first, _, _ := strings.Cut(err.Error(), "\n")
		_ = host.Notify("STATUS=" + sanitize.Line(first))
		return fail(std, err)
	}
	return exitOK
}

// maxLastLines are enough to see what happened last.
const maxLastLines = 40

// lastLines keeps the last lines written to it while the screen is on the same terminal.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

// Write keeps one line.
func (t *lastLines) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, string(b))
	if len(t.lines) > maxLastLines {
		t.lines = t.lines[1:]
	}
	return len(b), nil
}

func (t *lastLines) flush(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprint(w, strings.Join(t.lines, ""))
}
