package tui

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// Close gives the terminal back as it was found. It is safe to call twice and
// from several goroutines; all get the same answer. It returns within about a
// second, even if tcell or the terminal do not: then the terminal's mode is
// restored without them, and the error says so.
func (s *Screen) Close() error {
	s.once.Do(func() { s.err = s.close() })
	return s.err
}

func (s *Screen) close() error {
	watchdog := time.NewTimer(closeLimit)
	defer watchdog.Stop()
	close(s.quit)

	// From here keys are thrown away. What was read before comes through tcell's
	// queues until the end mark; only then is it sure that Fini cannot hang on them.
	s.tty.discard.Store(true)
	_ = s.tty.Drain()
	patience := time.NewTimer(closeLimit / 4)
	defer patience.Stop()
	// The painter must have ended too: tcell would go on drawing after Fini, on a
	// terminal that is no longer ours.
	for _, ended := range []chan struct{}{s.drained, s.painted} {
		select {
		case <-ended:
		case <-patience.C:
			patience.Reset(0) // the time is for both together
		}
	}

	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }() // the way out must not fail on the way out
		<-s.painted                      // a painter that is stuck in a write still holds tcell's cells
		s.tcell.Fini()
		s.blanker.end()
	}()
	select {
	case <-done:
		return nil
	case <-watchdog.C:
		s.forceRestore()
		return errors.New("terminal: did not let go in time; its mode was restored by force")
	}
}

// restoreSequence undoes what tcell's start sequence did, for a terminal that tcell could
// not leave itself: attributes, cursor, margins, paste and keyboard modes, other screen.
const restoreSequence = "\x1b[0m\x0f\x1b[?25h\x1b[?0c\x1b[?7h\x1b[?2004l\x1b[?1000l\x1b[?1006l\x1b[?1049l\r\n"

func (s *Screen) forceRestore() {
	go func() { _, _ = s.tty.Write([]byte(restoreSequence)) }() // may block for ever; the process is about to end
	_ = s.tty.Stop()
	s.blanker.end()
}

// RecoverPanic is to be deferred, by its name, in every goroutine that could panic
// while the terminal is taken over. After a panic it gives the terminal back, so
// that the report can be read and the next program finds a usable terminal, and
// panics on with the same value.
func (s *Screen) RecoverPanic() {
	if p := recover(); p != nil {
		_ = s.Close()
		panic(p)
	}
}

// Go runs f in a goroutine that gives the terminal back before a panic goes on.
// Nobody else can recover it, so its value is printed: that of our own panics and of
// libraries is left out, since it may quote what was typed or is on the screen.
func (s *Screen) Go(f func()) {
	go func() {
		if what := runCaught(f); what != "" {
			_ = s.Close()
			panic(what)
		}
	}()
}

// runCaught runs f and says what it panicked with, without the value. The panic must
// be over by the time of the next one: the report prints all that are not.
func runCaught(f func()) (what string) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		what = fmt.Sprintf("%T", p)
		if e, ok := p.(runtime.Error); ok {
			what = e.Error() // the language's own: types, indices and lengths
		}
		what += "\n" + string(debug.Stack())
	}()
	f()
	return ""
}
