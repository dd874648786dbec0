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
	about: "writes a bundle for remote help, without secrets",
	usage: `Usage: kiosk support [--out FILE] [flags]

Writes a bundle for remote help (tar, gzip; mode 0600): version, settings with
secrets masked, the doctor's report, status, visits by outcome, whether the
record was tampered with, kernel, board, disk, console, and units. Run it as
root: other users may not see everything. No phone rings. The bundle contains no
secrets, nothing about customers or what they were shown, no codes, no invalid
values, no contents of files or units, and no log: send the output of
journalctl -u kiosk as well if asked.

    --out FILE        must not exist yet; - is standard output
                      (kiosk-support-DATE.tar.gz in this folder)
    --env-file FILE   file of settings (` + envFile + `)
`,
}

func init() { supportVerb.run = runSupport }

func runSupport(ctx context.Context, args []string, std streams) int {
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
	if err := app.Support(ctx, &b, buildFacts(), o); err != nil {
		return fail(std, kiosk.Fail(kiosk.Internal, "", err))
	}
	if *out == "-" {
		if _, err := b.WriteTo(std.out); err != nil {
			return exitFault
		}
		return exitOK
	}
	if *out == "" {
		*out = "kiosk-support-" + host.NewClock().Wall().UTC().Format("20060102-150405") + ".tar.gz"
	}
	if err := writeNew(*out, b.Bytes()); err != nil {
		return fail(std, kiosk.Fail(kiosk.Internal, "", err)) // the error names the file
	}
	fmt.Fprintln(std.out, *out)
	return exitOK
}

// writeNew writes a new file for its owner only.
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
