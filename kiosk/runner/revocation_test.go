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
	mu      sync.Mutex
	last    uint64
	entries []kiosk.Revocation
}

func (q *memoryQueue) AddRevocation(entry kiosk.Revocation) (uint64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	entry.ID, entry.Tokens.Access = q.last, slices.Clone(entry.Tokens.Access)
	q.entries = append(q.entries, entry)
	return q.last, nil
}

func (q *memoryQueue) RevocationDone(id uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.entries = slices.DeleteFunc(q.entries, func(x kiosk.Revocation) bool { return x.ID == id })
	return nil
}

func (q *memoryQueue) PendingRevocations() ([]kiosk.Revocation, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.entries), nil
}

// cancelledAfterApproval plays a visit that is cancelled while its tokens are on their way. The server refuses revocation at
// first.
func cancelledAfterApproval(s *testKiosk) {
	s.pollAnswers, s.pollDelay = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}, 3*time.Second
	s.enterIdentifier()
	sleep(6 * time.Second)
	s.press(kiosk.EscapeKey, 0)
	sleep(4 * time.Second)
}

// Tokens that could not be revoked are queued on disk. Revocation is repeated with growing pauses until the server accepts it.
func TestFailedRevocationIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newTestKiosk(t), &memoryQueue{}
		s.runner.Revocations, s.failedRevocations = q, 4
		s.run(func() {
			cancelledAfterApproval(s)
			if n := len(q.entries); n != 1 {
				t.Errorf("%d revocations on disk", n)
			}
			var at []int
			for range 40 {
				before := s.count("revoke")
				sleep(10 * time.Second)
				at = append(at, s.count("revoke")-before)
			}
			if n := s.count("revoke"); n != 5 || len(q.entries) != 0 {
				t.Errorf("tried %d times, %d revocations left: %v", n, len(q.entries), at)
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
		want    int // attempts of the second run
	}{
		"at once":           {time.Minute, true, 1},
		"expired meanwhile": {2 * time.Hour, true, 0},
		"untrusted clock":   {2 * time.Hour, false, 1},
		"after a day":       {30 * time.Hour, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &memoryQueue{}
				s := newTestKiosk(t)
				s.expires = time.Hour
				s.runner.Revocations, s.failedRevocations = q, 1000
				s.run(func() { cancelledAfterApproval(s) })
				if len(q.entries) != 1 || q.entries[0].Lifetime != time.Hour {
					t.Fatalf("on disk: %+v", q.entries)
				}
				time.Sleep(c.later)
				next := newTestKiosk(t)
				next.runner.Revocations, next.runner.Trusted = q, c.trusted
				next.run(func() { sleep(20 * time.Second) })
				if n := next.count("revoke"); n != c.want || len(q.entries) != 0 {
					t.Errorf("tried %d times, %d revocations left", n, len(q.entries))
				}
			})
		})
	}
}

// Revocation ends when the tokens have expired.
func TestExpiredRevocationsAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newTestKiosk(t), &memoryQueue{}
		s.expires = 10 * time.Minute
		s.runner.Revocations, s.failedRevocations = q, 1000
		s.run(func() {
			cancelledAfterApproval(s)
			sleep(24 * time.Hour)
			if len(q.entries) != 0 {
				t.Errorf("%d revocations left", len(q.entries))
			}
			if n := s.count("revoke"); n < 4 || n > 12 {
				t.Errorf("tried %d times in ten minutes", n)
			}
		})
	})
}

// After a start the network is often not up yet.
func TestRevocationIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.addUnfinished(kiosk.StageGranted, "boot-0", time.Minute)
		s.failedRevocations = 3
		s.run(func() { sleep(time.Hour) })
		s.wantLog("revoke", "revoke", "revoke", "revoke", "record ended unreachable")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.addUnfinished(kiosk.StageGranted, "boot-0", time.Minute)
		s.failedRevocations = 100
		s.run(func() { sleep(5 * time.Second) })
		s.wantLog("revoke") // the record stays open for the next start
	})
}

func TestLateTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollDelay = 20 * time.Second
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.enterIdentifier()
			sleep(8 * time.Second)
			s.press(kiosk.EscapeKey, 0)
			sleep(30 * time.Second)
			s.wantPhase(kiosk.Ready)
		})
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "record ended cancelled", "revoke")
	})
}

func TestUnusableTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Fatal, Reason: kiosk.NoAccess}}
		s.run(func() {
			s.enterIdentifier()
			sleep(6 * time.Second)
			s.wantPhase(kiosk.Ended)
		})
		s.wantLogRevocationConcurrent("guard", "record asking", "ask", "record asked", "poll", "record ended no_access", "revoke")
	})
}

func TestWrongPersonsTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.verifyErr = kiosk.Fail(kiosk.WrongPerson, "verify", nil)
		s.run(func() {
			s.enterIdentifier()
			sleep(6 * time.Second)
			s.wantPhase(kiosk.Ended)
			sleep(2 * time.Minute)
			s.wantPhase(kiosk.Ready)
		})
		s.wantLogRevocationConcurrent("guard", "record asking", "ask", "record asked", "poll", "record granted", "verify", "record ended wrong_person", "revoke")
	})
}

// TestStopRevokesTokensOfAPollInFlight: a stop gives the poll in flight a few seconds, and revokes the tokens that it brings.
func TestStopRevokesTokensOfAPollInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollDelay = 2 * time.Second
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.enterIdentifier()
			sleep(6 * time.Second)
			s.wantPhase(kiosk.Waiting)
		})
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "record ended cancelled", "revoke")
	})
}

// TestStopRevokesTokensOfAnInterruptedVisit: the same while a visit of an earlier run is closed.
func TestStopRevokesTokensOfAnInterruptedVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.addUnfinished(kiosk.StageAcknowledged, "boot-0", 10*time.Second)
		s.runner.Trusted = true
		s.pollDelay = 2 * time.Second
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			for s.count("poll") == 0 {
				sleep(100 * time.Millisecond)
			}
		})
		s.wantLog("poll", "revoke", "record ended cancelled")
	})
}
