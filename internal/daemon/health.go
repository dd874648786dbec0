package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/oidc"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Delays of health checks; the others have none.
const (
	cableDelay = 10 * time.Second // moving a cable to another socket
	heatDelay  = time.Minute      // sun through the shop's window
)

const (
	aliveLimit = 2 * time.Second // for the front end to show that it works
	sysfs      = "/sys"
)

// healthChecks returns the checks of the running kiosk. They ask no other machine: about the authorization server they
// report the outcome of the last attempt, which is about one check at most.
func (d *Daemon) healthChecks() []health.Check {
	contactFailed := func(matches func(error) bool) func() error {
		return func() error {
			if err := d.Contact.err(); err != nil && matches(err) {
				return err
			}
			return nil
		}
	}
	return []health.Check{
		{Name: "clock", Run: func() error {
			if !d.Clock.Trusted() {
				return errors.New("the time is before this program was built")
			}
			return contactFailed(hasReason(kiosk.BadClock))()
		}},
		{Name: "network", Delay: cableDelay, Run: host.NetworkProblem},
		{Name: "dns", Needs: []string{"network"}, Run: contactFailed(oidc.IsDNSError)},
		{Name: "tls", Needs: []string{"clock", "dns"}, Run: contactFailed(oidc.IsTLSError)},
		{Name: "client", Run: contactFailed(hasReason(kiosk.Misconfigured, kiosk.NotProvisioned))},
		{Name: "certificate", Needs: []string{"clock"}, Run: d.checkCertificate},
		{Name: "server", Needs: []string{"network", "clock", "dns", "tls", "client"}, Run: d.Contact.err},
		{Name: "disk", Run: func() error { return host.DiskProblem(d.Settings.StateDir) }},
		{Name: "store", Needs: []string{"disk"}, Run: d.checkRecord},
		{Name: "terminal", Run: d.checkFrontend},
		{Name: "temperature", Delay: heatDelay, Run: func() error { return host.TemperatureProblem(sysfs) }},
		{Name: "power", Run: func() error { return host.PowerProblem(sysfs) }},
		{Name: "guard", Run: func() error {
			if d.IsAbused() {
				return errors.New("too many requests for the same phone; the push guard rejects more")
			}
			return nil
		}},
	}
}

func hasReason(reasons ...kiosk.Reason) func(error) bool {
	return func(err error) bool {
		for _, r := range reasons {
			if kiosk.ReasonOf(err) == r {
				return true
			}
		}
		return false
	}
}

func (d *Daemon) checkCertificate() error {
	if d.Certificate == nil {
		return nil
	}
	return d.Certificate.CheckValidity(d.Now())
}

func (d *Daemon) checkRecord() error {
	if c := d.Record.Condition(); !c.Healthy {
		return errors.New("the record of visits is not written to disk: " + c.Cause)
	}
	return nil
}

func (d *Daemon) checkFrontend() error {
	if d.frontend == nil {
		return nil // the run has not begun
	}
	ctx, stop := context.WithTimeout(context.Background(), aliveLimit)
	defer stop()
	if d.frontend.Alive(ctx) != nil {
		return errors.New("the terminal does not accept output")
	}
	return nil
}

// healthItems returns the outcomes of all health checks.
func (d *Daemon) healthItems() []health.Item {
	items := d.board.Check(d.Clock.Now())
	for i := range items {
		items[i].Cause = sanitize.Line(items[i].Cause)
	}
	return items
}
