package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/enrol"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ProvisionOptions describe a provisioning.
type ProvisionOptions struct {
	// EnvFile is where settings are written. If that is not permitted, they are written to config.ProvisionedFile in the
	// state folder.
	EnvFile string
	// ClientID is the client identifier of a registration that an operator made by hand.
	ClientID string
	// PingURL is the address at which the server reaches the device's ping listener; required in ping mode. Only the
	// operator of the network knows it.
	PingURL string
	// Manual makes the key and puts ClientID, if there is one, into the settings, but registers nothing.
	Manual bool
	// Initial is a one-time initial access token, instead of a technician's sign-in.
	Initial kiosk.Secret
	// Again continues although it is not known whether an earlier registration succeeded.
	Again bool
	// More are further settings to write, from an unattended set-up.
	More []config.Var
	// Show is called when a technician has to sign in, Tell after each step.
	Show func(enrol.Approval)
	Tell func(Step)
}

// Step is a completed step of provisioning.
type Step struct {
	Name     string // key, registered, settings, proved, rotated, awaits_portal
	ClientID string // with registered
	KeyID    string // with key, rotated, awaits_portal: the key's thumbprint
	JWK      string // with key and awaits_portal: the public key
	PEM      string // with key: the same key
	File     string // with key and settings
}

// Provisioning is the enrolment of a device with its settings.
type Provisioning struct {
	*enrol.Enrolment
	settings *config.Settings
	o        ProvisionOptions
}

// Open opens the device's enrolment, with what earlier attempts have completed. The settings may lack a registration, but
// not the issuer. The caller closes it.
func Open(s *config.Settings, log *slog.Logger, o ProvisionOptions) (*Provisioning, error) {
	if s.Issuer == "" {
		return nil, kiosk.Fail(kiosk.Misconfigured, "KIOSK_ISSUER", errors.New("not set: which authorization server?"))
	}
	if s.Delivery == "ping" && o.PingURL == "" && !o.Manual {
		return nil, kiosk.Fail(kiosk.Misconfigured, "KIOSK_DELIVERY", errors.New("ping mode needs --ping-url, the https address at which the server reaches this device"))
	}
	roots, err := s.Roots()
	if err != nil {
		return nil, err
	}
	clock := host.NewClock()
	now := oidc.NewClock(oidc.ClockOptions{Issuer: s.Issuer, Wall: clock.Wall, Uptime: clock.Now, Synchronised: clock.IsKept, Earliest: clock.Floor()})
	e, err := enrol.Open(enrol.Options{
		Dir: s.StateDir, Issuer: s.Issuer, BootstrapClientID: s.BootstrapClientID, Scope: strings.Join(s.BootstrapScope, " "), ClientName: "Kiosk " + s.Site,
		Client:    enrol.ClientSettings{Scope: registeredScope(s), OmitsOpenID: omitsOpenID(s.Profile), Delivery: s.Delivery, PingURL: o.PingURL, Signed: s.SignedRequest},
		Transport: oidc.NewTransport(oidc.TransportOptions{Roots: roots, Clock: now}), Now: now.Now, Uptime: clock.Now, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &Provisioning{Enrolment: e, settings: s, o: o}, nil
}

// registeredScope returns all scopes that the kiosk may request: a server refuses what a client has not registered.
func registeredScope(s *config.Settings) string {
	all := slices.Clone(s.Scope)
	if s.TechnicianClaim != "" {
		for _, more := range s.TechnicianScope {
			if !slices.Contains(all, more) {
				all = append(all, more)
			}
		}
	}
	return strings.Join(all, " ")
}

// omitsOpenID returns enrol.ClientSettings.OmitsOpenID for a profile's name, which may be empty.
func omitsOpenID(profile string) func(*oidc.Metadata) bool {
	return func(m *oidc.Metadata) bool {
		p, err := ciba.FindProfile(profile, m)
		return err == nil && p.NoOpenIDScope
	}
}

// Run performs the steps that are not complete yet, and checks that the server accepts this device.
func (p *Provisioning) Run(ctx context.Context) error {
	public, err := p.Key().PublicJWK()
	if err != nil {
		return kiosk.Fail(kiosk.Internal, "provision", err)
	}
	publicPEM, err := p.Key().PublicPEM()
	if err != nil {
		return kiosk.Fail(kiosk.Internal, "provision", err)
	}
	p.o.Tell(Step{Name: "key", KeyID: p.Key().ID(), JWK: string(public), PEM: string(publicPEM), File: p.KeyPath()})
	id := p.o.ClientID
	if !p.o.Manual {
		if p.settings.BootstrapClientID == "" && len(p.o.Initial) == 0 && p.ClientID() == "" {
			return kiosk.Fail(kiosk.Misconfigured, "KIOSK_BOOTSTRAP_CLIENT_ID", errors.New("not set: a technician needs this client to sign in. To register the device by hand, run: kiosk provision --manual"))
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
	file, err := p.writeSettings(id)
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

// writeSettings writes the settings where the kiosk reads them and returns the file.
func (p *Provisioning) writeSettings(clientID string) (string, error) {
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

// RotateKey changes the device's key as far as that is possible now. A process that uses the old key must read the new one
// before FinishRotation.
func (p *Provisioning) RotateKey(ctx context.Context) (enrol.Rotation, error) {
	id := p.ClientID()
	if id == "" {
		id = p.settings.ClientID
	}
	if id == "" {
		return 0, kiosk.Fail(kiosk.NotProvisioned, "rotation", errors.New("this device has no registration yet; run: kiosk provision"))
	}
	state, err := p.Rotate(ctx, id)
	if err != nil {
		return 0, err
	}
	if state != enrol.AwaitsOperator {
		p.o.Tell(Step{Name: "rotated", KeyID: p.Key().ID()})
		return state, nil
	}
	next, err := p.NextKey()
	if err != nil {
		return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	public, err := next.PublicJWK()
	if err != nil {
		return 0, kiosk.Fail(kiosk.Internal, "rotation", err)
	}
	p.o.Tell(Step{Name: "awaits_portal", KeyID: next.ID(), JWK: string(public)})
	return state, nil
}

// Erase overwrites a file that contains a secret, and removes it. On a memory card the old bytes may survive, which is why
// the token in it is valid only once.
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
