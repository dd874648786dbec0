package app

import (
	"context"
	"io"
	"sync"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// Login plays one visit without a screen and writes its lines to out, as JSON or
// as sentences. It returns why the visit ended, kiosk.NoReason if the result was
// delivered. When ctx ends the visit is cancelled. The error is of out only.
func (a *App) Login(ctx context.Context, identifier kiosk.Secret, asJSON bool, out io.Writer) (kiosk.Reason, error) {
	over := make(chan struct{})
	l := a.lines(asJSON, out, func() { close(over) })
	if !a.clock.Trusted() {
		l.endWithout("", kiosk.BadClock)
		return l.reason, l.err
	}
	events := make(chan kiosk.Event)
	var tellers sync.WaitGroup
	run, stop := context.WithCancel(ctx)
	tellers.Go(func() {
		select {
		case events <- kiosk.Given{Identifier: identifier}:
		case <-run.Done():
			return
		}
		select {
		case <-over:
			stop() // nobody stands here who would read the result or press a key
		case <-run.Done():
		}
	})
	a.runner(l).Run(run, events)
	stop()
	tellers.Wait()
	l.endWithout("", kiosk.Cancelled)
	return l.reason, l.err
}

// Refuse writes the last line of a visit that could not even begin.
func Refuse(why kiosk.Reason, words kiosk.Words, asJSON bool, out io.Writer, clock kiosk.Clock) error {
	l := &lines{out: out, json: asJSON, words: words, wall: clock.Wall, over: func() {}}
	l.endWithout("", why)
	return l.err
}

func (a *App) lines(asJSON bool, out io.Writer, over func()) *lines {
	return &lines{out: out, json: asJSON, words: a.catalogues[0], place: a.place(), wall: a.clock.Wall, over: over}
}

// CheckIdentifier says what is wrong with an identifier before anything leaves
// the device, as a sentence; empty if nothing is.
func (a *App) CheckIdentifier(identifier string) string {
	if p := kiosk.Check(a.kind(), kiosk.Trim(a.kind(), identifier)); p != kiosk.NoProblem {
		return a.catalogues[0].Say(p.Sentence())
	}
	return ""
}
