package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/control"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// fakeState is a state whose signs of life and summary a test controls.
type fakeState struct {
	mu      sync.Mutex
	hang    chan struct{} // Alive blocks until it is closed; nil: it does not
	summary string
	changed chan struct{}
	last    bool
}

func (s *fakeState) Handlers() control.Handlers                               { return nil }
func (s *fakeState) ServeLine(context.Context, *control.Client, kiosk.Secret) {}
func (s *fakeState) IsLast() bool                                             { return s.last }

func (s *fakeState) Summary() (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.summary, s.changed
}

func (s *fakeState) Alive(ctx context.Context) bool {
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		<-hang
	}
	return ctx.Err() == nil
}

// set changes the state.
func (s *fakeState) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func TestSupervise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []string
		refuse := true
		s := &Supervisor{log: slog.New(slog.DiscardHandler), limit: 30 * time.Second, notify: func(m string) error {
			mu.Lock()
			defer mu.Unlock()
			if refuse {
				return errors.New("not accepted")
			}
			sent = append(sent, m)
			return nil
		}}
		want := func(when string, messages ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(sent, messages) {
				t.Errorf("%s: sent %q, want %q", when, sent, messages)
			}
			sent = nil
		}
		state := &fakeState{hang: make(chan struct{}), summary: "ready", changed: make(chan struct{}), last: true}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.Supervise(ctx, state) }()
		want("before a sign of life")
		close(state.hang)
		want("while messages are not accepted")
		mu.Lock()
		refuse = false
		mu.Unlock()
		time.Sleep(retryNotify)
		want("repeated", "STATUS=ready", "READY=1")
		state.set(func() { state.hang = nil })
		time.Sleep(10*time.Second - retryNotify)
		want("after a third of the limit", "WATCHDOG=1")
		state.set(func() {
			state.summary = "out of service"
			close(state.changed)
			state.changed = nil
		})
		want("another summary", "STATUS=out of service")
		state.set(func() { state.hang = make(chan struct{}) })
		time.Sleep(time.Minute)
		want("a part hangs")
		stop() // first, or a sign of life may still go out
		close(state.hang)
		<-ended
		want("at the end", "STOPPING=1\nWATCHDOG=1")
	})
}

// TestNoStoppingBetweenStates: the service manager would kill a process that reports STOPPING and continues.
func TestNoStoppingBetweenStates(t *testing.T) {
	var sent []string
	s := &Supervisor{log: slog.New(slog.DiscardHandler), notify: func(m string) error { sent = append(sent, m); return nil }}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s.Supervise(ctx, &fakeState{})
	if len(sent) > 0 {
		t.Errorf("sent %q", sent)
	}
}
