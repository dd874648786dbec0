package tui

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseRestoresTheTerminal(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleEntry("x"))
		synctest.Wait()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := m.restored(); n != 1 {
			t.Errorf("the mode was restored %d times", n)
		}
		raw, before := m.written()
		if !strings.Contains(raw, "\x1b[?7h") || !m.vt.CursorVisible() {
			t.Error("margins or cursor are not restored")
		}
		s.Show(sampleWaiting())
		s.Redraw()
		synctest.Wait()
		if _, after := m.written(); after != before {
			t.Error("a screen was drawn after Close")
		}
		for ev := range s.Events() { // ends when Close closes the channel
			_ = ev
		}
	})
}

// tcell alone would hang.
func TestCloseReturnsWithManyUnreadKeys(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		go func() { // a jammed scanner
			for {
				select {
				case m.typed <- []byte(strings.Repeat("7", 32)):
				case <-m.drain:
					return
				}
			}
		}()
		for range 40 {
			m.typeIn(strings.Repeat("4", 32))
		}
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d > closeLimit {
			t.Errorf("took %v", d)
		}
	})
}

func TestUnreadKeysBeyondTheBufferAreDropped(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		for range 100 {
			m.typeIn(strings.Repeat("4", 32))
		}
		if n := len(presses(s)); n > eventRoom {
			t.Errorf("%d keys were kept", n)
		}
	})
}

// Scroll Lock on a console blocks every write. The test runs in real time, because goroutines wait for tcell's mutex.
func TestCloseReturnsOnAStoppedTerminal(t *testing.T) {
	t.Setenv("TERM", "linux")
	m := newMemory(80, 24)
	s, err := Open(Options{Tty: m})
	if err != nil {
		t.Fatal(err)
	}
	stuck := make(chan struct{})
	reached := make(chan struct{})
	m.mu.Lock()
	m.stuck, m.reached = stuck, reached
	m.mu.Unlock()
	s.Show(sampleWaiting())
	<-reached
	start := time.Now()
	err = s.Close()
	if d := time.Since(start); err == nil || d > 2*closeLimit {
		t.Errorf("Close: %v after %v, want a timeout after %v", err, d, closeLimit)
	}
	if n := m.restored(); n != 1 {
		t.Errorf("the mode was restored %d times", n)
	}
	if again := s.Close(); again == nil || again.Error() != err.Error() {
		t.Errorf("the second Close returned %v", again)
	}
	close(stuck) // now tcell can finish
	<-m.shut
	if n := m.restored(); n != 1 {
		t.Errorf("after tcell finished, the mode has been restored %d times", n)
	}
}

func TestRecoverPanicRestoresTheTerminal(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		caught := make(chan any)
		go func() {
			defer func() { caught <- recover() }()
			defer s.RecoverPanic()
			panic("out of paper")
		}()
		if p := <-caught; p != "out of paper" {
			t.Errorf("the panic became %v", p)
		}
		if n := m.restored(); n != 1 {
			t.Errorf("the mode was restored %d times", n)
		}
	})
}

// People count bells, so bells must neither run together nor accumulate.
func TestRingSeparatesBells(t *testing.T) {
	onTerminal(t, 80, 24, Options{}, func(t *testing.T, s *Screen, m *memory) {
		s.Show(sampleReady())
		synctest.Wait()
		before := m.bells()
		s.Ring(3)
		s.Ring(4) // ignored while the bell rings
		s.Ring(0)
		synctest.Wait()
		if n := m.bells() - before; n != 1 {
			t.Errorf("%d bells at once", n)
		}
		time.Sleep(10 * bellEvery)
		if n := m.bells() - before; n != 3 {
			t.Errorf("%d bells, want 3", n)
		}
	})
}
