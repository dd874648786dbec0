package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// observer watches the states. It knows whether a visit is in progress and how visits ended, but not whose they were.
type observer struct {
	mu       sync.Mutex
	phase    kiosk.Phase
	closed   kiosk.Closures
	visit    string        // the request in progress, to notice the next one
	waiting  time.Duration // uptime at which the customer began to wait for the phone
	counters status.Figures
	waits    []float64     // the last recentWaits ones
	changed  chan struct{} // closed at the next change
}

// recentWaits is enough for a median that one busy morning does not distort.
const recentWaits = 101

// newObserver returns an observer of a kiosk that is starting: before the first state it cannot serve.
func newObserver() *observer {
	return &observer{phase: kiosk.Closed, closed: kiosk.Starting, counters: status.Figures{Ended: map[string]int{}}, changed: make(chan struct{})}
}

// observe takes note of a state.
func (o *observer) observe(now time.Duration, s kiosk.State) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.Phase == o.phase && s.Closures == o.closed && s.Request.Visit == o.visit {
		return
	}
	if s.Phase != o.phase {
		o.count(now, s)
	}
	o.phase, o.closed, o.visit = s.Phase, s.Closures, s.Request.Visit
	close(o.changed)
	o.changed = make(chan struct{})
}

// count updates the figures at a change of phase. Technicians are not counted.
func (o *observer) count(now time.Duration, s kiosk.State) {
	if o.phase == kiosk.Waiting && !s.Technician {
		o.countWait((now - o.waiting).Seconds())
	}
	switch s.Phase {
	case kiosk.Waiting:
		o.waiting = now
	case kiosk.Shown:
		o.counters.Shown++
	case kiosk.Ended:
		if !s.Technician {
			o.counters.Ended[s.Ending.Reason.String()]++
		}
	}
}

func (o *observer) countWait(seconds float64) {
	o.counters.Waits++
	o.counters.WaitSum += seconds
	for i, bound := range status.WaitBounds {
		if seconds <= bound {
			o.counters.Buckets[i]++
		}
	}
	if o.waits = append(o.waits, seconds); len(o.waits) > recentWaits {
		o.waits = o.waits[1:]
	}
}

// current returns the phase and the closures, before the first state those of a kiosk that is starting, and a channel that is closed when one of them changes.
func (o *observer) current() (kiosk.Phase, kiosk.Closures, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.phase, o.closed, o.changed
}

// figures returns a copy of the figures.
func (o *observer) figures() status.Figures {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.counters
	f.Ended = maps.Clone(f.Ended)
	if sorted := slices.Sorted(slices.Values(o.waits)); len(sorted) > 0 {
		f.MedianWait = sorted[len(sorted)/2]
	}
	return f
}
