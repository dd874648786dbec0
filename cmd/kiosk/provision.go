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

Makes the device's own key, which never leaves the device. Shows a QR code with
which a technician signs in by phone and allows the device to register itself.
Registers it, writes the settings, tests that the server accepts the device,
and runs kiosk doctor, whose exit code it returns. It can be repeated and
continues after a power cut: finished steps are skipped. It needs KIOSK_ISSUER
and KIOSK_BOOTSTRAP_CLIENT_ID.

    --from FILE      settings and INITIAL_ACCESS_TOKEN=… (valid for one
                     registration) instead of a sign-in; the file is erased
    --manual         register by hand: shows the public key for the server's
                     portal; with --client-id it writes the settings
    --client-id ID   the client identifier that the portal assigned
    --ping-url URL   with KIOSK_DELIVERY=ping: the URL at which the server
                     reaches this device
    --again          continue although the result of an earlier attempt is
                     unknown
    --rotate-key     replace the key; reload a running kiosk afterwards
    --json           one JSON object a line, one for each step
    --env-file FILE  file in which settings are read and written
                     (` + envFile + `)
`,
}

func init() { provisionVerb.run = runProvision }

func runProvision(ctx context.Context, args []string, std streams) int {
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
		return usageError(std, "provision", "--client-id goes with --manual")
	case o.Manual && *from != "", o.Manual && *rotate, *from != "" && *rotate:
		return usageError(std, "provision", "only one of --manual, --from and --rotate-key")
	}
	host.NoCoreDumps()
	out := reporter{std: std, json: *asJSON, portal: o.Manual && o.ClientID == ""}
	var first []*config.EnvFile
	if *from != "" {
		file, err := readSetupFile(*from, &o)
		if err != nil {
			return out.fail(err)
		}
		first = append(first, file)
	}
	settings, err := f.load(first...)
	if err != nil && !errors.Is(err, config.ErrNotProvisioned) && !o.Manual && settings.Issuer == "" {
		return out.fail(err)
	}
	o.Show, o.Tell = out.showApproval, out.showStep
	o.EnvFile = f.path()
	p, err := setup.Open(settings, logger(std.err, max(settings.LogLevel, slog.LevelWarn)), o)
	if err != nil {
		return out.fail(err)
	}
	defer p.Close()
	if *rotate {
		return out.rotateKey(ctx, p)
	}
	if err := p.Run(ctx); err != nil {
		return out.fail(err)
	}
	if *from != "" {
		if err := setup.Erase(*from); err != nil {
			return out.fail(kiosk.Fail(kiosk.Internal, *from, err))
		}
	}
	if out.portal {
		out.done()
		return exitOK
	}
	code := out.runDoctor(ctx, f)
	out.done()
	return code
}

// readSetupFile reads the file of an unattended set-up and takes its token and settings into o.
func readSetupFile(name string, o *setup.ProvisionOptions) (*config.EnvFile, error) {
	file, err := config.LoadFile(name)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Misconfigured, "set-up file", err)
	}
	for _, v := range file.Vars {
		switch {
		case v.Name == "INITIAL_ACCESS_TOKEN":
			o.Initial = kiosk.Secret(v.Value)
		case strings.HasPrefix(v.Name, "KIOSK_"):
			o.More = append(o.More, v)
		}
	}
	return file, nil
}

// reporter reports progress to people or scripts. It contains no secret.
type reporter struct {
	std    streams
	json   bool
	portal bool // a person registers the public key at the server's portal
}

func (r reporter) line(v map[string]any) { _ = json.NewEncoder(r.std.out).Encode(v) }

func (r reporter) showStep(s setup.Step) {
	if r.json {
		v := map[string]any{"step": s.Name}
		for name, value := range map[string]string{"client_id": s.ClientID, "key_id": s.KeyID, "file": s.File, "pem": s.PEM} {
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
		if r.portal {
			fmt.Fprintf(r.std.out, "\nPublic key as a JWK, for a field of the name JWK or \"public key\". Where the portal asks for a\nkey set (JWKS), put it into {\"keys\":[ … ]}:\n\n%s\n\nThe same key as PEM, for a portal that takes an upload or a field of the name PEM:\n\n%s", s.JWK, s.PEM)
		}
	case "registered":
		fmt.Fprintf(r.std.out, "Registered  %s\n", s.ClientID)
	case "settings":
		fmt.Fprintf(r.std.out, "Settings    %s\n", s.File)
	case "proved":
		fmt.Fprintln(r.std.out, "Tested      the server accepts this device")
	case "rotated":
		fmt.Fprintf(r.std.out, "New key     %s\n", s.KeyID)
	case "awaits_portal":
		fmt.Fprintf(r.std.out, "This server does not accept a new key from the device. Add this key to the client at\nits portal, beside the present one, then run kiosk provision --rotate-key again:\n\n%s\n", s.JWK)
		r.drawQRCode(s.JWK)
	}
}

func (r reporter) showApproval(a enrol.Approval) {
	if r.json {
		r.line(map[string]any{"step": "approve", "verification_uri": a.VerificationURI, "verification_uri_complete": a.VerificationURIComplete,
			"user_code": a.UserCode, "expires_in": int(a.ExpiresIn.Seconds())})
		return
	}
	fmt.Fprintf(r.std.out, "\nTechnician: scan this QR code, sign in, and compare the code.\n\n")
	r.drawQRCode(a.VerificationURIComplete)
	fmt.Fprintf(r.std.out, "    %s\n    Code  %s\n\nWaiting for %s …\n\n", a.VerificationURI, a.UserCode, timeLimit(a))
}

func timeLimit(a enrol.Approval) string {
	if m := int(a.ExpiresIn.Minutes()); m > 1 {
		return fmt.Sprintf("at most %d minutes", m)
	}
	return fmt.Sprintf("at most %d seconds", int(a.ExpiresIn.Seconds()))
}

// drawQRCode draws a QR code in bright white on black, whatever the terminal's colours are: the blocks are the light
// modules. It does nothing if standard output is no terminal.
func (r reporter) drawQRCode(text string) {
	if !isTerminal(r.std.out) {
		return
	}
	c, err := qr.Encode(text)
	if err != nil {
		return // the text is shown as well
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

func (r reporter) fail(err error) int {
	if r.json {
		r.line(map[string]any{"step": "failed", "reason": kiosk.ReasonOf(err).String(), "error": err.Error()})
		return kiosk.ReasonOf(err).ExitCode()
	}
	return fail(r.std, err)
}

func (r reporter) done() {
	switch {
	case r.json:
		r.line(map[string]any{"step": "done"})
	case r.portal:
		fmt.Fprintln(r.std.out, "\nRegister the device at the server's portal: make a client for CIBA (poll) with the\nauthentication private_key_jwt, and paste the public key above where the portal keeps the\nclient's keys or credentials. docs/servers.md says where that is at each server.\nThen run: kiosk provision --manual --client-id ID")
	default:
		fmt.Fprintln(r.std.out, "\nThe device is provisioned. A waiting kiosk starts within a minute. Reload a running one\nwith: systemctl reload kiosk")
	}
}

// runDoctor checks the device as it is now and reports problems. The device is provisioned whatever it finds.
func (r reporter) runDoctor(ctx context.Context, f *flags) int {
	var o doctor.Options
	o.Settings, o.LoadErr = f.reload()
	f.doctorOptions(&o, r.std)
	o.NotStarted = true
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
		fmt.Fprintln(r.std.out, "Doctor      no problems")
	default:
		for _, l := range unwell {
			writeFinding(r.std, l)
		}
	}
	return report.ExitCode()
}

// rotateKey replaces the key and removes the old one at the server. A running kiosk has the old key until it reloads.
func (r reporter) rotateKey(ctx context.Context, p *setup.Provisioning) int {
	state, err := p.RotateKey(ctx)
	if err != nil {
		return r.fail(err)
	}
	if state == enrol.AwaitsOperator {
		return exitOK
	}
	if _, err := p.FinishRotation(ctx); err != nil {
		return r.fail(err)
	}
	if r.json {
		r.done()
	} else {
		fmt.Fprintln(r.std.out, "\nThe key is replaced. Load it into a running kiosk with: systemctl reload kiosk")
	}
	return exitOK
}
