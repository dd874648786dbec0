package app

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/config"
	"github.com/ciba-kiosk/ciba-kiosk/internal/host"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Unopened says that a run never began: a setting is fine by itself, and yet what it
// names cannot be had, an address that another process has, say. Whoever has other
// settings can go on with those.
type Unopened struct{ Err error }

// Error is the cause's.
func (e *Unopened) Error() string { return e.Err.Error() }

// Unwrap gives the cause, with its kiosk.Reason.
func (e *Unopened) Unwrap() error { return e.Err }

func unopened(err error) error { return &Unopened{err} }

// Again says that a run has ended, while nobody stood there, to go on with other settings.
type Again struct{ Settings *config.Settings }

// Error is for whoever does not expect it.
func (*Again) Error() string { return "settings have changed" }

// rereading is the state of reading settings again.
type rereading struct {
	mu      sync.Mutex
	wrong   string
	pending *config.Settings
	ending  bool // the run ends for them
}

func (g *rereading) problem() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wrong
}

func (g *rereading) right(s *config.Settings) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending, g.wrong = s, ""
}

// mistaken notes what is wrong. Right ones that were read before and have not counted yet still will.
func (g *rereading) mistaken(wrong string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrong = wrong
}

// end says that the run ends now, to go on with what was read.
func (g *rereading) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ending = true
}

// next is what is gone on with; nil if the run ends for good.
func (g *rereading) next() *config.Settings {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ending {
		return nil
	}
	return g.pending
}

// reload reads the settings again. Wrong ones are told and dropped: the old ones
// count on. Right ones count once nobody stands there, however long that takes.
func (r *resident) reload(ctx context.Context) error {
	if r.options.Reread == nil {
		return errors.New("this kiosk cannot read its settings again")
	}
	r.send(host.Reloading())
	defer func() { r.ready.Store(r.send("READY=1")) }() // supervise says it again if need be
	s, err := r.options.Reread()
	if err == nil {
		err = Check(s)
	}
	if err == nil {
		err = r.free(s)
	}
	if err != nil {
		r.app.log.Error("settings: the old ones count on", "error", err)
		r.fresh.mistaken(sanitize.Line(err.Error()))
		return err
	}
	r.fresh.right(s)
	r.app.log.Info("settings: read again, to count when nobody stands there")
	go r.swap(ctx, func() { r.fresh.end(); r.stop() })
	return nil
}

// free says whether the addresses that new settings name are to be had, so that whoever
// asked for the reload hears of it at once, and not of a kiosk that came back with the old
// ones. A port that is our own now is left out: it will be free.
func (r *resident) free(s *config.Settings) error {
	ours := map[string]bool{}
	for _, address := range addresses(r.app.settings) {
		ours[port(address)] = true
	}
	for setting, address := range addresses(s) {
		if ours[port(address)] {
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

// addresses are what a kiosk with these settings listens at, by the setting.
func addresses(s *config.Settings) map[string]string {
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

// restart ends the program once nobody stands there, for the service manager to start it
// anew; without one the settings are read again, and all is opened anew with them.
func (r *resident) restart(ctx context.Context) {
	if !config.Supervised() {
		_ = r.reload(ctx) // it is in the log and the status
		return
	}
	r.app.log.Info("restart", "by", "a technician")
	go r.swap(ctx, r.stop)
}

// swap ends the run at Ready. The closure comes first: it takes effect when nobody
// stands there, and then nobody can begin. It is told again where the first contact
// with the authorization server, late and during a visit, has taken it away. Visits
// without a screen that wait for their turn stand there, too, for lineLimit: else they would
// end as cancelled for nothing that anybody did.
func (r *resident) swap(ctx context.Context, end func()) {
	limit := time.NewTimer(lineLimit)
	defer limit.Stop()
	late := false
	for {
		phase, closed, changed := r.seat.now()
		here, left := r.front.line()
		if phase == kiosk.Closed {
			end()
			return
		}
		if closed&kiosk.Starting == 0 && (here == 0 || late) {
			r.tell(kiosk.ClosureChanged{Closure: kiosk.Starting, On: true})
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

// lineLimit is for how long visits may come one upon the other, so that the line never
// ends, before new settings go before those that wait: as long as an upgrade waits.
const lineLimit = 10 * time.Minute

// again is why the run has ended: nil, or *Again.
func (r *resident) again() error {
	if s := r.fresh.next(); s != nil {
		return &Again{s}
	}
	return nil
}
