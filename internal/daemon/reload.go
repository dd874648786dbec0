package daemon

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// NewSettings is Run's error when the run has ended, between two visits, to continue with other settings.
type NewSettings struct{ Settings *config.Settings }

// Error implements error.
func (*NewSettings) Error() string { return "settings have changed" }

// settingsChange holds the outcome of the last reload.
type settingsChange struct {
	mu      sync.Mutex
	problem string           // why the last settings were rejected; empty if they were not
	pending *config.Settings // accepted, and not in use yet
	ending  bool             // the run ends to use them
}

func (c *settingsChange) rejected() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

func (c *settingsChange) accept(s *config.Settings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending, c.problem = s, ""
}

// reject notes a problem. Settings that were accepted before stay pending.
func (c *settingsChange) reject(problem string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problem = problem
}

// end notes that the run ends to use the pending settings.
func (c *settingsChange) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = true
}

// next returns the settings to continue with; nil if the run does not end for new settings.
func (c *settingsChange) next() *config.Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ending {
		return nil
	}
	return c.pending
}

// watchReload reloads the settings at each signal and restarts when a technician asks, until ctx ends.
func (d *Daemon) watchReload(ctx context.Context) {
	for {
		select {
		case <-d.Reload:
			_ = d.reload(ctx) // log and status show the error
		case <-d.restarts:
			d.restart(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the settings again. Valid ones are used from the next moment without a visit; invalid ones are reported and
// dropped.
func (d *Daemon) reload(ctx context.Context) error {
	if d.Reread == nil {
		return errors.New("this kiosk cannot reload its settings")
	}
	defer d.Supervisor.reloading()()
	s, err := d.Reread()
	if err == nil {
		err = d.Check(s)
	}
	if err == nil {
		err = d.checkAddresses(s)
	}
	if err != nil {
		d.Log.Error("settings rejected; the previous ones stay in use", "error", err)
		d.settings.reject(sanitize.Line(err.Error()))
		return err
	}
	d.settings.accept(s)
	d.Log.Info("settings reloaded; to be used after the present visit")
	go d.restartWhenIdle(ctx, func() { d.settings.end(); d.stop() })
	return nil
}

// checkAddresses reports an address in s that another process uses, so that the caller of reload learns it at once. Our own
// ports are skipped: they will be free.
func (d *Daemon) checkAddresses(s *config.Settings) error {
	own := map[string]bool{}
	for _, address := range listenAddresses(d.Settings) {
		own[port(address)] = true
	}
	for setting, address := range listenAddresses(s) {
		if own[port(address)] {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return kiosk.Fail(kiosk.Misconfigured, setting, err)
		}
		_ = l.Close()
	}
	return nil
}

// listenAddresses returns the addresses at which a kiosk with settings s listens, by setting.
func listenAddresses(s *config.Settings) map[string]string {
	all := map[string]string{}
	if s.Delivery == "ping" {
		all["KIOSK_PING_LISTEN"] = s.PingListen
	}
	if s.MetricsListen != "" {
		all["KIOSK_METRICS_LISTEN"] = s.MetricsListen
	}
	return all
}

func port(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}

// restart ends the process after the present visit, for the service manager to start it again. Without a service manager it
// reloads the settings, which reopens everything.
func (d *Daemon) restart(ctx context.Context) {
	if !config.Supervised() {
		_ = d.reload(ctx) // log and status show the error
		return
	}
	d.Log.Info("restart", "by", "a technician")
	go d.restartWhenIdle(ctx, d.stop)
}

// queueLimit is how long new settings wait for the visits in the queue, which clients may refill without end. An upgrade waits
// as long.
const queueLimit = 10 * time.Minute

// restartWhenIdle closes the kiosk and then calls end. The closure takes effect after the present visit, so that no other can
// begin. It is sent again if the first contact with the authorization server, late and during a visit, has removed it.
// Without a screen it also waits for the visits in the queue, up to queueLimit: otherwise they would end as cancelled for
// no visible reason.
func (d *Daemon) restartWhenIdle(ctx context.Context, end func()) {
	limit := time.NewTimer(queueLimit)
	defer limit.Stop()
	late := false
	for {
		phase, closed, changed := d.observer.current()
		if phase == kiosk.Closed {
			end()
			return
		}
		var queued int
		var left <-chan struct{}
		if d.visits != nil {
			queued, left = d.visits.Visits()
		}
		if closed&kiosk.Starting == 0 && (queued == 0 || late) {
			d.Send(kiosk.ClosureChanged{Closure: kiosk.Starting, On: true})
		}
		select {
		case <-changed:
		case <-left:
		case <-limit.C:
			late = true
		case <-ctx.Done():
			return
		}
	}
}
