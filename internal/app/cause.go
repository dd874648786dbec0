package app

import (
	"context"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/health"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// cause is the sentence for customers about why the device is not open yet.
type cause struct {
	mu   sync.Mutex
	word screen.MessageID
}

func (c *cause) get() screen.MessageID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.word
}

// set says whether that is another one.
func (c *cause) set(w screen.MessageID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := w != c.word
	c.word = w
	return changed
}

// explainEvery is how often the cause is looked for while customers read it. The
// items of health have delays of their own, so that it does not flicker.
const explainEvery = 5 * time.Second

// explain has the screen say what keeps the device from opening, until ctx ends. While
// it is open, nothing is looked at.
func (r *resident) explain(ctx context.Context) {
	timer := time.NewTimer(explainEvery)
	defer timer.Stop()
	for {
		phase, closed, changed := r.seat.now()
		timer.Stop()
		if phase == kiosk.Closed && closed&kiosk.Starting != 0 {
			timer.Reset(explainEvery)
			if r.why.set(causeOf(r.look())) {
				r.tell(kiosk.Tick{}) // drawn anew
			}
		} else {
			r.why.set("")
		}
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// causeOf is what customers are told of the items of health; empty if none of them
// keeps the device from reaching the authorization server. Only a root is told: without
// a network there is no server, either.
func causeOf(items []health.Item) screen.MessageID {
	for _, i := range items {
		if i.Well || i.Behind != "" {
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
