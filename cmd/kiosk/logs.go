package main

import (
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

type queue chan []byte

// Write puts one line into the queue, or drops it.
func (q queue) Write(b []byte) (n int, err error) {
	select {
	case q <- append([]byte(nil), b...):
	default:
	}
	return len(b), nil
}
