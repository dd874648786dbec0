package main

import (
	"errors"
	"io"
	"time"
)

// Figures of the queue between the log and whoever reads it.
const (
	queuedLines = 256         // what is logged while a reader catches its breath
	flushLimit  = time.Second // how long the end waits for a reader
)

// unblocked is w without the waiting: a reader who has stopped reading must not
// stop a kiosk. Lines that find the queue full are dropped. flush writes what is
// left, for a second at the most.
func unblocked(w io.Writer) (out io.Writer, flush func()) {
	q, last, done := make(queue, queuedLines), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case line := <-q:
				_, _ = w.Write(line) // there is nowhere left to say that it failed
				continue
			default:
			}
			select {
			case line := <-q:
				_, _ = w.Write(line)
			case <-last:
				return // the queue was empty a moment ago
			}
		}
	}()
	return q, func() {
		close(last)
		limit := time.NewTimer(flushLimit)
		defer limit.Stop()
		select {
		case <-done:
		case <-limit.C:
		}
	}
}

// outputLimit is how long a reader of a visit's lines may stand still: whoever waits
// for the lines of a door does not go for a walk.
const outputLimit = 10 * time.Second

// timely is w for which nobody waits longer than outputLimit: then it is as if the reader had
// gone. A terminal is left as it is: somebody has stopped it, and knows.
func timely(w io.Writer) io.Writer {
	if isTerminal(w) {
		return w
	}
	return &punctual{w: w}
}

// punctual is not safe for concurrent use.
type punctual struct {
	w   io.Writer
	err error
}

var errNobodyReads = errors.New("nobody reads it")

// Write implements io.Writer. After an error nothing is written any more.
func (p *punctual) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	own := append([]byte(nil), b...) // the writer may outlive us
	done := make(chan error, 1)
	go func() {
		_, err := p.w.Write(own)
		done <- err
	}()
	limit := time.NewTimer(outputLimit)
	defer limit.Stop()
	select {
	case p.err = <-done:
	case <-limit.C:
		p.err = errNobodyReads
	}
	if p.err != nil {
		return 0, p.err
	}
	return len(b), nil
}

type queue chan []byte

// Write puts one line into the queue, or drops it.
func (q queue) Write(b []byte) (n int, err error) {
	select {
	case q <- append([]byte(nil), b...):
	default:
	}
	return len(b), nil
}
