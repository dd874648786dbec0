package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/qr"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
)

var doctorVerb = verb{
	name:  "doctor",
	about: "checks the whole chain and says what to do about each failure",
	usage: `Usage: kiosk doctor [--json] [--qr] [flags]

Looks at everything that a visit depends on, in the order of dependence: the
settings, clock, network, the authorization server and how it takes this
device, lookup and API, disk and record, the screen and how large its letters
are, the units. What depends on a failure is not tried, so the first failure is
the cause. Each has its cure in one line. Nobody's phone rings and nothing is
changed. It works beside a kiosk that runs, and for a user who is not root.

    --json                one JSON object a line: check, result, what, cure
    --qr                  the report as a QR code, to be photographed
    --panel-height-mm N   height of the lit panel, if the display does not tell
    --distance-mm N       how far customers stand from it (600); there letters
                          are to be 0.7 degrees high (EN 301 549, 5.1.4)
    --tty PATH            the customer's terminal (/dev/tty1, else this one)
    --env-file FILE       settings, as systemd reads them
                          (` + envFile + `)

Results are ok, warning (it serves; exit code 0), failed, not_tried, skipped.
What the user who asks may not see is none of the device's failures.
Exit codes: 0 nothing failed; else that of the first failure: 3 misconfigured,
4 not provisioned, 5 clock, 13 server unreachable, 15 its keys are unusable,
18 API down, 1 the device itself (disk, record), or this user may not see the
settings; 2 bad usage.
`,
}

func init() { doctorVerb.run = examine }

func examine(ctx context.Context, args []string, std streams) int {
	f := newFlags(doctorVerb).withSettings()
	asJSON, asCode := f.Bool("json", false, ""), f.Bool("qr", false, "")
	var o doctor.Options
	f.IntVar(&o.PanelHeight, "panel-height-mm", 0, "")
	f.IntVar(&o.Distance, "distance-mm", doctor.DefaultDistance, "")
	f.StringVar(&o.Terminal, "tty", "", "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	if o.PanelHeight < 0 || o.Distance < 1 {
		return misused(std, "doctor", "millimetres are counted from 1")
	}
	o.Settings, o.LoadErr = f.load()
	f.doctorOptions(&o, std)
	tell := func(l doctor.Line) { tellLine(std, l) }
	if *asJSON {
		tell = func(l doctor.Line) { _ = json.NewEncoder(std.out).Encode(l) }
	}
	report := app.Doctor(ctx, o, tell)
	if *asCode {
		reporter{std: std}.code(reportCode(report, o.Settings.Site))
	}
	return report.ExitCode()
}

// doctorOptions adds what a process knows of itself.
func (f *flags) doctorOptions(o *doctor.Options, std streams) {
	o.EnvFile = f.path()
	o.Status = func(ctx context.Context) (s status.Status, err error) {
		return s, ask(ctx, f, askLimit, control.Request{Do: "status"}, &s)
	}
	if o.Terminal != "" {
		return
	}
	if t, err := os.OpenFile(customersTerminal, os.O_RDWR|openQuietly, 0); err == nil {
		t.Close()
		o.Terminal = customersTerminal
	} else if errors.Is(err, fs.ErrPermission) {
		o.Terminal = customersTerminal // that is said; another window tells nothing about it
	} else if isTerminal(std.out) {
		o.Terminal = "/dev/tty"
	}
}

// customersTerminal is where the unit has its screen. openQuietly does not make it the
// terminal of this process.
const (
	customersTerminal = "/dev/tty1"
	openQuietly       = syscall.O_NOCTTY | syscall.O_NONBLOCK
)

// tellLine writes a line for people, and its cure below it.
func tellLine(std streams, l doctor.Line) {
	what := l.Text
	if l.Behind != "" {
		what = "because of " + l.Behind
	}
	result := strings.ReplaceAll(string(l.Result), "_", " ")
	fmt.Fprintf(std.out, "%-9s  %-11s  %s\n", result, l.Check, what)
	if l.Fix != "" {
		fmt.Fprintf(std.out, "%-9s  %-11s  → %s\n", "", "", l.Fix)
	}
}

// reportCode is the report in a QR code's room: who, which program, what is wrong.
func reportCode(r doctor.Report, site string) string {
	return r.Short(fmt.Sprintf("kiosk doctor %s %s", facts().Version, site), qr.MaxText)
}
