package tui

import "time"

// bellEvery is how far apart bells are, so that two are heard as two: a console's bell
// takes an eighth of a second.
const bellEvery = 300 * time.Millisecond

// Ring sounds the terminal's bell so many times, if it has one. It does not wait for it.
// What is asked for while it rings is dropped.
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
			case s.bell <- struct{}{}: // the painter's, as tcell's Beep is a write like others
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
