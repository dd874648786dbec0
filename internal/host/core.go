package host

import "runtime"

// UseOneProcessor restricts this program to one processor at a time. A kiosk waits most of the time. With more
// processors the runtime wakes one for each goroutine that can run; on two processors that took a twelfth of a visit's
// processor time and half a megabyte of memory. System calls still run in parallel.
func UseOneProcessor() { runtime.GOMAXPROCS(1) }
