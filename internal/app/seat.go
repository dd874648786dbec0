package app

import (
	"slices"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// seat is the place before the kiosk. It passes states on to the display and
// remembers, for the service manager and for whoever asks over the socket, whether
// somebody sits there and how visits went; never who.
type seat struct {
	display kiosk.Display

	mu      sync.Mutex
	begun   bool // there is a state: nobody can be served before
	phase   kiosk.Phase
	closed  kiosk.Closures
	visit   string        // of the request under way, to see when another one begins
	waiting time.Duration // when the phone began to ring; 0 if it does not
	figures Figures
	changed chan struct{} // closed at the next change of phase or closures
}

// Figures count visits since the start.
type Figures struct {
	// Shown is how many results were delivered, Ended how many visits ended without
	// one, by reason.
	Shown int            `json:"shown"`
	Ended map[string]int `json:"ended"`
	// Waits are the seconds that customers waited for their phones: how many, their
	// sum, and the median of the last of them (keptWaits).
	Waits      int     `json:"waits"`
	WaitSum    float64 `json:"wait_seconds_sum"`
	MedianWait float64 `json:"median_wait_seconds"`

	last    []float64
	buckets [len(waitBuckets)]int // how many waits were no longer than each
}

// waitBuckets are bounds of seconds: a quick thumb, a phone in a pocket, one that had
// to be looked for, the usual expiry.
var waitBuckets = [...]float64{5, 10, 20, 30, 60, 120}

// keptWaits is enough for a median that a busy morning does not blur.
const keptWaits = 101

func newSeat(d kiosk.Display) *seat {
	return &seat{display: d, figures: Figures{Ended: map[string]int{}}, changed: make(chan struct{})}
}

// Show implements kiosk.Display.
func (s *seat) Show(now time.Duration, is kiosk.State, p kiosk.Private) {
	s.note(now, is)
	s.display.Show(now, is, p)
}

func (s *seat) note(now time.Duration, is kiosk.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	if is.Phase == s.phase && is.Closures == s.closed && is.Visit == s.visit {
		return
	}
	if is.Phase != s.phase {
		if s.phase == kiosk.Waiting && !is.Technician {
			s.figures.waited(now - s.waiting)
		}
		switch is.Phase {
		case kiosk.Waiting:
			s.waiting = now
		case kiosk.Shown:
			s.figures.Shown++
		case kiosk.Ended:
			if is.Technician {
				break // no customer's
			}
			s.figures.Ended[is.Reason.String()]++
		}
	}
	s.phase, s.closed, s.visit = is.Phase, is.Closures, is.Visit
	close(s.changed)
	s.changed = make(chan struct{})
}

func (f *Figures) waited(d time.Duration) {
	f.Waits++
	f.WaitSum += d.Seconds()
	for i, most := range waitBuckets {
		if d.Seconds() <= most {
			f.buckets[i]++
		}
	}
	if f.last = append(f.last, d.Seconds()); len(f.last) > keptWaits {
		f.last = f.last[1:]
	}
}

// now is how it is at present, and a channel that is closed when that changes.
func (s *seat) now() (kiosk.Phase, kiosk.Closures, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase, s.closed, s.changed
}

// told is now as whoever asks from outside may hear it: until there is a state, the kiosk starts.
func (s *seat) told() (kiosk.Phase, kiosk.Closures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		return kiosk.Closed, kiosk.Starting
	}
	return s.phase, s.closed
}

// counted is a copy of the figures.
func (s *seat) counted() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.figures
	f.Ended = map[string]int{}
	for why, n := range s.figures.Ended {
		f.Ended[why] = n
	}
	if last := slices.Sorted(slices.Values(f.last)); len(last) > 0 {
		f.MedianWait = last[len(last)/2]
	}
	f.last = nil
	return f
}
