package headless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// ServeLine runs a visit for a client that sends plain lines: the identifier, then user codes. The client gets the
// visit's JSON lines.
func (f *Frontend) ServeLine(ctx context.Context, c *control.Client, identifier kiosk.Secret) {
	if problem := f.texts.CheckIdentifier(string(identifier)); problem != "" {
		identifier.Zero()
		c.Reply(nil, errors.New("identifier: "+problem))
		return
	}
	out := newAsyncWriter(func(b []byte) error {
		_, err := c.Write(b)
		return err
	})
	defer out.close()
	_, _ = f.visit(ctx, identifier, client{json: true, out: out, gone: c.Disconnected(), userCode: func(ctx context.Context) kiosk.Secret {
		return nextLine(ctx, c)
	}})
}

// identifierLimit is how long a client may take to send the identifier: kiosk login knows it before it asks for a visit.
const identifierLimit = 10 * time.Second

// ServeVisit handles the request for a visit that kiosk login has handed over.
func (f *Frontend) ServeVisit(ctx context.Context, c *control.Client, q control.Request) (any, error) {
	if err := c.Answer(control.Done{OK: true}); err != nil {
		return nil, nil // the client has disconnected
	}
	soon, cancel := context.WithTimeout(ctx, identifierLimit)
	identifier := nextLine(soon, c)
	cancel()
	if problem := f.texts.CheckIdentifier(string(identifier)); problem != "" {
		identifier.Zero()
		return nil, fmt.Errorf("identifier: %s", problem)
	}
	out := newAsyncWriter(func(b []byte) error { return c.Answer(control.Visit{Out: string(b)}) })
	in := newVisitInput(c)
	reason, _ := f.visit(ctx, identifier, client{json: q.JSON, out: out, gone: in.left, userCode: func(ctx context.Context) kiosk.Secret {
		if c.Answer(control.Visit{Code: f.texts.UserCodePrompt()}) != nil {
			return nil
		}
		return in.next(ctx)
	}})
	in.close()
	out.close()
	code := reason.ExitCode()
	return control.Visit{Exit: &code}, nil
}

// visitInput reads a client's lines during a visit: user codes, until it disconnects or sends {"do":"leave"}.
type visitInput struct {
	codes  chan kiosk.Secret
	left   chan struct{} // closed when the client leaves
	closed chan struct{}
	reader sync.WaitGroup
}

func newVisitInput(c *control.Client) *visitInput {
	in := &visitInput{codes: make(chan kiosk.Secret), left: make(chan struct{}), closed: make(chan struct{})}
	in.reader.Go(func() {
		defer close(in.left)
		for {
			var line kiosk.Secret
			select {
			case l, ok := <-c.Lines:
				if !ok || len(l) > 0 && l[0] == '{' {
					return
				}
				line = l
			case <-in.closed:
				return
			}
			select {
			case in.codes <- line:
			case <-in.closed:
				line.Zero()
				return
			}
		}
	})
	return in
}

func (in *visitInput) next(ctx context.Context) kiosk.Secret {
	select {
	case line := <-in.codes:
		return line
	case <-ctx.Done():
		return nil
	}
}

func (in *visitInput) close() {
	close(in.closed)
	in.reader.Wait()
}

// nextLine returns a client's next line; empty if there is none before ctx ends.
func nextLine(ctx context.Context, c *control.Client) kiosk.Secret {
	select {
	case line := <-c.Lines:
		return line
	case <-ctx.Done():
		return nil
	}
}

// asyncWriter writes a visit's lines to a client without delaying the visit. A client that does not read in time counts
// as disconnected.
type asyncWriter struct {
	lines chan []byte
	ended chan struct{}
	mu    sync.Mutex
	err   error
}

// pendingLines is more than a visit writes: a dozen, and one for each slow_down or lost connection.
const pendingLines = 64

func newAsyncWriter(write func([]byte) error) *asyncWriter {
	w := &asyncWriter{lines: make(chan []byte, pendingLines), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		for b := range w.lines {
			if w.failure() == nil {
				w.fail(write(b))
			}
		}
	}()
	return w
}

// Write implements io.Writer.
func (w *asyncWriter) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := w.failure(); err != nil {
		return 0, err
	}
	select {
	case w.lines <- append([]byte(nil), b...):
		return len(b), nil
	default:
		return 0, io.ErrShortWrite
	}
}

func (w *asyncWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *asyncWriter) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

// close waits until everything is written. Nothing may be written afterwards.
func (w *asyncWriter) close() {
	close(w.lines)
	<-w.ended
}
