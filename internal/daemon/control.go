package daemon

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Handlers implements State.
func (d *Daemon) Handlers() control.Handlers {
	return control.Handlers{
		"status":    d.handleStatus,
		"service":   d.handleService,
		"wait-idle": d.handleWaitIdle,
		"reload":    d.handleReload,
		"prune":     d.handlePrune,
		"snapshot":  d.handleSnapshot,
		"visit":     d.handleVisit,
	}
}

func (d *Daemon) handleStatus(context.Context, *control.Client, control.Request) (any, error) {
	return d.status(), nil
}

func (d *Daemon) handleService(_ context.Context, c *control.Client, q control.Request) (any, error) {
	d.Log.Warn("service", "off", q.Off, "uid", c.UID, "pid", c.PID)
	return control.Done{OK: true}, d.setOutage(q)
}

func (d *Daemon) handleReload(ctx context.Context, _ *control.Client, _ control.Request) (any, error) {
	return control.Done{OK: true}, d.reload(ctx)
}

func (d *Daemon) handleWaitIdle(ctx context.Context, c *control.Client, q control.Request) (any, error) {
	return WaitIdle(ctx, c, q.Limit, func() (bool, <-chan struct{}) {
		phase, _, changed := d.observer.current()
		return phase == kiosk.Ready || phase == kiosk.Closed, changed
	})
}

// WaitIdle answers wait-idle when isIdle returns true, at the latest after limit. isIdle also returns a channel that is closed
// when its result may have changed.
func WaitIdle(ctx context.Context, c *control.Client, limit string, isIdle func() (bool, <-chan struct{})) (any, error) {
	d, err := time.ParseDuration(limit)
	if err != nil || d < 0 {
		return nil, errors.New("limit: want a duration, such as 10m")
	}
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		idle, changed := isIdle()
		if idle {
			return control.Idle{Idle: true}, nil
		}
		select {
		case <-changed:
		case <-t.C:
			return control.Idle{Idle: false}, nil
		case <-c.Disconnected():
			return nil, nil
		case <-ctx.Done():
			return control.Idle{Idle: true}, nil
		}
	}
}

// handlePrune removes visits from the record that are older than q.Age; without it, than KIOSK_RETENTION.
func (d *Daemon) handlePrune(_ context.Context, c *control.Client, q control.Request) (any, error) {
	age := d.Settings.Retention
	if q.Age != "" {
		var err error
		if age, err = time.ParseDuration(q.Age); err != nil || age <= 0 {
			return nil, errors.New("age: want a duration, such as 720h")
		}
	}
	// A front end may use the kiosk, but must not erase what it did.
	if age < d.Settings.Retention && !c.IsOwner() {
		return nil, errors.New("age: only root and the kiosk's user may remove visits younger than KIOSK_RETENTION")
	}
	d.Log.Info("journal", "prune", age.String(), "uid", c.UID, "pid", c.PID)
	removed, err := Prune(d.Record, d.Clock, age)
	if err != nil {
		return nil, err
	}
	return control.Pruned{Visits: removed}, nil
}

// handleSnapshot sends the database to those who may read its file anyway: the socket is open to a group, the file is not.
// They may also have the store key: root's commands cannot decrypt a credential that is sealed for the service.
func (d *Daemon) handleSnapshot(_ context.Context, c *control.Client, q control.Request) (any, error) {
	if !c.IsOwner() {
		return nil, errors.New("snapshot: only root and the kiosk's user may read the database")
	}
	key := ""
	if q.Key {
		key = string(d.Settings.StoreKey.Data)
	}
	return nil, d.Record.WriteSnapshot(func(content io.WriterTo, size int64) error {
		if err := c.Stream(control.Snapshot{Size: size, Key: key}, content, size); err != nil {
			d.Log.Warn("snapshot", "error", err, "uid", c.UID, "pid", c.PID) // the connection is closed: no answer can follow
		}
		return nil
	})
}

// handleVisit runs a visit for kiosk login.
func (d *Daemon) handleVisit(ctx context.Context, c *control.Client, q control.Request) (any, error) {
	if d.visits == nil {
		return nil, errors.New("a kiosk with a screen is running on this device: visits are made there")
	}
	return d.visits.ServeVisit(ctx, c, q)
}

// ServeLine implements State: the line is the identifier of a visit.
func (d *Daemon) ServeLine(ctx context.Context, c *control.Client, line kiosk.Secret) {
	if d.visits == nil {
		c.Reply(nil, errors.New("this kiosk has a screen: visits are made there"))
		return
	}
	d.visits.ServeLine(ctx, c, line)
}
