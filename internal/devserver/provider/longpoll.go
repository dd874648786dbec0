package provider

import "time"

// holdPoll waits until a request is answered or expires, at most limit (CIBA section
// 10.1). It reports whether the client is still connected.
func (s *Server) holdPoll(c *call, id string, limit time.Duration) bool {
	end := c.now.Add(limit)
	for {
		s.mu.Lock()
		now := s.opt.Now()
		s.applyAutoAnswers(now)
		changed, q, auto := s.changed, s.state.findRequest(id), s.auto
		over := q == nil || !q.isOpen(now) || !now.Before(end)
		wake := end
		if !over {
			wake = earlier(wake, q.Expires)
			if auto.status != pending && !q.isDevice() {
				wake = earlier(wake, q.Created.Add(auto.delay))
			}
		}
		s.mu.Unlock()
		c.now = now
		if over {
			return true
		}
		t := time.NewTimer(wake.Sub(now))
		select {
		case <-changed:
		case <-t.C:
		case <-s.stop:
			t.Stop()
			return true
		case <-c.r.Context().Done():
			t.Stop()
			return false
		}
		t.Stop()
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
