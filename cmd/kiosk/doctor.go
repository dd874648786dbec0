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
	about: "checks everything that a visit depends on and says what to do",
	usage: `Usage: kiosk doctor [--json] [--qr] [flags]

Checks everything that a visit depends on, in the order of dependence: settings,
clock, network, the authorization server and whether it accepts this device,
lookup and API, disk and record, the screen and the size of its letters, the
units. A check that depends on a failed one is not tried, so the first failure
is the cause. Each failure comes with a fix. No phone rings and nothing is
changed. It works beside a running kiosk, and without root.

    --json                one JSON object a line: check, result, what, cure;
                          root is true for the root cause
    --qr                  shows the report as a QR code, to be photographed
    --panel-height-mm N   height of the panel in mm, if the display does not
                          report it
    --distance-mm N       distance of customers from the panel in mm (600);
                          letters should be 0.7 degrees high there (EN 301 549)
    --tty PATH            the customer's terminal (/dev/tty1, else this one)
    --env-file FILE       file of settings
                          (` + envFile + `)

Results are ok, warning (the kiosk serves; exit code 0), failed, not_tried and
skipped. What this user is not allowed to see is not a failure of the device.
Exit codes: 0 nothing failed; otherwise that of the first failure:
3 misconfigured, 4 not provisioned, 5 clock, 13 server unreachable, 15 its keys
are unusable, 18 API down, 1 the device itself (disk, record), or this user may
not read the settings; 2 bad usage.
`,
}

func init() { doctorVerb.run = runDoctor }

func runDoctor(ctx context.Context, args []string, std streams) int {
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
		return usageError(std, "doctor", "--panel-height-mm and --distance-mm must be positive")
	}
	o.Settings, o.LoadErr = f.load()
	f.doctorOptions(&o, std)
	tell := func(l doctor.Line) { writeFinding(std, l) }
	if *asJSON {
		tell = func(l doctor.Line) { _ = json.NewEncoder(std.out).Encode(l) }
	}
	report := app.Doctor(ctx, o, tell)
	if root, failed := report.Root(); failed && !*asJSON {
		fmt.Fprintf(std.out, "\nRoot cause: %s: %s\n", root.Check, root.Text)
	}
	if *asCode {
		reporter{std: std}.drawQRCode(shortReport(report, o.Settings.Site))
	}
	return report.ExitCode()
}

// doctorOptions adds what only the process knows.
func (f *flags) doctorOptions(o *doctor.Options, std streams) {
	o.EnvFile = f.path()
	o.Status = func(ctx context.Context) (s status.Status, err error) {
		return s, askDaemon(ctx, f, requestTimeout, control.Request{Do: "status"}, &s)
	}
	if o.Terminal != "" {
		return
	}
	if t, err := os.OpenFile(customerTerminal, os.O_RDWR|openFlags, 0); err == nil {
		t.Close()
		o.Terminal = customerTerminal
	} else if errors.Is(err, fs.ErrPermission) {
		o.Terminal = customerTerminal // the doctor reports it; this terminal is not the customer's
	} else if isTerminal(std.out) {
		o.Terminal = "/dev/tty"
	}
}

// customerTerminal is the terminal of the unit's screen. openFlags keep it from becoming this process's controlling
// terminal.
const (
	customerTerminal = "/dev/tty1"
	openFlags        = syscall.O_NOCTTY | syscall.O_NONBLOCK
)

// writeFinding writes a finding for people, with its fix below.
func writeFinding(std streams, l doctor.Line) {
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

// shortReport fits the report into a QR code: device, version and what is wrong.
func shortReport(r doctor.Report, site string) string {
	return r.Short(fmt.Sprintf("kiosk doctor %s %s", buildFacts().Version, site), qr.MaxText)
}
