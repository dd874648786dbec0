package tui

import "time"

// bellEvery separates two bells so that both are heard: a console's bell takes an eighth of a second.
const bellEvery = 300 * time.Millisecond

// Ring sounds the terminal's bell the given number of times, without waiting. While it rings, further calls do nothing.
func (s *Screen) Ring(times int) {
	if times < 1 || !s.ringing.CompareAndSwap(false, true) {
		return
	}
	s.Go(func() {
		defer s.ringing.Store(false)
		pause := time.NewTimer(bellEvery)
		defer pause.Stop()
		for range times {
			pause.Reset(bellEvery)
			select {
			case s.bell <- struct{}{}: // the painter writes it
			case <-s.quit:
				return
			}
			select {
			case <-pause.C:
			case <-s.quit:
				return
			}
		}
	})
}
