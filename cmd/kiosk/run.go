package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
)

var runVerb = verb{
	name:  "run",
	about: "the customer's screen, visit after visit",
	usage: `Usage: kiosk run [flags]

Shows the customer's screen on the present terminal, visit after visit, until it
is told to stop (SIGTERM). A visit under way is ended and put on record first.

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
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	settings, err := f.load()
	if err != nil {
		return trouble(std, err)
	}
	logs, flush := unblocked(std.err)
	defer flush()
	if isTerminal(std.err) {
		kept := &tail{}
		defer kept.flush(logs)
		logs = kept
	}
	a, err := app.Open(settings, "kiosk run", logger(logs, settings.LogLevel))
	if err != nil {
		return trouble(std, err)
	}
	defer a.Close()
	if err := a.Run(ctx, o); err != nil {
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
