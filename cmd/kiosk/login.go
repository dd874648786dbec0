package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/headless"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var loginVerb = verb{
	name:  "login",
	about: "plays one visit without a screen, for scripts and headless devices",
	usage: `Usage: kiosk login [--json] [IDENTIFIER]

Plays one visit without a screen: asks the person's phone, waits, validates the
tokens, calls the protected API and writes the result. Without IDENTIFIER, it
is the first line of standard input, where it is not visible in a list of
processes. If the server requires a user code, it is the next line.

    --json           one JSON object a line on standard output; an empty
                     "visit" in a lone "ended" line means that no visit began
    --env-file FILE  file of settings (` + envFile + `)

Warnings go to standard error; KIOSK_LOG_LEVEL=debug writes more.

Exit codes: 0 approved and shown, 1 internal, 2 bad usage, 3 misconfigured,
4 not provisioned, 5 clock, 10 declined, 11 expired, 12 cancelled,
13 unreachable, 14 refused, 15 untrusted, 16 wrong person, 17 no access,
18 service down, 19 held back.

If kiosk run --headless is running on this device, it plays the visit in turn.
If a kiosk with a screen is running, the visit is refused.

Example: echo alice | kiosk login --json
`,
}

func init() { loginVerb.run = runLogin }

// longestLine is more than any identifier has.
const longestLine = 4096

func runLogin(ctx context.Context, args []string, std streams) int {
	f := newFlags(loginVerb).withSettings()
	asJSON := f.Bool("json", false, "")
	rest, code, ok := f.parse(args, 0, 1, std)
	if !ok {
		return code
	}
	std.out = limitWrites(std.out)
	settings, loadErr := f.load()
	if loadErr != nil && !errors.Is(loadErr, fs.ErrPermission) {
		return refuseVisit(std, loadErr, "", *asJSON)
	}
	identifier, err := identifierOf(ctx, rest, std.in)
	if errors.Is(err, context.Canceled) {
		return refuseVisit(std, kiosk.Fail(kiosk.Cancelled, "identifier", err), "", *asJSON)
	}
	if err != nil {
		return usageError(std, "login", err.Error())
	}
	if code, taken := loginByDaemon(ctx, settings.Socket, identifier, *asJSON, std); taken {
		return code
	}
	if loadErr != nil { // only the running kiosk may read all settings
		return refuseVisit(std, loadErr, "", *asJSON)
	}
	logs, flush := nonBlocking(std.err)
	defer flush()
	a, err := app.Open(settings, "kiosk login", logger(logs, loginLevel(settings.LogLevel)))
	if err != nil {
		return refuseVisit(std, err, "", *asJSON)
	}
	defer a.Close()
	a.RequireRecord()
	if problem := a.CheckIdentifier(string(identifier)); problem != "" {
		return usageError(std, "login", "identifier: "+problem)
	}
	why, err := a.Login(ctx, identifier, *asJSON, std.out, func(ctx context.Context) kiosk.Secret {
		return userCode(ctx, a.UserCodePrompt(), std)
	})
	if err != nil {
		return fail(std, err)
	}
	return why.ExitCode()
}

// refuseVisit ends a visit that cannot begin, or whose kiosk does not answer any more: it writes the reason to standard error
// and the last JSON line to standard output. visit is its name; empty if it has not begun.
func refuseVisit(std streams, err error, visit string, asJSON bool) int {
	code := fail(std, err)
	if asJSON {
		if en, werr := words.Open("en"); werr == nil {
			_ = headless.Refuse(kiosk.ReasonOf(err), visit, headless.Texts{Catalog: en, Wall: host.NewClock().Wall}, true, std.out)
		}
	}
	return code
}

// loginLevel is warn, unless a lower level is configured explicitly: beside a visit's lines only problems are worth a
// line.
func loginLevel(l slog.Level) slog.Level {
	if l < slog.LevelInfo {
		return l
	}
	return max(l, slog.LevelWarn)
}

// identifierOf returns the argument or the first line of standard input. It stops waiting when ctx ends.
func identifierOf(ctx context.Context, rest []string, in io.Reader) (kiosk.Secret, error) {
	if len(rest) == 1 {
		return kiosk.Secret(rest[0]), nil
	}
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() { // may block for ever; the process ends anyway
		text, err := readLine(in)
		read <- answer{string(text), err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-read:
		if a.err != nil && a.err != io.EOF {
			return nil, fmt.Errorf("identifier: %w", a.err)
		}
		if a.text == "" {
			return nil, errors.New("identifier: neither an argument nor on standard input")
		}
		return kiosk.Secret(a.text), nil
	}
}

// readLine reads one line byte by byte: what follows is for the next reader, and no buffer keeps a copy of a secret.
func readLine(in io.Reader) (kiosk.Secret, error) {
	line := make(kiosk.Secret, 0, longestLine)
	one := make([]byte, 1)
	for len(line) < longestLine {
		n, err := in.Read(one)
		if n > 0 && one[0] == '\n' {
			break
		}
		if n > 0 {
			line = append(line, one[0])
		}
		if err != nil {
			return trimEnd(line), err
		}
	}
	clear(one)
	return trimEnd(line), nil
}

func trimEnd(line kiosk.Secret) kiosk.Secret {
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line
}

// userCode reads the user code from the next line of standard input; empty if there is none. On a terminal it prompts
// and hides the input.
func userCode(ctx context.Context, prompt string, std streams) kiosk.Secret {
	if isTerminal(std.err) {
		fmt.Fprint(std.err, prompt)
		defer fmt.Fprintln(std.err)
	}
	if f, ok := std.in.(*os.File); ok && isTerminal(f) {
		defer host.HideInput(f)()
	}
	read := make(chan kiosk.Secret, 1)
	go func() { // may block for ever; the process ends anyway
		line, err := readLine(std.in)
		if err != nil && err != io.EOF {
			line.Zero()
			line = nil
		}
		read <- line
	}()
	select {
	case line := <-read:
		return line
	case <-ctx.Done():
		return nil
	}
}
