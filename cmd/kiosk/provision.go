package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/app"
	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/qr"
	"github.com/ciba-kiosk/ciba-kiosk/internal/setup"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var provisionVerb = verb{
	name:  "provision",
	about: "makes the device key, registers the device, writes the settings",
	usage: `Usage: kiosk provision [--json] [flags]
       kiosk provision --manual [--client-id ID] [flags]
       kiosk provision --rotate-key [--json] [flags]

Makes the device's own key, which never leaves it; shows a QR code, with which a
technician signs in on their phone and so allows the device to register itself;
registers it; writes the settings; proves that the server takes it; and ends
with kiosk doctor, whose exit code it has. What is done already is not done
again, so it can be repeated and goes on after a power cut. It needs
KIOSK_ISSUER and KIOSK_BOOTSTRAP_CLIENT_ID.

    --from FILE      settings and INITIAL_ACCESS_TOKEN=…, which is good once,
                     from a file instead of a sign-in; the file is erased then
    --manual         register by hand: shows the public key for the server's
                     portal; with --client-id it writes the settings
    --client-id ID   the client identifier that the portal gave
    --ping-url URL   with KIOSK_DELIVERY=ping: where the server reaches us
    --again          go on although nobody knows what became of an earlier try
    --rotate-key     change the key: the server takes both for a while
    --json           one JSON object a line, a step each
    --env-file FILE  where settings are read and written (` + envFile + `)
`,
}

func init() { provisionVerb.run = provision }

func provision(ctx context.Context, args []string, std streams) int {
	f := newFlags(provisionVerb).withSettings()
	var o setup.ProvisionOptions
	from := f.String("from", "", "")
	rotate := f.Bool("rotate-key", false, "")
	asJSON := f.Bool("json", false, "")
	f.BoolVar(&o.Manual, "manual", false, "")
	f.BoolVar(&o.Again, "again", false, "")
	f.StringVar(&o.ClientID, "client-id", "", "")
	f.StringVar(&o.PingURL, "ping-url", "", "")
	if _, code, ok := f.parse(args, 0, 0, std); !ok {
		return code
	}
	switch {
	case o.ClientID != "" && !o.Manual:
		return misused(std, "provision", "--client-id goes with --manual")
	case o.Manual && *from != "", o.Manual && *rotate, *from != "" && *rotate:
		return misused(std, "provision", "only one of --manual, --from and --rotate-key")
	}
	host.NoCoreDumps()
	out := reporter{std: std, json: *asJSON}
	settings, err := f.loadWith(*from, &o)
	if err != nil && !errors.Is(err, config.ErrNotProvisioned) && !o.Manual && settings.Issuer == "" {
		return out.failed(err)
	}
	o.Show, o.Tell = out.approval, out.step
	o.EnvFile = f.path()
	p, err := setup.Open(settings, logger(std.err, max(settings.LogLevel, slog.LevelWarn)), o)
	if err != nil {
		return out.failed(err)
	}
	defer p.Close()
	if *rotate {
		return out.rotation(ctx, p)
	}
	if err := p.Run(ctx); err != nil {
		return out.failed(err)
	}
	if *from != "" {
		if err := setup.Erase(*from); err != nil {
			return out.failed(kiosk.Fail(kiosk.Internal, *from, err))
		}
	}
	if o.Manual && o.ClientID == "" {
		out.done(true)
		return exitWell
	}
	code := out.examined(ctx, f)
	out.done(false)
	return code
}

// loadWith reads the settings, and before them those of an unattended set-up.
func (f *flags) loadWith(from string, o *setup.ProvisionOptions) (*config.Settings, error) {
	if from == "" {
		return f.load()
	}
	brought, err := config.LoadFile(from)
	if err != nil {
		s, _ := config.Load()
		return s, kiosk.Fail(kiosk.Misconfigured, "set-up file", err)
	}
	for _, v := range brought.Vars {
		switch {
		case v.Name == "INITIAL_ACCESS_TOKEN":
			o.Initial = kiosk.Secret(v.Value)
		case strings.HasPrefix(v.Name, "KIOSK_"):
			o.More = append(o.More, v)
		}
	}
	own, err := config.LoadFile(f.path())
	if err != nil {
		own = nil // it is made
	}
	return config.Load(brought, own)
}

// reporter says what is done, to people or to scripts. No secret passes through it.
type reporter struct {
	std  streams
	json bool
}

func (r reporter) line(v map[string]any) { _ = json.NewEncoder(r.std.out).Encode(v) }

func (r reporter) step(s setup.Step) {
	if r.json {
		v := map[string]any{"step": s.Name}
		for name, value := range map[string]string{"client_id": s.ClientID, "key_id": s.KeyID, "file": s.File} {
			if value != "" {
				v[name] = value
			}
		}
		if s.JWK != "" {
			v["jwk"] = json.RawMessage(s.JWK)
		}
		r.line(v)
		return
	}
	switch s.Name {
	case "key":
		fmt.Fprintf(r.std.out, "Key         %s\n            in %s\n", s.KeyID, s.File)
	case "registered":
		fmt.Fprintf(r.std.out, "Registered  %s\n", s.ClientID)
	case "settings":
		fmt.Fprintf(r.std.out, "Settings    %s\n", s.File)
	case "proved":
		fmt.Fprintln(r.std.out, "Proved      the server takes this device")
	case "rotated":
		fmt.Fprintf(r.std.out, "New key     %s\n", s.KeyID)
	case "awaits_portal":
		fmt.Fprintf(r.std.out, "The server cannot be told from here. Add this key to the client at its portal,\nbeside the present one, then run kiosk provision --rotate-key again:\n\n%s\n", s.JWK)
		r.code(s.JWK)
	}
}

func (r reporter) approval(a enrol.Approval) {
	if r.json {
		r.line(map[string]any{"step": "approve", "verification_uri": a.VerificationURI, "verification_uri_complete": a.VerificationURIComplete,
			"user_code": a.UserCode, "expires_in": int(a.ExpiresIn.Seconds())})
		return
	}
	fmt.Fprintf(r.std.out, "\nTechnician: scan this, sign in, and compare the code.\n\n")
	r.code(a.VerificationURIComplete)
	fmt.Fprintf(r.std.out, "    %s\n    Code  %s\n\nWaiting for %s …\n\n", a.VerificationURI, a.UserCode, until(a))
}

func until(a enrol.Approval) string {
	if m := int(a.ExpiresIn.Minutes()); m > 1 {
		return fmt.Sprintf("%d minutes at the most", m)
	}
	return fmt.Sprintf("%d seconds at the most", int(a.ExpiresIn.Seconds()))
}

// code draws a QR code in bright white on black, whatever the terminal's own colours are:
// the blocks are the light modules. Only where somebody sees it.
func (r reporter) code(text string) {
	if !isTerminal(r.std.out) {
		return
	}
	c, err := qr.Encode(text)
	if err != nil {
		return // the text stands beside it
	}
	for _, row := range c.WithQuiet(qr.MinQuiet).Cells(qr.HalfBlocks) {
		io.WriteString(r.std.out, "    \x1b[97;40m")
		for _, cell := range row {
			fmt.Fprint(r.std.out, string(cell.Glyph))
		}
		io.WriteString(r.std.out, "\x1b[0m\n")
	}
	fmt.Fprintln(r.std.out)
}

func (r reporter) failed(err error) int {
	if r.json {
		r.line(map[string]any{"step": "failed", "reason": kiosk.ReasonOf(err).String(), "error": err.Error()})
		return kiosk.ReasonOf(err).ExitCode()
	}
	return trouble(r.std, err)
}

func (r reporter) done(keyOnly bool) {
	switch {
	case r.json:
		r.line(map[string]any{"step": "done"})
	case keyOnly:
		fmt.Fprintln(r.std.out, "\nRegister the device at the server's portal with the public key above, for CIBA and\nprivate_key_jwt, then run kiosk provision --manual --client-id ID")
	default:
		fmt.Fprintln(r.std.out, "\nThe device is provisioned. A kiosk that waits for it starts within a minute; one\nthat runs takes it up with: systemctl reload kiosk")
	}
}

// examined has the doctor look at the device as it is now, and tells what is not well.
// The device is provisioned whatever it finds.
func (r reporter) examined(ctx context.Context, f *flags) int {
	var o doctor.Options
	o.Settings, o.LoadErr = f.reread()
	f.doctorOptions(&o, r.std)
	report, unwell := app.Doctor(ctx, o, nil), doctor.Report{}
	for _, l := range report {
		if l.Result == check.Failed || l.Result == check.Warning || l.IsHidden() {
			unwell = append(unwell, l)
		}
	}
	switch {
	case r.json:
		r.line(map[string]any{"step": "doctor", "exit": report.ExitCode(), "findings": unwell})
	case len(unwell) == 0:
		fmt.Fprintln(r.std.out, "Doctor      all is well")
	default:
		for _, l := range unwell {
			tellLine(r.std, l)
		}
	}
	return report.ExitCode()
}

// rotation changes the key and, since no process here waits for the old one any
// more, takes that away at the server.
func (r reporter) rotation(ctx context.Context, p *setup.Provisioning) int {
	state, err := p.RotateKey(ctx)
	if err != nil {
		return r.failed(err)
	}
	if state == enrol.AwaitsOperator {
		return exitWell
	}
	if _, err := p.FinishRotation(ctx); err != nil {
		return r.failed(err)
	}
	r.done(false)
	return exitWell
}
