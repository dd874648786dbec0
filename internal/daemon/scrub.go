package daemon

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// scrubDelay is when a visit's connections, whose buffers hold what was sent over them, are closed for certain and its
// tokens are revoked.
const scrubDelay = 10 * time.Second

// scrubber scrubs memory after each visit. The vault zeroes its secrets, but requests, answers, JSON and screens contain
// copies in strings that cannot be zeroed. Once collected, the runtime overwrites them with
// GODEBUG=clobberfree=1, which the unit files set, and completely free pages return to the kernel, which clears them.
//
// Scrubbing costs as much as three visits. So one scrub serves all visits that end within scrubDelay. kiosk login needs
// none: its memory returns to the kernel with the process.
type scrubber struct {
	scrub func()
	busy  bool // used by observe only

	mu    sync.Mutex // the timer's goroutine scrubs
	timer *time.Timer
	due   bool // the timer runs
	again bool // another visit has ended since the timer was set
}

func newScrubber(scrub func()) *scrubber {
	s := &scrubber{scrub: scrub}
	s.timer = time.AfterFunc(time.Hour, s.fire)
	s.timer.Stop()
	return s
}

// observe sets the timer when a visit ends.
func (s *scrubber) observe(_ time.Duration, st kiosk.State) {
	if s.busy && !st.Busy() {
		s.schedule()
	}
	s.busy = st.Busy()
}

func (s *scrubber) schedule() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due {
		s.again = true
		return
	}
	s.due = true
	s.timer.Reset(scrubDelay)
}

func (s *scrubber) fire() {
	s.scrub()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = s.again
	if s.again {
		s.again = false
		s.timer.Reset(scrubDelay)
	}
}

// scrub collects garbage three times: memory in a pool, such as net/http's sorted headers, is released by the second
// collection and freed by the third.
func scrub() {
	for range 2 {
		runtime.GC()
	}
	debug.FreeOSMemory() // the third collection
}

// NewScrubber returns an observer of the runner that has memory scrubbed after each visit.
func NewScrubber() func(time.Duration, kiosk.State) { return newScrubber(scrub).observe }
