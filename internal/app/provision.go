package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ProvisionOptions say how a device is made known to its authorization server.
type ProvisionOptions struct {
	// EnvFile is where settings are written; where that may not be, they go to
	// config.ProvisionedFile in the state directory.
	EnvFile string
	// ClientID is the registration's, where an operator made it by hand.
	ClientID string
	// PingURL is where the server reaches the device's ping address, which only the
	// operator of the network knows; needed where pings are wanted.
	PingURL string
	// Manual registers nothing: the key is made, and ClientID, if given, is put to use.
	Manual bool
	// Initial is a one-time initial access token instead of a technician's sign-in.
	Initial kiosk.Secret
	// Again goes on although an earlier registration's fate is unknown.
	Again bool
	// More are further settings to be written, as an unattended set-up brings them.
	More []config.Var
	// Show is called when a technician has to sign in; Tell when a step is done.
	Show func(enrol.Approval)
	Tell func(Step)
}

// Step is one step of provisioning that is done.
type Step struct {
	Name     string // key, registered, settings, proved, rotated, awaits_portal
	ClientID string // with registered
	KeyID    string // with key, rotated, awaits_portal: the key's thumbprint
	JWK      string // with key and awaits_portal: the public key
	File     string // with key and settings: where it is
}

// Provisioning is an enrolment of this device with its settings.
type Provisioning struct {
	*enrol.Enrolment
	settings *config.Settings
	o        ProvisionOptions
}

// OpenProvisioning takes up the device's enrolment: settings may lack a registration,
// but not the issuer. Close it.
func OpenProvisioning(s *config.Settings, log *slog.Logger, o ProvisionOptions) (*Provisioning, error) {
	if s.Issuer == "" {
		return nil, kiosk.Fail(kiosk.Misconfigured, "KIOSK_ISSUER", errors.New("is missing: which authorization server?"))
	}
	if s.Delivery == "ping" && o.PingURL == "" && !o.Manual {
		return nil, kiosk.Fail(kiosk.Misconfigured, "KIOSK_DELIVERY", errors.New("is ping: under which https address does the server reach this device (--ping-url)?"))
	}
	roots, err := certificates(s.CA)
	if err != nil {
		return nil, err
	}
	clock := host.NewClock()
	time := oidc.NewClock(oidc.ClockOptions{Issuer: s.Issuer, Wall: clock.Wall, Uptime: clock.Now, Synchronised: clock.Kept, Earliest: clock.Floor()})
	e, err := enrol.Open(enrol.Options{
		Dir: s.StateDir, Issuer: s.Issuer, BootstrapClientID: s.BootstrapClientID, Scope: strings.Join(s.BootstrapScope, " "), ClientName: "Kiosk " + s.Site,
		Client:    enrol.ClientSettings{Scope: strings.Join(s.Scope, " "), Delivery: s.Delivery, PingURL: o.PingURL, Signed: s.SignedRequest},
		Transport: oidc.NewTransport(oidc.TransportOptions{Roots: roots, Clock: time}), Now: time.Now, Uptime: clock.Now, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &Provisioning{Enrolment: e, settings: s, o: o}, nil
}

// Run does whatever is not done yet, and proves that the server takes this device.
func (p *Provisioning) Run(ctx context.Context) error {
	public, err := p.Key().PublicJWK()
	if err != nil {
		return kiosk.Fail(kiosk.Internal, "provision", err)
	}
	p.o.Tell(Step{Name: "key", KeyID: p.Key().ID(), JWK: string(public), File: p.KeyPath()})
	id := p.o.ClientID
	if !p.o.Manual {
		if p.settings.BootstrapClientID == "" && len(p.o.Initial) == 0 && p.ClientID() == "" {
			return kiosk.Fail(kiosk.Misconfigured, "KIOSK_BOOTSTRAP_CLIENT_ID", errors.New("is missing: with which client does a technician sign in? Or register the device by hand: kiosk provision --manual"))
		}
		if err := p.Register(ctx, p.o.Initial, p.o.Again, p.o.Show); err != nil {
			return err
		}
		id = p.ClientID()
		p.o.Tell(Step{Name: "registered", ClientID: id})
	}
	if id == "" {
		return nil
	}
	file, err := p.write(id)
	if err != nil {
		return err
	}
	p.o.Tell(Step{Name: "settings", File: file})
	if err := p.ProbeClient(ctx, id); err != nil {
		return err
	}
	p.o.Tell(Step{Name: "proved"})
	return nil
}

// write puts the settings where the kiosk reads them, and gives the file.
func (p *Provisioning) write(clientID string) (string, error) {
	key, err := filepath.Abs(p.KeyPath())
	if err != nil {
		return "", kiosk.Fail(kiosk.Internal, "settings", err)
	}
	vars := append([]config.Var{
		{Name: "KIOSK_ISSUER", Value: p.settings.Issuer},
		{Name: "KIOSK_CLIENT_ID", Value: clientID},
		{Name: "KIOSK_CLIENT_KEY_FILE", Value: key},
	}, p.o.More...)
	file := p.o.EnvFile
	if file == "" {
		file = filepath.Join(p.settings.StateDir, config.ProvisionedFile)
	}
	err = config.WriteFile(file, vars)
	if p.o.EnvFile != "" && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) {
		file = filepath.Join(p.settings.StateDir, config.ProvisionedFile)
		err = config.WriteFile(file, vars)
	}
	if err != nil {
		return "", kiosk.Fail(kiosk.Internal, "settings", err)
	}
	return file, nil
}

// RotateKey changes the device's key as far as it can be changed now. Whoever has the old key
// in use must take up the new one before FinishRotation.
func (p *Provisioning) RotateKey(ctx context.Context) (enrol.Rotation, error) {
	id := p.ClientID()
	if id == "" {
		id = p.settings.ClientID
	}
	if id == "" {
		return 0, kiosk.Fail(kiosk.NotProvisioned, "rotation", errors.New("the device has no registration yet: run kiosk provision"))
	}
	state, err := p.Rotate(ctx, id)
	if err != nil {
		return 0, err
	}
	switch state {
	case enrol.AwaitsOperator:
		next, err := p.NextKey()
		if err != nil {
			return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
		}
		public, err := next.PublicJWK()
		if err != nil {
			return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
		}
		p.o.Tell(Step{Name: "awaits_portal", KeyID: next.ID(), JWK: string(public)})
	default:
		p.o.Tell(Step{Name: "rotated", KeyID: p.Key().ID()})
	}
	return state, nil
}

// Erase overwrites a file with a secret in it and removes it. On a memory card the old
// bytes may still lie somewhere, which is why the token in it is good only once.
func Erase(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	if _, err := f.WriteAt(make([]byte, info.Size()), 0); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return os.Remove(path)
}
