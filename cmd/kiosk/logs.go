package main

import (
	"errors"
	"io"
	"time"
)

// Limits of the queue between the log and its reader.
const (
	maxQueuedLines = 256         // lines logged while the reader is busy
	flushTimeout   = time.Second // how long flush waits for the reader
)

// nonBlocking returns a writer to w that never waits: a reader that has stopped must not stop a kiosk. If the queue is
// full, lines are dropped. flush writes the rest, for a second at most.
func nonBlocking(w io.Writer) (out io.Writer, flush func()) {
	q, last, done := make(lineQueue, maxQueuedLines), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case line := <-q:
				_, _ = w.Write(line) // there is nowhere to report a failure
				continue
			default:
			}
			select {
			case line := <-q:
				_, _ = w.Write(line)
			case <-last:
				return // the queue is empty
			}
		}
	}()
	return q, func() {
		close(last)
		limit := time.NewTimer(flushTimeout)
		defer limit.Stop()
		select {
		case <-done:
		case <-limit.C:
		}
	}
}

// outputTimeout is how long a reader of a visit's lines may stop reading.
const outputTimeout = 10 * time.Second

// limitWrites returns a writer to w that fails after outputTimeout, as if the reader had gone. A terminal is returned
// as it is: a person has stopped it and knows.
func limitWrites(w io.Writer) io.Writer {
	if isTerminal(w) {
		return w
	}
	return &timedWriter{w: w}
}

// timedWriter is not safe for concurrent use.
type timedWriter struct {
	w   io.Writer
	err error
}

var errWriteTimeout = errors.New("the reader has stopped")

// Write implements io.Writer. After an error it writes nothing.
func (p *timedWriter) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	own := append([]byte(nil), b...) // the goroutine may outlive this call
	done := make(chan error, 1)
	go func() {
		_, err := p.w.Write(own)
		done <- err
	}()
	limit := time.NewTimer(outputTimeout)
	defer limit.Stop()
	select {
	case p.err = <-done:
	case <-limit.C:
		p.err = errWriteTimeout
	}
	if p.err != nil {
		return 0, p.err
	}
	return len(b), nil
}

type lineQueue chan []byte

// Write queues one line, or drops it.
func (q lineQueue) Write(b []byte) (n int, err error) {
	select {
	case q <- append([]byte(nil), b...):
	default:
	}
	return len(b), nil
}
