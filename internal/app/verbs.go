package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// handle deals with one line from a client.
func (r *resident) handle(ctx context.Context, c *control.Client, line kiosk.Secret) {
	if len(line) == 0 {
		return
	}
	if line[0] != '{' {
		r.raw(ctx, c, line)
		return
	}
	var q control.Request
	if err := json.Unmarshal(line, &q); err != nil {
		_ = c.Answer(control.Failure{Error: "that is no request"})
		return
	}
	answer, err := r.answer(ctx, c, q)
	c.Reply(answer, err)
}

func (r *resident) answer(ctx context.Context, c *control.Client, q control.Request) (any, error) {
	switch q.Do {
	case "status":
		return r.status(), nil
	case "service":
		r.app.log.Warn("service", "off", q.Off, "uid", c.UID, "pid", c.PID)
		return control.Done{OK: true}, r.decree(q)
	case "wait-idle":
		return r.waitIdle(ctx, c, q.Limit)
	case "reload":
		return control.Done{OK: true}, r.reload(ctx)
	case "prune":
		return r.pruned(c, q.Age)
	case "visit":
		return nil, r.handedOver(ctx, c, q)
	}
	return nil, fmt.Errorf("there is no request %q", sanitize.Line(q.Do))
}

// pruned takes visits off record that are older than an age; empty is KIOSK_RETENTION.
func (r *resident) pruned(c *control.Client, age string) (any, error) {
	older := r.app.settings.Retention
	if age != "" {
		var err error
		if older, err = time.ParseDuration(age); err != nil || older <= 0 {
			return nil, fmt.Errorf("age: a duration is wanted, as 720h")
		}
	}
	// A front end may speak to the kiosk, and yet not wipe away what it did.
	if older < r.app.settings.Retention && c.UID != 0 && c.UID != os.Getuid() {
		return nil, fmt.Errorf("age: only root and the kiosk's own user may forget what is younger than KIOSK_RETENTION")
	}
	r.app.log.Info("journal", "prune", older.String(), "uid", c.UID, "pid", c.PID)
	gone, err := r.app.forget(older)
	if err != nil {
		return nil, err
	}
	return control.Pruned{Visits: gone}, nil
}

// waitLimit is for how long at the most a client wants to wait.
func waitLimit(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("limit: a duration is wanted, as 10m")
	}
	return d, nil
}

// waitIdle waits until nobody stands there.
func (r *resident) waitIdle(ctx context.Context, c *control.Client, limit string) (any, error) {
	d, err := waitLimit(limit)
	if err != nil {
		return nil, err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		phase, _, changed := r.seat.now()
		if phase == kiosk.Ready || phase == kiosk.Closed {
			return control.Idle{Idle: true}, nil
		}
		select {
		case <-changed:
		case <-t.C:
			return control.Idle{Idle: false}, nil
		case <-c.Gone():
			return nil, nil
		case <-ctx.Done():
			return control.Idle{Idle: true}, nil
		}
	}
}

// raw is a visit for a front end that knows nothing but lines.
func (r *resident) raw(ctx context.Context, c *control.Client, identifier kiosk.Secret) {
	if r.front == nil {
		_ = c.Answer(control.Failure{Error: "this kiosk has a screen: visits are made there"})
		return
	}
	if problem := r.app.CheckIdentifier(string(identifier)); problem != "" {
		identifier.Zero()
		_ = c.Answer(control.Failure{Error: "identifier: " + problem})
		return
	}
	out := newFeed(func(b []byte) error {
		_, err := c.Write(b)
		return err
	})
	defer out.close()
	r.front.visit(ctx, identifier, visitor{json: true, out: out, gone: c.Gone(), prove: func(ctx context.Context) kiosk.Secret {
		return next(ctx, c)
	}})
}

// identifierLimit: kiosk login knows the identifier before it asks for the visit.
const identifierLimit = 10 * time.Second

// handedOver is a visit that kiosk login has handed over.
func (r *resident) handedOver(ctx context.Context, c *control.Client, q control.Request) error {
	if r.front == nil {
		return fmt.Errorf("a kiosk with a screen is running on this device: visits are made there")
	}
	if err := c.Answer(control.Done{OK: true}); err != nil {
		return nil // it has gone
	}
	soon, cancel := context.WithTimeout(ctx, identifierLimit)
	identifier := next(soon, c)
	cancel()
	if problem := r.app.CheckIdentifier(string(identifier)); problem != "" {
		identifier.Zero()
		return fmt.Errorf("identifier: %s", problem)
	}
	out := newFeed(func(b []byte) error { return c.Answer(control.Visit{Out: string(b)}) })
	left := make(chan struct{})
	var leave sync.Once
	codes := make(chan kiosk.Secret)
	over := make(chan struct{})
	var listening sync.WaitGroup
	listening.Go(func() {
		defer leave.Do(func() { close(left) })
		for {
			line := kiosk.Secret(nil)
			select {
			case l, ok := <-c.Lines:
				if !ok || len(l) > 0 && l[0] == '{' { // gone, or {"do":"leave"}
					return
				}
				line = l
			case <-over:
				return
			}
			select {
			case codes <- line:
			case <-over:
				line.Zero()
				return
			}
		}
	})
	why := r.front.visit(ctx, identifier, visitor{json: q.JSON, out: out, gone: left, prove: func(ctx context.Context) kiosk.Secret {
		if c.Answer(control.Visit{Code: r.app.CodePrompt()}) != nil {
			return nil
		}
		select {
		case line := <-codes:
			return line
		case <-ctx.Done():
			return nil
		}
	}})
	close(over)
	listening.Wait()
	out.close()
	code := why.ExitCode()
	_ = c.Answer(control.Visit{Exit: &code})
	return nil
}

// next is a client's next line; empty if none comes.
func next(ctx context.Context, c *control.Client) kiosk.Secret {
	select {
	case line := <-c.Lines:
		return line
	case <-ctx.Done():
		return nil
	}
}

// feed writes a visit's lines to a client without making the visit wait for it. A
// client that does not keep up has gone.
type feed struct {
	lines chan []byte
	ended chan struct{}
	mu    sync.Mutex
	err   error
}

// fedLines is more than a visit has: a dozen, and one for each slow_down or lost connection.
const fedLines = 64

func newFeed(write func([]byte) error) *feed {
	f := &feed{lines: make(chan []byte, fedLines), ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		for b := range f.lines {
			if f.failed() == nil {
				f.fail(write(b))
			}
		}
	}()
	return f
}

// Write implements io.Writer.
func (f *feed) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := f.failed(); err != nil {
		return 0, err
	}
	select {
	case f.lines <- append([]byte(nil), b...):
		return len(b), nil
	default:
		return 0, io.ErrShortWrite
	}
}

func (f *feed) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// close waits until everything is written. Nothing may be written afterwards.
func (f *feed) close() {
	close(f.lines)
	<-f.ended
}
