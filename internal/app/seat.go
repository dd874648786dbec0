package app

import (
	"slices"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/status"
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
	figures status.Figures
	waits   []float64     // the last of them
	changed chan struct{} // closed at the next change of phase or closures
}

// keptWaits is enough for a median that a busy morning does not blur.
const keptWaits = 101

func newSeat(d kiosk.Display) *seat {
	return &seat{display: d, figures: status.Figures{Ended: map[string]int{}}, changed: make(chan struct{})}
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
			s.waited(now - s.waiting)
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

func (s *seat) waited(d time.Duration) {
	f := &s.figures
	f.Waits++
	f.WaitSum += d.Seconds()
	for i, most := range status.WaitBounds {
		if d.Seconds() <= most {
			f.Buckets[i]++
		}
	}
	if s.waits = append(s.waits, d.Seconds()); len(s.waits) > keptWaits {
		s.waits = s.waits[1:]
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
func (s *seat) counted() status.Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.figures
	f.Ended = map[string]int{}
	for why, n := range s.figures.Ended {
		f.Ended[why] = n
	}
	if last := slices.Sorted(slices.Values(s.waits)); len(last) > 0 {
		f.MedianWait = last[len(last)/2]
	}
	return f
}
