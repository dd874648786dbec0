package daemon

import (
	"context"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// StartingCause returns the sentence for customers about why the device is not open yet; empty if there is none.
func (d *Daemon) StartingCause() screen.MessageID {
	id, _ := d.startingCause.Load().(screen.MessageID)
	return id
}

// startingCausePeriod is how often the cause is determined while customers read it. The health checks have delays, so that
// it does not flicker.
const startingCausePeriod = 5 * time.Second

// watchStartingCause keeps the cause up to date until ctx ends. While the device is open it checks nothing.
func (d *Daemon) watchStartingCause(ctx context.Context) {
	timer := time.NewTimer(startingCausePeriod)
	defer timer.Stop()
	for {
		phase, closed, changed := d.observer.current()
		timer.Stop()
		if phase == kiosk.Closed && closed&kiosk.Starting != 0 {
			timer.Reset(startingCausePeriod)
			cause := startingCauseOf(d.healthItems())
			if cause != d.StartingCause() {
				d.startingCause.Store(cause)
				d.Send(kiosk.Tick{}) // redraws the screen
			}
		} else {
			d.startingCause.Store(screen.MessageID(""))
		}
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// startingCauseOf returns the sentence for the root cause among items; empty if none of them keeps the device from reaching
// the authorization server.
func startingCauseOf(items []health.Item) screen.MessageID {
	for _, i := range items {
		if i.OK || i.Behind != "" {
			continue
		}
		switch i.Name {
		case "network":
			return screen.MsgClosedNetwork
		case "dns", "tls", "server":
			return screen.MsgClosedServer
		}
	}
	return ""
}
