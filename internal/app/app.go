// Package app composes the kiosk: it builds the adapters from the settings and gives them to the visits' runner, and the
// runner to the daemon or to a single visit. It is the only package that knows all parts, and decides nothing itself.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"image"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/api"
	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/daemon"
	"github.com/ciba-kiosk/ciba-kiosk/internal/guard"
	"github.com/ciba-kiosk/ciba-kiosk/internal/headless"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/journal"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/vault"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// App holds the parts of a kiosk.
type App struct {
	settings *config.Settings
	log      *slog.Logger
	clock    *host.Clock
	wall     func() time.Time // replaces the device's wall clock in tests; nil otherwise

	catalogs    []*words.Catalog
	logo        image.Image // the owner's; nil for none
	time        *oidc.Clock // the wall clock, or the authorization server's where that is better
	auth        oidc.ClientAuth
	certificate *oidc.Certificate // of mutual TLS; nil if not configured
	transport   *oidc.Transport
	client      *ciba.Client
	technicians *ciba.Client // for technicians' sign-in at the screen; nil if not configured
	resource    *api.Resource
	guard       *guard.Guard
	record      *journal.Journal
	contact     daemon.Contact

	pings     *ciba.Pings // nil in poll mode
	pingCert  tls.Certificate
	stopPings func()
}

// Open builds an App, opens its record and listens for pings. It sends nothing. process names this process to another one
// that wants the record, such as "kiosk run". The error's kiosk.Reason is Misconfigured for a setting, Internal for the
// record.
func Open(s *config.Settings, process string, log *slog.Logger) (*App, error) {
	a := newApp(s, log)
	if err := a.build(); err != nil {
		return nil, err
	}
	record, err := journal.Open(storeOptions(s, process, false), a.clock, log)
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "", err) // err names the store
	}
	a.record = record
	if err := errors.Join(a.buildGuard(), a.listenForPings()); err != nil {
		record.Close()
		return nil, err
	}
	return a, nil
}

func newApp(s *config.Settings, log *slog.Logger) *App {
	return &App{settings: s, log: log, clock: host.NewClock(), stopPings: func() {}}
}

// RequireRecord lets a visit begin only if its first record is on disk; see journal.Journal.RequireDisk.
func (a *App) RequireRecord() { a.record.RequireDisk() }

// Close closes the record and stops listening for pings.
func (a *App) Close() error {
	a.stopPings()
	return a.record.Close()
}

// Notes returns what is right in the settings but without effect at this kind of server, a sentence each. It sends nothing.
func Notes(s *config.Settings) (all []string) {
	profile, ignored := ciba.IgnoredSettings(s.Profile, s.Issuer, s.Audience, s.Resource)
	for _, name := range ignored {
		all = append(all, "servers of the profile "+profile+" ignore "+name+", so the kiosk does not send it; let the server choose the audience (docs/servers.md)")
	}
	return all
}

// listenForPings starts the ping listener in ping mode.
func (a *App) listenForPings() error {
	if a.pings == nil {
		return nil
	}
	l, err := net.Listen("tcp", a.settings.PingListen)
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_PING_LISTEN", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.pings.Serve(ctx, l, a.pingCert); err != nil {
			a.log.Error("ping", "error", err) // polling continues without pings
		}
	}()
	a.stopPings = func() { stop(); <-ended }
	a.log.Info("ping", "listening", l.Addr().String())
	return nil
}

// runner returns the visits' runner with all parts but the display.
func (a *App) runner() *runner.Runner {
	return &runner.Runner{
		Rules: a.rules(), Authorizer: a.client, Resource: a.resource, Journal: a.record, Revocations: a.record,
		Vault: vault.New(), Guard: a.guard, Clock: a.clock, NewVisit: newVisit,
		Log: a.log, Trusted: a.clock.Trusted(),
	}
}

func (a *App) rules() kiosk.Rules {
	r := kiosk.DefaultRules()
	r.Kind, r.ScanOnly = a.kind(), a.settings.ScanOnly
	r.Languages = len(a.catalogs)
	switch a.settings.Keypad {
	case "always":
		r.Keypad = kiosk.KeypadAlways
	case "never":
		r.Keypad = kiosk.KeypadNever
	}
	r.DeviceFlow = a.settings.DeviceClientID != ""
	r.IdleLimit, r.ResultLimit = a.settings.IdleTimeout, a.settings.ResultTimeout
	return r
}

func (a *App) kind() kiosk.IdentifierKind {
	switch a.settings.Identifier {
	case config.EmailIdentifier:
		return kiosk.EmailKind
	case config.PhoneIdentifier:
		return kiosk.PhoneKind
	case config.NumberIdentifier:
		return kiosk.NumberKind
	}
	return kiosk.TextKind
}

// device returns what screens show about the device. Without a host name its name is the site's.
func (a *App) device() screen.Device {
	name, err := os.Hostname()
	if err != nil {
		name = a.settings.Site
	}
	d := screen.Device{Site: a.settings.Site, Name: name, Link: a.settings.ReadyLink, Welcomes: a.welcomes()}
	for _, c := range a.catalogs {
		d.Languages = append(d.Languages, c.Name())
	}
	return d
}

// texts returns what lines without a screen need; they are in the first language.
func (a *App) texts() headless.Texts {
	return headless.Texts{Catalog: a.catalogs[0], Device: a.device(), Kind: a.kind(), Wall: a.clock.Wall}
}

// screenCatalogs returns the catalogs of all languages.
func (a *App) screenCatalogs() (all []screen.Catalog) {
	for _, c := range a.catalogs {
		all = append(all, c)
	}
	return all
}
