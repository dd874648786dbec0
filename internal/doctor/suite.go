package doctor

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/api"
	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
	"github.com/ciba-kiosk/ciba-kiosk/internal/ciba"
	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Options select what to examine.
type Options struct {
	Settings *config.Settings // never nil
	LoadErr  error            // from loading them
	EnvFile  string           // where they are
	// Status asks the running kiosk. Its error is control.ErrNobody if no kiosk runs. nil asks nobody.
	Status func(context.Context) (status.Status, error)
	// NotStarted says that no kiosk has to be running yet: the device is being provisioned.
	NotStarted bool
	// Terminal is the path of the customer's terminal; empty: none is examined.
	Terminal string
	// PanelHeight is the height of the lit panel in millimetres; 0: as the display reports it.
	PanelHeight int
	// Distance is how far from the panel customers stand, in millimetres; 0 is DefaultDistance.
	Distance int

	Machine Machine
}

// Machine replaces parts of the machine in tests. Zero values examine the real machine.
type Machine struct {
	Root         string // prefix of /sys, /etc and other folders of the system
	Wall         func() time.Time
	Disk         func(dir string) error
	Writable     func(dir string) error
	ReadTerminal func(path string) (font.Terminal, error)
	UnitState    func(ctx context.Context, unit string) (host.UnitState, error)
}

// DefaultDistance is an arm's length: keyboard or scanner stand on the counter between panel and customer.
const DefaultDistance = 600

// Suite holds the parts that are examined. Package app builds them from the settings.
type Suite struct {
	Options
	Config      config.Checks
	Server      oidc.ServerChecks
	CIBA        ciba.Checks
	Certificate *oidc.Certificate // of mutual TLS; nil if not configured
	// OpenStore opens the store for reading.
	OpenStore func() (*store.Store, error)

	terminal   font.Terminal
	noTerminal string // why the terminal was not examined

	asked     bool
	status    status.Status
	statusErr error
}

// checkLimit bounds each check that asks another machine. A line that needs longer is as good as broken.
const checkLimit = 15 * time.Second

// Checks returns all checks in the order of their dependencies.
func (s *Suite) Checks() []check.Check {
	s.setDefaults()
	var all []check.Check
	add := func(name string, run func(context.Context) check.Outcome, needs ...string) {
		all = append(all, check.Check{Name: name, Needs: needs, Run: func(ctx context.Context) check.Outcome {
			ctx, stop := context.WithTimeout(ctx, checkLimit)
			defer stop()
			return run(ctx)
		}})
	}
	local := func(run func() check.Outcome) func(context.Context) check.Outcome {
		return func(context.Context) check.Outcome { return run() }
	}
	add("settings", local(s.Config.CheckSettings))
	add("clock", func(ctx context.Context) check.Outcome { return s.Server.CheckClock(ctx, s.Config.Err == nil) })
	add("network", local(s.checkNetwork))
	add("dns", s.Server.CheckName, "settings", "network")
	add("route", s.Server.CheckRoute, "dns")
	add("tls", s.Server.CheckTLS, "clock", "route")
	add("discovery", s.CIBA.CheckDiscovery, "tls")
	add("offers", s.CIBA.CheckOffers, "discovery")
	add("certificate", local(s.checkCertificate), "settings", "clock")
	add("client", s.CIBA.CheckClient, "offers", "certificate")
	add("grant", s.CIBA.CheckGrant, "client")
	add("device", s.CIBA.CheckDeviceFlow, "offers")
	add("keys", s.CIBA.CheckKeys, "discovery")
	add("scopes", s.CIBA.CheckScopes, "discovery")
	add("binding", s.CIBA.CheckBinding, "discovery")
	add("subject", s.CIBA.CheckSubject, "settings")
	add("lookup", s.CIBA.CheckLookup, s.needsOf(s.Settings.LookupURL)...)
	add("api", s.checkAPI, s.needsOf(s.Settings.APIURL)...)
	// The settings name the files to examine. Without permission to read any of the settings, the names are unknown.
	var paths []string
	if s.Config.Hidden() != "" && len(s.Config.Problems()) == 0 {
		paths = []string{"settings"}
	}
	add("disk", local(s.checkDisk), paths...)
	add("store", s.checkStore, "disk")
	add("credentials", local(s.Config.CheckRights), paths...)
	add("terminal", local(s.onTerminal(font.Terminal.CheckSize)))
	add("glyphs", local(s.onTerminal(font.Terminal.CheckCharacters)), "terminal")
	add("qr", local(s.checkQR), "terminal", "settings")
	add("letters", local(s.onTerminal(s.checkLetters)), "terminal")
	add("units", local(s.units().CheckEnabled))
	add("watchdog", local(s.units().CheckWatchdog))
	add("board", func(context.Context) check.Outcome { return host.CheckBoard(s.sysfs()) })
	add("resident", s.checkRunning)
	return all
}

func (s *Suite) setDefaults() {
	m := &s.Machine
	if m.Disk == nil {
		m.Disk = host.DiskProblem
	}
	if m.Writable == nil {
		m.Writable = host.Writable
	}
	if m.ReadTerminal == nil {
		m.ReadTerminal = font.ReadTerminal
	}
	if s.Distance <= 0 {
		s.Distance = DefaultDistance
	}
}

func (s *Suite) sysfs() string { return s.Machine.Root + "/sys" }

// needsOf returns the prerequisites of reaching an address: on the authorization server's host, those of that server.
func (s *Suite) needsOf(address *url.URL) []string {
	if address != nil && s.Server.Issuer != nil && address.Host == s.Server.Issuer.Host {
		return []string{"settings", "tls"}
	}
	return []string{"settings", "network", "clock"}
}

func (s *Suite) checkNetwork() check.Outcome {
	server := ""
	if s.Server.Issuer != nil {
		server = s.Server.Issuer.Hostname()
	}
	return host.CheckNetwork(server)
}

func (s *Suite) checkCertificate() check.Outcome {
	return oidc.CheckCertificate(s.Certificate, s.Server.Clock.Now())
}

func (s *Suite) checkAPI(ctx context.Context) check.Outcome {
	return api.Check(ctx, s.Server.Transport, s.Settings.APIURL)
}

func (s *Suite) checkDisk() check.Outcome {
	return host.CheckDisk(s.Settings.StateDir, s.Machine.Disk, s.Machine.Writable)
}

// ask asks the running kiosk for its status, once.
func (s *Suite) ask(ctx context.Context) (status.Status, error) {
	if !s.asked {
		s.asked = true
		s.statusErr = control.ErrNotRunning
		if s.Status != nil {
			s.status, s.statusErr = s.Status(ctx)
		}
	}
	return s.status, s.statusErr
}

// checkStore asks the running kiosk about the record; without one it opens the store.
func (s *Suite) checkStore(ctx context.Context) check.Outcome {
	if running, err := s.ask(ctx); err == nil && running.SetUp == nil {
		return running.Record.Check()
	}
	if user, ok := host.FindServiceUser(s.Settings.StateDir); ok {
		var files []string
		for _, name := range store.Files() {
			files = append(files, filepath.Join(s.Settings.StateDir, name))
		}
		if file := user.ForeignFile(files...); file != "" {
			return check.Fail(kiosk.Internal, file+" does not belong to the kiosk's user "+user.Name+", who cannot use it", "sudo chown "+user.Name+": "+file)
		}
	}
	st, err := s.OpenStore()
	return store.Check(st, err, s.Settings.StoreKey.Sealed)
}

// checkRunning examines the running kiosk, or why none is running.
func (s *Suite) checkRunning(ctx context.Context) check.Outcome {
	running, err := s.ask(ctx)
	if !errors.Is(err, control.ErrNotRunning) {
		return status.Check(running, err)
	}
	if s.NotStarted {
		return check.Skip("no kiosk is running yet")
	}
	return s.units().CheckStopped(ctx)
}

func (s *Suite) units() host.Units {
	return host.Units{Root: s.Machine.Root, Show: s.Machine.UnitState}
}

// readTerminal reads the terminal once. If that is not possible, noTerminal says why.
func (s *Suite) readTerminal() {
	switch {
	case s.terminal.Columns > 0 || s.noTerminal != "":
	case s.Terminal == "":
		s.noTerminal = "there is no terminal here"
	default:
		var err error
		if s.terminal, err = s.Machine.ReadTerminal(s.Terminal); err != nil || s.terminal.Columns == 0 {
			s.noTerminal = "this user may not examine " + s.Terminal
		}
	}
}

func (s *Suite) onTerminal(run func(font.Terminal) check.Outcome) func() check.Outcome {
	return func() check.Outcome {
		if s.readTerminal(); s.noTerminal != "" {
			return check.Skip(s.noTerminal)
		}
		return run(s.terminal)
	}
}

func (s *Suite) panelHeight() float64 {
	if s.PanelHeight > 0 {
		return float64(s.PanelHeight)
	}
	return font.PanelHeight(s.sysfs())
}

func (s *Suite) checkLetters(t font.Terminal) check.Outcome {
	return t.CheckLetterHeight(s.panelHeight(), s.Distance)
}
