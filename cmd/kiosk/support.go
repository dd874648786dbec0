package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var supportVerb = verb{
	name:  "support",
	about: "writes a support bundle without secrets",
	usage: `Usage: kiosk support [--out FILE] [flags]

Writes a bundle for whoever helps from afar (tar, gzip; 0600): version, settings
with secrets masked, what kiosk doctor finds, the status of the kiosk that runs,
how many visits ended how, whether the record was tampered with, kernel, board,
disk, console, units and which run. Run it as root: another user may not see it
all. Nobody's phone rings. Not in it: secrets, who the customers were and what
they were shown, codes, values that are wrong, what files and units hold, and
the log: send what journalctl -u kiosk says along if asked.

    --out FILE        where to; must not exist yet; - is standard output
                      (kiosk-support-DATE.tar.gz in the present folder)
    --env-file FILE   settings, as systemd reads them (` + envFile + `)
`,
}

func init() { supportVerb.run = support }

func support(ctx context.Context, args []string, std streams) int {
	f := newFlags(supportVerb).withSettings()
	out := f.String("out", "", "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	host.NoCoreDumps()
	var o doctor.Options
	o.Settings, o.LoadErr = f.load()
	f.doctorOptions(&o, std)
	var b bytes.Buffer
	if err := app.Support(ctx, &b, facts(), o); err != nil {
		return trouble(std, kiosk.Fail(kiosk.Internal, "", err))
	}
	if *out == "-" {
		if _, err := b.WriteTo(std.out); err != nil {
			return exitFault
		}
		return exitWell
	}
	if *out == "" {
		*out = "kiosk-support-" + host.NewClock().Wall().UTC().Format("20060102-150405") + ".tar.gz"
	}
	if err := writeNew(*out, b.Bytes()); err != nil {
		return trouble(std, kiosk.Fail(kiosk.Internal, "", err)) // it names the file
	}
	fmt.Fprintln(std.out, *out)
	return exitWell
}

// writeNew writes a file that is not there yet, for its owner only.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}
