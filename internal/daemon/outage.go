package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/atomicfile"
	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// OutageFile is the outage's file in the state folder.
const OutageFile = "out-of-service.json"

// Bounds of an outage. Every outage ends by itself, so that a forgotten one does not last for ever.
const (
	maxOutage     = 7 * 24 * time.Hour // a week of building works
	defaultOutage = time.Hour
)

// outage is the operator's order to be out of service. Its file makes it survive a restart.
type outage struct {
	path string

	mu      sync.Mutex
	order   status.Outage
	until   time.Duration // uptime at which it ends; 0: in service
	changed chan struct{} // has a value after a change
}

func newOutage(stateDir string) *outage {
	return &outage{path: filepath.Join(stateDir, OutageFile), changed: make(chan struct{}, 1)}
}

// load restores the outage that was in force before a restart. An unreadable file counts as none.
func (o *outage) load(wall time.Time, uptime time.Duration) error {
	b, err := os.ReadFile(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var order status.Outage
	if err == nil {
		err = json.Unmarshal(b, &order)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", OutageFile, err)
	}
	if !order.Off || order.Until == nil {
		return nil
	}
	// The limit keeps a clock that was set back from prolonging the outage.
	if left := min(order.Until.Sub(wall), maxOutage); left > 0 {
		order.Text = sanitize.Line(order.Text)
		o.set(order, uptime+left)
	}
	return nil
}

func (o *outage) set(order status.Outage, until time.Duration) {
	o.mu.Lock()
	o.order, o.until = order, until
	o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// now returns the outage in force and how long it still lasts; zero values if there is none.
func (o *outage) now(uptime time.Duration) (status.Outage, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if left := o.until - uptime; o.order.Off && left > 0 {
		return o.order, left
	}
	return status.Outage{}, 0
}

// save writes the file of an outage, or removes it.
func (o *outage) save(order status.Outage) error {
	if !order.Off {
		return atomicfile.Remove(o.path)
	}
	b, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return atomicfile.Write(o.path, b, 0o600, nil)
}

// setOutage begins or ends an outage as an operator or a technician requests.
func (d *Daemon) setOutage(q control.Request) error {
	if !q.Off {
		d.outage.set(status.Outage{}, 0)
		return d.outage.save(status.Outage{})
	}
	duration := defaultOutage
	if q.For != "" {
		var err error
		if duration, err = time.ParseDuration(q.For); err != nil || duration <= 0 || duration > maxOutage {
			return fmt.Errorf("for: want a duration of at most %s, such as 2h", maxOutage)
		}
	}
	until := d.Clock.Wall().Add(duration).UTC().Truncate(time.Second)
	order := status.Outage{Off: true, Text: sanitize.Line(q.Text), Until: &until}
	d.outage.set(order, d.Clock.Now()+duration)
	if err := d.outage.save(order); err != nil {
		return fmt.Errorf("out of service until %s, but a restart will end the outage: %w", until.Format(time.RFC3339), err)
	}
	return nil
}

// watchOutage opens and closes the device with the outage until ctx ends.
func (d *Daemon) watchOutage(ctx context.Context) {
	off := false
	for {
		order, left := d.outage.now(d.Clock.Now())
		if order.Off || off {
			d.Send(kiosk.ClosureChanged{Closure: kiosk.Maintenance, On: order.Off}) // repeated when the text has changed
		}
		if off && !order.Off {
			_ = d.outage.save(status.Outage{}) // the outage has ended; a file that remains has expired, too
		}
		off = order.Off
		if !off {
			left = maxOutage
		}
		t := time.NewTimer(left)
		select {
		case <-d.outage.changed:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		t.Stop()
	}
}
