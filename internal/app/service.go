package app

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

// service is whether an operator has put the device out of service. It outlives a
// restart in a file of the state folder, and always ends by itself: a device that
// somebody forgot is a device that serves nobody.
type service struct {
	path string

	mu    sync.Mutex
	order status.Outage
	until time.Duration // uptime at which it ends; 0: in service
	news  chan struct{} // has one when there is something new
}

// Bounds of an order.
const (
	longestOff = 7 * 24 * time.Hour // a week of building works
	usualOff   = time.Hour          // where nothing is said
)

// orderFile is the order's name in the state folder.
const orderFile = "out-of-service.json"

func (a *App) service() *service {
	return &service{path: filepath.Join(a.settings.StateDir, orderFile), news: make(chan struct{}, 1)}
}

// load takes up the order that was in force before a restart. What cannot be read
// is no order.
func (s *service) load(wall time.Time, up time.Duration) error {
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var o status.Outage
	if err == nil {
		err = json.Unmarshal(b, &o)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", orderFile, err)
	}
	if !o.Off || o.Until == nil {
		return nil
	}
	// A clock that went back must not prolong it for ever.
	if left := min(o.Until.Sub(wall), longestOff); left > 0 {
		o.Text = sanitize.Line(o.Text)
		s.set(o, up+left)
	}
	return nil
}

func (s *service) set(o status.Outage, until time.Duration) {
	s.mu.Lock()
	s.order, s.until = o, until
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// now is the order in force, and how long it still is; 0 where none is.
func (s *service) now(up time.Duration) (status.Outage, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.until - up; s.order.Off && left > 0 {
		return s.order, left
	}
	return status.Outage{}, 0
}

// keep writes the order down, or removes it.
func (s *service) keep(o status.Outage) error {
	if !o.Off {
		return atomicfile.Remove(s.path)
	}
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return atomicfile.Write(s.path, b, 0o600, nil)
}

// decree carries an operator's request out.
func (r *resident) decree(q control.Request) error {
	up, wall := r.app.clock.Now(), r.app.clock.Wall()
	if !q.Off {
		r.order.set(status.Outage{}, 0)
		return r.order.keep(status.Outage{})
	}
	d := usualOff
	if q.For != "" {
		var err error
		if d, err = time.ParseDuration(q.For); err != nil || d <= 0 || d > longestOff {
			return fmt.Errorf("for: a duration of at most %s is wanted, as 2h", longestOff)
		}
	}
	until := wall.Add(d).UTC().Truncate(time.Second)
	o := status.Outage{Off: true, Text: sanitize.Line(q.Text), Until: &until}
	r.order.set(o, up+d)
	if err := r.order.keep(o); err != nil {
		return fmt.Errorf("out of service until %s, but a restart will forget it: %w", until.Format(time.RFC3339), err)
	}
	return nil
}

// obey opens and closes the device as the operator says, until ctx ends.
func (r *resident) obey(ctx context.Context) {
	off := false
	for {
		o, left := r.order.now(r.app.clock.Now())
		if o.Off || off {
			r.tell(kiosk.ClosureChanged{Closure: kiosk.Maintenance, On: o.Off}) // again for another text
		}
		if off && !o.Off {
			_ = r.order.keep(status.Outage{}) // over by itself; a file that stays is over, too
		}
		off = o.Off
		if !off {
			left = longestOff
		}
		t := time.NewTimer(left)
		select {
		case <-r.order.news:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		t.Stop()
	}
}
