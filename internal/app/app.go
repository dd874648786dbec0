// Package app wires settings and adapters to kiosk.Runner: it is the only package
// that knows them all, and it decides nothing. What a visit does is package kiosk's;
// how each part does it is the part's own.
//
// Two front ends stand on the same wiring: Run is the customer's screen, Login one
// visit without a screen.
package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/api"
	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/guard"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/keeper"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/internal/vault"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// App is a kiosk ready to serve: settings checked, store open, nothing sent yet.
type App struct {
	settings    *config.Settings
	log         *slog.Logger
	clock       *host.Clock
	time        *oidc.Clock // clock's, or the authorization server's where that is better
	store       *keeper.Keeper
	client      *ciba.Client
	technicians *ciba.Client // of their visits at the screen; nil: there are none
	resource    *api.Resource
	guard       *guard.Guard
	catalogues  []*words.Catalogue
	pings       *ciba.Pings // nil: the server is polled only
	pingCert    tls.Certificate
	stopPings   func()
	mine        *oidc.Certificate // of mutual TLS; nil if there is none
	contact     contact           // with the authorization server

	auth      oidc.ClientAuth
	transport *oidc.Transport
	wall      func() time.Time // in place of the device's wall clock, which then nobody keeps; nil but in tests
}

// Open makes an App. Who names this process to another one that finds the store
// held, as "kiosk run". Its errors are *Unopened and have a kiosk.Reason: Misconfigured
// where a setting is at fault, Internal where the store is.
func Open(s *config.Settings, who string, log *slog.Logger) (*App, error) {
	a := &App{settings: s, log: log, clock: host.NewClock()}
	if err := a.open(who); err != nil {
		return nil, unopened(err)
	}
	return a, nil
}

func (a *App) open(who string) error {
	if err := a.wire(); err != nil {
		return err
	}
	st, err := keeper.Open(storeOptions(a.settings, who, false), a.clock, a.log)
	if err != nil {
		return kiosk.Fail(kiosk.Internal, "", err) // it says "store: …" by itself
	}
	a.store = st
	if err := errors.Join(a.budgets(), a.listen()); err != nil {
		st.Close()
		return err
	}
	return nil
}

// listen takes the server's pings from here on, in ping mode.
func (a *App) listen() error {
	a.stopPings = func() {}
	if a.pings == nil {
		return nil
	}
	l, err := net.Listen("tcp", a.settings.PingListen)
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_PING_LISTEN", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := a.pings.Serve(ctx, l, a.pingCert); err != nil {
			a.log.Error("ping", "error", err) // the server is polled all the same
		}
	}()
	a.stopPings = func() { stop(); <-over }
	a.log.Info("ping", "listening", l.Addr().String())
	return nil
}

// Close lets go of the store and of the ping address.
func (a *App) Close() error {
	a.stopPings()
	return a.store.Close()
}

// Record says how it stands with the record of visits: in good order, set aside,
// or kept in memory because the disk takes nothing, and what that suspends.
func (a *App) Record() keeper.Condition { return a.store.Condition() }

// Check finds what Open would find wrong with the settings beyond their form:
// keys, certificates, layouts and names that only their packages can read. It
// opens no store and sends nothing.
func Check(s *config.Settings) error {
	a := &App{settings: s, log: slog.New(slog.DiscardHandler), clock: host.NewClock()}
	return errors.Join(a.wire(), a.budgets())
}

func storeOptions(s *config.Settings, who string, readOnly bool) store.Options {
	o := store.Options{Dir: s.StateDir, Who: who, ReadOnly: readOnly}
	if s.StoreKey.Origin != "derived" { // else it is where the store looks by itself
		o.KeyFile = s.StoreKey.Path
	}
	return o
}

// OpenStore opens the store that the settings name, for reading only if wished:
// then nothing is made or changed, and store.ErrAbsent says that there is none yet.
// It is for the verbs that look at the record, and sets nothing aside.
func OpenStore(s *config.Settings, who string, readOnly bool) (*store.Store, error) {
	if s.StoreKey.Sealed {
		return nil, kiosk.Fail(kiosk.Misconfigured, "store key", fmt.Errorf("%s is encrypted for the service only: %w", s.StoreKey.Path, fs.ErrPermission))
	}
	st, err := store.Open(storeOptions(s, who, readOnly))
	if err != nil {
		return nil, kiosk.Fail(kiosk.Internal, "", err) // it says "store: …" by itself
	}
	return st, nil
}

// PruneStore takes visits off record that are older than an age. With a clock that
// cannot be trusted nothing is old, which is an error here.
func PruneStore(st *store.Store, age time.Duration) (int, error) {
	return prune(st, host.NewClock(), age)
}

// forget does the same in a kiosk that runs.
func (a *App) forget(age time.Duration) (int, error) { return prune(a.store, a.clock, age) }

func prune(from interface {
	Prune(olderThan time.Time) (int, error)
}, clock *host.Clock, age time.Duration) (int, error) {
	if !clock.Trusted() {
		return 0, kiosk.Fail(kiosk.BadClock, "journal", errors.New("the clock of this device is not right, so that nobody can say what is old"))
	}
	return from.Prune(clock.Wall().Add(-age))
}

// wire makes everything but the store.
func (a *App) wire() error {
	var wrong []error
	for _, step := range []func() error{a.words, a.theme, a.servers} {
		if err := step(); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

func (a *App) words() error {
	for _, l := range a.settings.Languages {
		c, err := words.Open(l)
		if err != nil {
			return config.Problems{a.settings.NotOneOf("KIOSK_LANGUAGES", l, words.Languages())}
		}
		a.catalogues = append(a.catalogues, c)
	}
	return nil
}

func (a *App) theme() error {
	if t := a.settings.Theme; !slices.Contains(tui.Themes(), t) {
		return config.Problems{a.settings.NotOneOf("KIOSK_THEME", t, tui.Themes())}
	}
	return nil
}

// servers makes the ways to the authorization server and the protected API.
func (a *App) servers() error {
	s := a.settings
	roots, err := certificates(s.CA)
	if err != nil {
		return err
	}
	times := oidc.ClockOptions{
		Issuer: s.Issuer, Wall: a.clock.Wall, Uptime: a.clock.Now, Synchronised: a.clock.Kept, Earliest: a.clock.Floor(),
	}
	if a.wall != nil {
		times.Wall, times.Synchronised = a.wall, nil
	}
	a.time = oidc.NewClock(times)
	o, err := a.proofs()
	if err != nil {
		return err
	}
	if s.Delivery == "ping" {
		if a.pingCert, err = tls.X509KeyPair(s.PingCert.Data, s.PingKey.Data); err != nil {
			return kiosk.Fail(kiosk.Misconfigured, "KIOSK_PING_CERT_FILE and KIOSK_PING_KEY_FILE", err)
		}
		a.pings = ciba.NewPings(a.clock.Now, a.log)
	}
	auth, err := oidc.NewClientAuth(o)
	if err != nil {
		return err
	}
	transport := oidc.NewTransport(oidc.TransportOptions{Roots: roots, Certificate: o.Certificate, Clock: a.time})
	a.auth, a.transport = auth, transport
	var dpop *oidc.DPoP
	if s.DPoP {
		dpop = oidc.NewDPoP(a.time.Now)
	}
	var signer *oidc.ClientKey
	if s.SignedRequest {
		signer = o.Key
	}
	c := ciba.Config{
		Issuer: s.Issuer, ClientID: s.ClientID, Auth: auth, Contact: a.contact.met,
		Transport: transport, DPoP: dpop, SignKey: signer, Certificate: o.Certificate, AuthorizationDetails: s.AuthorizationDetails,
		Now: a.time.Now, Clock: a.time, Uptime: a.clock.Now, Log: a.log, Profile: s.Profile,
		Scope: strings.Join(s.Scope, " "), Audience: s.Audience, Resource: s.Resource, ACRValues: strings.Join(s.ACRValues, " "),
		RequestedExpiry: s.RequestedExpiry, BindingMessage: s.BindingMessage, Site: s.Site,
		Identifier: string(s.Identifier), LoginHint: s.LoginHint, LookupURL: address(s.LookupURL), SubjectClaim: s.SubjectClaim,
		DeviceClientID: s.DeviceClientID, Pings: a.pings,
	}
	if a.client, err = ciba.New(c); err != nil {
		return err
	}
	if s.TechnicianClaim != "" {
		if a.technicians, err = ciba.New(forTechnicians(c, s)); err != nil {
			return err
		}
	}
	var layout *api.Layout
	if s.ResultLayout.Set() {
		if layout, err = api.ParseLayout(s.ResultLayout.Path, s.ResultLayout.Data); err != nil {
			return kiosk.Fail(kiosk.Misconfigured, "KIOSK_RESULT_LAYOUT", err)
		}
	}
	a.resource, err = api.New(api.Options{URL: s.APIURL, Layout: layout, Client: transport.OneShotClient(), DPoP: dpop})
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_API_URL", err)
	}
	return nil
}

// forTechnicians is c for visits that ask for nothing but who it is: what comes of them
// opens no API. The phone says that this is no ordinary sign-in.
func forTechnicians(c ciba.Config, s *config.Settings) ciba.Config {
	c.Scope, c.Claim = strings.Join(s.TechnicianScope, " "), s.TechnicianClaim
	c.Audience, c.Resource, c.AuthorizationDetails = "", "", ""
	c.BindingMessage = "service-" + c.BindingMessage
	return c
}

// proofs reads what this device proves itself by: secret, key and certificate.
func (a *App) proofs() (o oidc.AuthOptions, err error) {
	s := a.settings
	o = oidc.AuthOptions{Method: string(s.ClientAuth), ClientID: s.ClientID, Secret: s.ClientSecret, Now: a.time.Now}
	if s.ClientKey.Set() {
		if o.Key, err = oidc.ParseClientKey(s.ClientKey.Data); err != nil {
			return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_KEY_FILE", err)
		}
	}
	if !s.ClientCert.Set() {
		return o, nil
	}
	if o.Certificate, err = oidc.ParseCertificate(s.ClientCert.Data, o.Key); err != nil {
		return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_CERT_FILE", err)
	}
	if !strings.HasPrefix(s.Issuer, "https:") {
		return o, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CLIENT_CERT_FILE", errors.New("mutual TLS needs a KIOSK_ISSUER with https"))
	}
	a.mine = o.Certificate
	if err := o.Certificate.CheckValidity(a.time.Now()); err != nil {
		a.log.Warn("mutual TLS", "trouble", err.Error())
	}
	return o, nil
}

// budgets reads the push guard's limits; the store is its memory.
func (a *App) budgets() error {
	person, err := guard.ParseRate(a.settings.GuardPerson)
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_GUARD_PERSON", err)
	}
	device, err := guard.ParseRate(a.settings.GuardDevice)
	if err != nil {
		return kiosk.Fail(kiosk.Misconfigured, "KIOSK_GUARD_DEVICE", err)
	}
	a.guard = guard.New(guard.Limits{Person: person, Device: device, Life: a.settings.RequestedExpiry}, a.store, a.clock)
	return nil
}

// runner is a kiosk.Runner over this App's parts, to be shown on d.
func (a *App) runner(d kiosk.Display) *runner.Runner {
	return &runner.Runner{
		Rules: a.rules(), Authorizer: a.client, Resource: a.resource, Journal: a.store, Revocations: a.store,
		Vault: vault.New(), Guard: a.guard, Display: d, Clock: a.clock, NewVisit: draw,
		Log: a.log, Trusted: a.clock.Trusted(),
	}
}

func (a *App) rules() kiosk.Rules {
	r := kiosk.DefaultRules()
	r.Kind = a.kind()
	r.Languages = len(a.catalogues)
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

func (a *App) place() screen.Device {
	name, err := os.Hostname()
	if err != nil {
		name = a.settings.Site
	}
	at := screen.Device{Site: a.settings.Site, Name: name, Link: a.settings.ReadyLink}
	for _, c := range a.catalogues {
		at.Languages = append(at.Languages, c.Name())
	}
	return at
}

// certificates reads the bundle that replaces the system's roots; nil keeps those.
func certificates(f config.File) (*x509.CertPool, error) {
	if !f.Set() {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(f.Data) {
		return nil, kiosk.Fail(kiosk.Misconfigured, "KIOSK_CA_FILE", fmt.Errorf("%s holds no certificate in PEM form", f.Path))
	}
	return pool, nil
}

func address(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}
