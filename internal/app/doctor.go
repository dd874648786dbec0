package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/doctor"
	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// DoctorOptions say what is examined.
type DoctorOptions struct {
	Settings *config.Settings // never nil
	Trouble  error            // of loading them
	EnvFile  string           // where they stand
	// status.Status asks the kiosk that runs; control.ErrNobody says that none does. nil asks nobody.
	Status func(context.Context) (status.Status, error)
	// Terminal is the path of the customer's terminal; empty: it is not looked at.
	Terminal string
	// PanelHeight is the height of the lit panel, Distance how far from it customers
	// stand, in millimetres. Without a height the display's own word counts.
	PanelHeight, Distance int

	wall     func() time.Time // see App
	root     string           // before /sys, /etc and so on; tests only
	disk     func(string) error
	readOnly func(string) error
	terminal func(string) (screen, error)
}

// Distance is how far customers stand from the panel unless somebody says so: an arm,
// the keyboard or scanner on the counter between them.
const Distance = 600

// Doctor examines this device and everything that it depends on. Nobody's phone rings,
// and nothing on the device is changed. tell, if not nil, hears of each line at once.
func Doctor(ctx context.Context, o DoctorOptions, tell func(doctor.Line)) doctor.Report {
	e := newExam(o)
	return doctor.Run(ctx, e.checks(), tell)
}

// exam is one examination. What several checks learn from is asked for once and kept.
type exam struct {
	DoctorOptions
	app     *App
	wired   error
	issuer  *url.URL
	meta    *oidc.Metadata
	probed  error // of the last look at the server's documents
	reached error // of the first exchange with the server
	date    time.Time
	running *status.Status
	asked   error
}

func newExam(o DoctorOptions) *exam {
	if o.disk == nil {
		o.disk = health.Disk
	}
	if o.readOnly == nil {
		o.readOnly = writable
	}
	if o.terminal == nil {
		o.terminal = lookAtScreen
	}
	if o.Distance <= 0 {
		o.Distance = Distance
	}
	e := &exam{DoctorOptions: o, app: &App{settings: o.Settings, log: slog.New(slog.DiscardHandler), clock: host.NewClock(), wall: o.wall}}
	if e.wired = o.Trouble; e.wired == nil {
		e.wired = e.app.wire()
	}
	e.issuer, _ = url.Parse(o.Settings.Issuer)
	return e
}

// looks bounds each check that asks somebody: a shop's line that needs longer is down.
const looks = 15 * time.Second

// checks are all there are, each behind those that it needs.
func (e *exam) checks() []doctor.Check {
	limited := func(look func(context.Context) doctor.Finding) func(context.Context) doctor.Finding {
		return func(ctx context.Context) doctor.Finding {
			ctx, stop := context.WithTimeout(ctx, looks)
			defer stop()
			return look(ctx)
		}
	}
	var all []doctor.Check
	add := func(name string, look func(context.Context) doctor.Finding, needs ...string) {
		all = append(all, doctor.Check{Name: name, Needs: needs, Look: limited(look)})
	}
	add("settings", e.settings)
	add("clock", e.clock)
	add("network", e.network)
	add("dns", e.dns, "settings", "network")
	add("route", e.route, "dns")
	add("tls", e.tls, "clock", "route")
	add("discovery", e.discovery, "tls")
	add("offers", e.offers, "discovery")
	add("certificate", e.certificate, "settings", "clock")
	add("client", e.client, "offers", "certificate")
	add("keys", e.keys, "discovery")
	add("scopes", e.scopes, "discovery")
	add("binding", e.binding, "discovery")
	add("subject", e.subject, "settings")
	add("lookup", e.lookup, e.way(e.Settings.LookupURL)...)
	add("api", e.api, e.way(e.Settings.APIURL)...)
	// The settings say where to look on the device. Where none of them can be seen, and not
	// only the value of one, nobody knows.
	var known []string
	if e.unseen() != "" && len(e.problems()) == 0 {
		known = []string{"settings"}
	}
	add("disk", e.space, known...)
	add("store", e.store, "disk")
	add("credentials", e.credentials, known...)
	add("terminal", e.size)
	add("glyphs", e.glyphs, "terminal")
	add("qr", e.code, "terminal", "settings")
	add("letters", e.letters, "terminal")
	add("units", e.units)
	add("watchdog", e.watchdog)
	add("board", e.board)
	add("resident", e.resident)
	return all
}

// way is what an address can be reached by: on the authorization server's own host,
// what that is reached by.
func (e *exam) way(to *url.URL) []string {
	if to != nil && e.issuer != nil && to.Host == e.issuer.Host {
		return []string{"settings", "tls"}
	}
	return []string{"settings", "network", "clock"}
}

func (e *exam) settings(context.Context) doctor.Finding {
	if e.wired == nil {
		return doctor.OK("every setting is right")
	}
	if what := e.unseen(); what != "" {
		cure := "run it as root, or as the kiosk's own user: sudo kiosk doctor"
		if all := e.problems(); len(all) > 0 && all[0].Sealed {
			cure = "have systemd open it, and each other one that is encrypted: " +
				"sudo systemd-run --pipe --wait -p LoadCredentialEncrypted=client-key:kiosk.client-key kiosk doctor"
		}
		return doctor.Unseen(what, cure)
	}
	cure := "correct it in " + e.EnvFile + ", then: kiosk config check"
	if errors.Is(e.wired, config.ErrNotProvisioned) {
		return doctor.Fail(kiosk.NotProvisioned, config.ErrNotProvisioned.Error(), "register this device: kiosk provision")
	}
	if all := e.problems(); len(all) > 0 {
		p := all[0]
		p.Value = "" // the report is passed on, and what stands in the wrong place may be a secret
		switch {
		case strings.Contains(p.Allowed, "chmod 600"):
			cure = "let nobody else read it: chmod 600 FILE, owned by the kiosk's user"
		case p.Near != "":
			cure = "write " + p.Near + " instead, in " + e.EnvFile + "; then: kiosk config check"
		}
		more := ""
		if len(all) > 1 {
			more = " (and more: kiosk config check)"
		}
		return doctor.Fail(kiosk.ReasonOf(e.wired), sanitize.Line(p.Error())+more, cure)
	}
	return doctor.Fail(kiosk.ReasonOf(e.wired), sanitize.Line(strings.SplitN(e.wired.Error(), "\n", 2)[0]), cure)
}

// unseen is which settings are not for this user to read, and no word about them being
// right or wrong; empty where something else is wrong, and for root and the kiosk's own
// user, who are to see all that is not encrypted for the service.
func (e *exam) unseen() string {
	if !errors.Is(e.wired, fs.ErrPermission) {
		return ""
	}
	what, all := sanitize.Line(e.wired.Error()), e.problems()
	if len(all) == 0 && e.insider() {
		return ""
	}
	if slices.ContainsFunc(all, func(p config.Problem) bool { return !p.Denied || e.insider() && !p.Sealed }) {
		return ""
	}
	if len(all) > 0 {
		p := all[0]
		p.Value, p.Allowed = "", "" // see settings
		what = sanitize.Line(p.Error())
	}
	return "not for this user to see: " + what
}

// problems are those of the settings, if they are what is wrong.
func (e *exam) problems() config.Problems {
	var all config.Problems
	errors.As(e.wired, &all)
	return all
}

// insider says whether this is root or the kiosk's own user.
func (e *exam) insider() bool { return os.Geteuid() == 0 || e.own() }

// own says whether this process is the kiosk's own user: to whom the state folder belongs.
func (e *exam) own() bool {
	info, err := os.Stat(e.Settings.StateDir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// clock looks at what the device believes and, where the server can be spoken to,
// at what that says.
func (e *exam) clock(ctx context.Context) doctor.Finding {
	const set = "set the clock, or let systemd-timesyncd reach a time server"
	now := e.now()
	day := now.UTC().Format(time.DateTime)
	if now.Before(e.app.clock.Floor()) {
		return doctor.Fail(kiosk.BadClock, "the device believes it to be "+day+" UTC, before this program was built", set)
	}
	if e.wired == nil && e.issuer != nil {
		e.reach(ctx)
	}
	switch kept, known := e.app.clock.Synchronised(); {
	case oidc.ClockSuspect(e.reached, now):
		return doctor.Fail(kiosk.BadClock, "the device believes it to be "+day+" UTC, when the server's certificate was not valid yet", set)
	case !e.date.IsZero() && now.Sub(e.date).Abs() > oidc.Tolerance:
		off := e.date.Sub(now).Round(time.Second)
		if e.app.time.Ahead().Abs() > time.Second {
			return doctor.Warn("the wall clock is off by "+off.String()+"; the kiosk goes by the server's date meanwhile", set)
		}
		return doctor.Fail(kiosk.BadClock, "the wall clock is off by "+off.String()+" from the server's", set)
	case known && !kept && e.date.IsZero() && e.wall == nil:
		return doctor.OK("%s UTC; no time service keeps it, and nobody could be asked", day)
	}
	return doctor.OK("%s UTC", day)
}

func (e *exam) now() time.Time {
	if e.wall != nil {
		return e.wall()
	}
	return e.app.clock.Wall()
}

func (e *exam) network(context.Context) doctor.Finding {
	if e.issuer != nil && here(e.issuer.Hostname()) {
		return doctor.OK("the server is on this device")
	}
	if err := health.Network(); err != nil {
		return doctor.Fail(kiosk.Unreachable, err.Error(), "plug the network cable in, or set up the wireless network")
	}
	return doctor.OK("the device has an address")
}

func here(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

func (e *exam) dns(ctx context.Context) doctor.Finding {
	host := e.issuer.Hostname()
	if net.ParseIP(host) != nil {
		return doctor.OK("an address needs no name server")
	}
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		var d *net.DNSError
		what := "the name " + host + " could not be looked up"
		if errors.As(err, &d) && d.IsNotFound {
			what = "the name " + host + " is not known"
		}
		return doctor.Fail(kiosk.Unreachable, what, "check KIOSK_ISSUER for a slip, and the name server in /etc/resolv.conf")
	}
	return doctor.OK("%s is known", host)
}

func (e *exam) route(ctx context.Context) doctor.Finding {
	port := e.issuer.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[e.issuer.Scheme]
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(e.issuer.Hostname(), port))
	if err != nil {
		return doctor.Fail(kiosk.Unreachable, "port "+port+" of "+e.issuer.Hostname()+" does not answer: "+shortly(err),
			"is the server up, the port in KIOSK_ISSUER right, and does the shop's firewall let it through?")
	}
	c.Close()
	return doctor.OK("port %s answers", port)
}

// shortly takes the addresses out of a network error.
func shortly(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		if op.Timeout() {
			return "no answer in time"
		}
		err = op.Err
	}
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}
