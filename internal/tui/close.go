package tui

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// Close restores the terminal as it was. It can be called several times and from several goroutines; all get the same
// answer. It returns within about a second even if tcell or the terminal hangs: then it restores the terminal's mode
// without them, and the error says so.
func (s *Screen) Close() error {
	s.once.Do(func() { s.err = s.close() })
	return s.err
}

func (s *Screen) close() error {
	watchdog := time.NewTimer(closeLimit)
	defer watchdog.Stop()
	defer s.restorePalette(s.device)
	close(s.quit)

	// From here keys are discarded. Earlier ones pass through tcell's queues until the end mark; only then is it certain
	// that Fini does not hang on them.
	s.tty.discard.Store(true)
	_ = s.tty.Drain()
	patience := time.NewTimer(closeLimit / 4)
	defer patience.Stop()
	// The painter must have ended as well: tcell would draw after Fini on a terminal that belongs to others.
	for _, ended := range []chan struct{}{s.drained, s.painted} {
		select {
		case <-ended:
		case <-patience.C:
			patience.Reset(0) // one limit for both
		}
	}

	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }() // Close must not fail because tcell panics
		<-s.painted                      // a painter that hangs in a write holds tcell's cells
		s.tcell.Fini()
		s.blanker.end()
	}()
	select {
	case <-done:
		return nil
	case <-watchdog.C:
		s.forceRestore()
		return errors.New("terminal: close timed out; its mode was restored without it")
	}
}

// restoreSequence undoes tcell's start sequence on a terminal that tcell could not leave: attributes, cursor, margins,
// paste and keyboard modes, alternate screen.
const restoreSequence = "\x1b[0m\x0f\x1b[?25h\x1b[?0c\x1b[?7h\x1b[?2004l\x1b[?1000l\x1b[?1006l\x1b[?1049l\r\n"

func (s *Screen) forceRestore() {
	go func() { _, _ = s.tty.Write([]byte(restoreSequence)) }() // may block for ever; the process is about to end
	_ = s.tty.Stop()
	s.blanker.end()
}

// RecoverPanic must be deferred in every goroutine that could panic while the terminal is open. After a panic it
// restores the terminal, so that the report is readable and the next program finds a usable terminal, and panics again
// with the same value.
func (s *Screen) RecoverPanic() {
	if p := recover(); p != nil {
		_ = s.Close()
		panic(p)
	}
}

// Go runs f in a goroutine that restores the terminal before a panic goes on. Nobody can recover that panic, so the
// runtime prints its value. Values of our own panics and of libraries are left out: they may quote what was typed or
// shown.
func (s *Screen) Go(f func()) {
	go func() {
		if what := runCaught(f); what != "" {
			_ = s.Close()
			panic(what)
		}
	}()
}

// runCaught runs f and returns what it panicked with, without the value. The panic has to end before the next one,
// because the report prints all that are in progress.
func runCaught(f func()) (what string) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		what = fmt.Sprintf("%T", p)
		if e, ok := p.(runtime.Error); ok {
			what = e.Error() // the runtime's: types, indices and lengths only
		}
		what += "\n" + string(debug.Stack())
	}()
	f()
	return ""
}
