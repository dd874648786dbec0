package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// service is whether an operator has put the device out of service. It outlives a
// restart in a file of the state folder, and always ends by itself: a device that
// somebody forgot is a device that serves nobody.
type service struct {
	path string

	mu    sync.Mutex
	order Order
	until time.Duration // uptime at which it ends; 0: in service
	news  chan struct{} // has one when there is something new
}

// Order is an operator's word that the device is out of service.
type Order struct {
	Off   bool       `json:"off"`
	Text  string     `json:"text,omitempty"`  // shown to customers
	Until *time.Time `json:"until,omitempty"` // when it ends by itself
}

// Bounds of an order.
const (
	longestOff = 7 * 24 * time.Hour // a week of building works
	usualOff   = time.Hour          // where nothing is said
	mostText   = 160                // characters: three lines on a small screen
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
	var o Order
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
		o.Text = harmless(o.Text)
		s.set(o, up+left)
	}
	return nil
}

func (s *service) set(o Order, until time.Duration) {
	s.mu.Lock()
	s.order, s.until = o, until
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// now is the order in force, and how long it still is; 0 where none is.
func (s *service) now(up time.Duration) (Order, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.until - up; s.order.Off && left > 0 {
		return s.order, left
	}
	return Order{}, 0
}

// keep writes the order down, or removes it.
func (s *service) keep(o Order) error {
	if !o.Off {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.Marshal(o)
	if err == nil {
		err = os.WriteFile(s.path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(s.path+".new", s.path)
	}
	return err
}

// decree carries an operator's request out.
func (r *resident) decree(q Request) error {
	up, wall := r.app.clock.Now(), r.app.clock.Wall()
	if !q.Off {
		r.order.set(Order{}, 0)
		return r.order.keep(Order{})
	}
	d := usualOff
	if q.For != "" {
		var err error
		if d, err = time.ParseDuration(q.For); err != nil || d <= 0 || d > longestOff {
			return fmt.Errorf("for: a duration of at most %s is wanted, as 2h", longestOff)
		}
	}
	until := wall.Add(d).UTC().Truncate(time.Second)
	o := Order{Off: true, Text: harmless(q.Text), Until: &until}
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
			r.tell(kiosk.Closing{Why: kiosk.Maintenance, On: o.Off}) // again for another text
		}
		if off && !o.Off {
			_ = r.order.keep(Order{}) // over by itself; a file that stays is over, too
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

// harmless is a text from outside as one line that can be shown: no control or
// direction characters, no more than fits.
func harmless(s string) string {
	var b strings.Builder
	for _, c := range strings.Join(strings.Fields(s), " ") {
		if kiosk.Printable(c) {
			b.WriteRune(c)
		}
	}
	s = b.String()
	for n := utf8.RuneCountInString(s); n > mostText; n-- {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
