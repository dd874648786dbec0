package app

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// sweepLater is when the connections of a visit are closed for certain, whose
// buffers hold what went over them, and tokens given back.
const sweepLater = 10 * time.Second

// sweeper is a display that has the memory swept after each visit. The vault zeroes
// what it holds; but strings in requests and answers, JSON and screens are copies
// that nobody can zero. Once collected they are overwritten where the runtime is
// told to (GODEBUG=clobberfree=1, as in the unit files), and whole free pages go
// back to the kernel, which clears them.
type sweeper struct {
	kiosk.Display
	busy  bool
	later *time.Timer
}

func newSweeper(d kiosk.Display) *sweeper {
	later := time.AfterFunc(time.Hour, sweep)
	later.Stop()
	return &sweeper{Display: d, later: later}
}

// Show implements kiosk.Display.
func (s *sweeper) Show(now time.Duration, st kiosk.State, p kiosk.Private) {
	s.Display.Show(now, st, p)
	if s.busy && !st.Busy() {
		go sweep() // the next customer does not wait for it
		s.later.Reset(sweepLater)
	}
	s.busy = st.Busy()
}

// sweep collects until nothing is left: what lies in a pool, as net/http's sorted
// headers do, is let go at the second collection and gone after the third.
func sweep() {
	for range 2 {
		runtime.GC()
	}
	debug.FreeOSMemory() // collects, too
}
