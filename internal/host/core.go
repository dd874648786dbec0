package host

import "runtime"

// UseOneProcessor has this program compute on one processor at a time. A kiosk waits nearly
// always, and what it does takes turns anyway; with more processors the runtime wakes
// another one for each goroutine that could run, looks there for work and goes to sleep
// again. On two that took a twelfth of a visit's processor time, and half a megabyte of
// memory. What blocks in the kernel, a flush of the card say, still holds up nobody.
func UseOneProcessor() { runtime.GOMAXPROCS(1) }
