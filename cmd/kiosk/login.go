package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var loginVerb = verb{
	name:  "login",
	about: "one visit without a screen, for scripts and headless devices",
	usage: `Usage: kiosk login [--json] [IDENTIFIER]

Plays one visit without a screen: asks the person's phone, waits, checks the
answer, calls the protected API and writes the result. Without IDENTIFIER it is
read from the first line of standard input, where nobody can see it in a list of
processes.

    --json           one JSON object a line on standard output
    --env-file FILE  settings, as systemd reads them (` + envFile + `)

Exit codes: 0 approved and shown, 1 internal, 2 bad usage, 3 misconfigured,
4 not provisioned, 5 clock, 10 declined, 11 expired, 12 cancelled,
13 unreachable, 14 refused, 15 untrusted, 16 wrong person, 17 no access,
18 service down, 19 held back.
`,
}

func init() { loginVerb.run = login }

// longestLine is more than any identifier; what is longer is no identifier.
const longestLine = 4096

func login(ctx context.Context, args []string, std streams) int {
	f := newFlags(loginVerb).withSettings()
	asJSON := f.Bool("json", false, "")
	rest, code, ok := f.parse(args, 0, 1, std)
	if !ok {
		return code
	}
	host.NoCoreDumps()
	settings, err := f.load()
	if err != nil {
		return refuse(std, err, *asJSON)
	}
	identifier, err := identifierOf(rest, std.in)
	if err != nil {
		return misused(std, "login", err.Error())
	}
	a, err := app.Open(settings, "kiosk login", logger(std.err, max(settings.LogLevel, slog.LevelWarn)))
	if err != nil {
		return refuse(std, err, *asJSON)
	}
	defer a.Close()
	if problem := a.CheckIdentifier(string(identifier)); problem != "" {
		return misused(std, "login", "identifier: "+problem)
	}
	why, err := a.Login(ctx, identifier, *asJSON, std.out)
	if err != nil {
		return trouble(std, err)
	}
	return why.ExitCode()
}

// refuse ends a visit that cannot begin: the reason for people on standard error,
// the last line as ever on standard output.
func refuse(std streams, err error, asJSON bool) int {
	code := trouble(std, err)
	if asJSON {
		if en, werr := words.Open("en"); werr == nil {
			_ = app.Refuse(kiosk.ReasonOf(err), en, true, std.out, host.NewClock())
		}
	}
	return code
}

func identifierOf(rest []string, in io.Reader) (kiosk.Secret, error) {
	if len(rest) == 1 {
		return kiosk.Secret(rest[0]), nil
	}
	text, err := bufio.NewReader(io.LimitReader(in, longestLine)).ReadString('\n')
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("identifier: %w", err)
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return nil, fmt.Errorf("identifier: neither given nor on standard input")
	}
	return kiosk.Secret(text), nil
}
