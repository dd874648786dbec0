package app

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// sweepAfter is when the connections of a visit are closed for certain, whose
// buffers hold what went over them, and tokens given back.
const sweepAfter = 10 * time.Second

// sweeper is a display that has the memory swept after each visit. The vault zeroes
// what it holds; but strings in requests and answers, JSON and screens are copies
// that nobody can zero. Once collected they are overwritten where the runtime is
// told to (GODEBUG=clobberfree=1, as in the unit files), and whole free pages go
// back to the kernel, which clears them.
//
// A sweep costs as much as three visits, so there is one after a visit, and where visits
// follow each other quickly one for all that ended within sweepAfter. It is for
// kiosks that stay: the memory of kiosk login goes back to the kernel with the process.
type sweeper struct {
	kiosk.Display
	sweep func()
	busy  bool // Show is the runner's alone

	mu    sync.Mutex // the timer's goroutine sweeps
	timer *time.Timer
	due   bool // the timer runs
	more  bool // another visit has ended since it was set
}

func newSweeper(d kiosk.Display, sweep func()) *sweeper {
	s := &sweeper{Display: d, sweep: sweep}
	s.timer = time.AfterFunc(time.Hour, s.fire)
	s.timer.Stop()
	return s
}

// Show implements kiosk.Display.
func (s *sweeper) Show(now time.Duration, st kiosk.State, p kiosk.Private) {
	s.Display.Show(now, st, p)
	if s.busy && !st.Busy() {
		s.ended()
	}
	s.busy = st.Busy()
}

func (s *sweeper) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due {
		s.more = true
		return
	}
	s.due = true
	s.timer.Reset(sweepAfter)
}

func (s *sweeper) fire() {
	s.sweep()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = s.more
	if s.more {
		s.more = false
		s.timer.Reset(sweepAfter)
	}
}

// sweep collects until nothing is left: what lies in a pool, as net/http's sorted
// headers do, is let go at the second collection and gone after the third.
func sweep() {
	for range 2 {
		runtime.GC()
	}
	debug.FreeOSMemory() // collects, too
}
