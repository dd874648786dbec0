package runner_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// memoryQueue is a revocation queue in memory.
type memoryQueue struct {
	mu   sync.Mutex
	last uint64
	in   []kiosk.Revocation
}

func (d *memoryQueue) AddRevocation(entry kiosk.Revocation) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	entry.ID, entry.Tokens.Access = d.last, slices.Clone(entry.Tokens.Access)
	d.in = append(d.in, entry)
	return d.last, nil
}

func (d *memoryQueue) RevocationDone(id uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.in = slices.DeleteFunc(d.in, func(x kiosk.Revocation) bool { return x.ID == id })
	return nil
}

func (d *memoryQueue) PendingRevocations() ([]kiosk.Revocation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.in), nil
}

// cancelledAfterApproval plays a visit that is cancelled while its tokens are on their way. The server refuses revocation at
// first.
func cancelledAfterApproval(s *testKiosk) {
	s.answers, s.polTake = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}, 3*time.Second
	s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
	sleep(6 * time.Second)
	s.press(kiosk.EscapeKey, 0)
	sleep(4 * time.Second)
}

// Tokens that could not be revoked are queued on disk. Revocation is repeated with growing pauses until the server accepts it.
func TestFailedRevocationIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := open(t), &memoryQueue{}
		s.runner.Revocations, s.deaf = d, 4
		s.run(func() {
			cancelledAfterApproval(s)
			if n := len(d.in); n != 1 {
				t.Errorf("%d revocations on disk", n)
			}
			var at []int
			for range 40 {
				before := s.count("revoke")
				sleep(10 * time.Second)
				at = append(at, s.count("revoke")-before)
			}
			if n := s.count("revoke"); n != 5 || len(d.in) != 0 {
				t.Errorf("tried %d times, %d revocations left: %v", n, len(d.in), at)
			}
		})
	})
}

// Queued revocations survive the end of the program: the next run revokes the tokens, or removes the entry when they have
// expired.
func TestRevocationQueueSurvivesRestart(t *testing.T) {
	for name, c := range map[string]struct {
		later   time.Duration
		trusted bool
		want    int // tries of the second run
	}{
		"at once":                    {time.Minute, true, 1},
		"run out meanwhile":          {2 * time.Hour, true, 0},
		"nobody knows the time":      {2 * time.Hour, false, 1},
		"a day in which nobody came": {30 * time.Hour, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &memoryQueue{}
				s := open(t)
				s.expires = time.Hour
				s.runner.Revocations, s.deaf = d, 1000
				s.run(func() { cancelledAfterApproval(s) })
				if len(d.in) != 1 || d.in[0].Lifetime != time.Hour {
					t.Fatalf("on disk: %+v", d.in)
				}
				time.Sleep(c.later)
				next := open(t)
				next.runner.Revocations, next.runner.Trusted = d, c.trusted
				next.run(func() { sleep(20 * time.Second) })
				if n := next.count("revoke"); n != c.want || len(d.in) != 0 {
					t.Errorf("tried %d times, %d revocations left", n, len(d.in))
				}
			})
		})
	}
}

// Revocation ends when the tokens have expired.
func TestExpiredRevocationsAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := open(t), &memoryQueue{}
		s.expires = 10 * time.Minute
		s.runner.Revocations, s.deaf = d, 1000
		s.run(func() {
			cancelledAfterApproval(s)
			sleep(24 * time.Hour)
			if len(d.in) != 0 {
				t.Errorf("%d revocations left", len(d.in))
			}
			if n := s.count("revoke"); n < 4 || n > 12 {
				t.Errorf("tried %d times in ten minutes", n)
			}
		})
	})
}
