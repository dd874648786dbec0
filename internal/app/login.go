package app

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Login plays one visit without a screen and writes its lines to out, as JSON or
// as sentences. It returns why the visit ended, kiosk.NoReason if the result was
// delivered. When ctx ends the visit is cancelled. Where the server wants a user
// code, code is asked for one, each time anew; an empty one ends the visit. The
// error is of out only.
func (a *App) Login(ctx context.Context, identifier kiosk.Secret, asJSON bool, out io.Writer, code func(context.Context) kiosk.Secret) (kiosk.Reason, error) {
	over, wanted := make(chan struct{}), make(chan struct{}, 1)
	l := a.lines(asJSON, out, func() { close(over) })
	l.prove = func() { wanted <- struct{}{} } // one at a time: the next needs the answer to this one
	if !a.clock.Trusted() {
		l.endWithout(kiosk.BadClock)
		return l.reason, l.err
	}
	events := make(chan kiosk.Event)
	var tellers sync.WaitGroup
	run, stop := context.WithCancel(ctx)
	tellers.Go(func() {
		select {
		case events <- kiosk.IdentifierEntered{Identifier: identifier}:
		case <-run.Done():
			return
		}
		for {
			select {
			case <-over:
				stop() // nobody stands here who would read the result or press a key
				return
			case <-wanted:
				typed := make(chan kiosk.Secret, 1)
				go func() { // whoever types is not waited for once the visit is over
					typed <- code(run)
				}()
				select {
				case c := <-typed:
					select {
					case events <- kiosk.UserCodeEntered{Code: c}:
					case <-run.Done():
						c.Zero()
					}
				case <-over:
					stop()
					(<-typed).Zero() // it returns by now, and the terminal is as it was
					return
				case <-run.Done():
					(<-typed).Zero()
					return
				}
			case <-run.Done():
				return
			}
		}
	})
	ended := make(chan struct{})
	tellers.Go(func() {
		defer close(ended)
		r := a.runner(l)
		r.Rules.NoScreen = true
		r.Run(run, events)
		stop()
		l.endWithout(kiosk.Cancelled)
		a.pruneOnce()
	})
	select {
	case <-ended:
	case <-late(ctx):
		// Whoever reads our lines has stopped reading, so the visit cannot be told to
		// its end. What it came to is on record, or the next start finds out.
		return kiosk.Cancelled, errors.New("output: nobody reads it")
	}
	tellers.Wait()
	return l.reason, l.err
}

// patience is how long a visit may take to end after it was told to: giving tokens
// back has 5 s, the store 2 s.
const patience = 8 * time.Second

// late is closed some time after ctx has ended.
func late(ctx context.Context) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		<-ctx.Done()
		if wait(context.Background(), patience) {
			close(out)
		}
	}()
	return out
}

// Refuse writes the last line of a visit that could not even begin.
func Refuse(why kiosk.Reason, words screen.Catalog, asJSON bool, out io.Writer, clock kiosk.Clock) error {
	l := &lines{out: out, json: asJSON, words: words, wall: clock.Wall, over: func() {}}
	l.endWithout(why)
	return l.err
}

func (a *App) lines(asJSON bool, out io.Writer, over func()) *lines {
	return &lines{out: out, json: asJSON, words: a.catalogues[0], place: a.place(), wall: a.clock.Wall, over: over}
}

// CheckIdentifier says what is wrong with an identifier before anything leaves
// the device, as a sentence; empty if nothing is.
func (a *App) CheckIdentifier(identifier string) string {
	if p := kiosk.Check(a.kind(), kiosk.Trim(a.kind(), identifier)); p != kiosk.NoProblem {
		return a.catalogues[0].Text(screen.ProblemText(p))
	}
	return ""
}

// CodePrompt is what to ask for where the server wants a user code.
func (a *App) CodePrompt() string { return a.catalogues[0].Text(screen.MsgCodeLabel) + ": " }
