package runner_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// addUnfinished adds the record of a visit that a power cut interrupted at this stage, ago before now, in the given boot.
func (s *testKiosk) addUnfinished(stage kiosk.Stage, boot string, ago time.Duration) {
	r := kiosk.Record{
		Visit: "old", Stage: stage, Code: "K7-4F9Q", Expires: time.Minute, Interval: 5 * time.Second,
		Boot: boot, Wall: time.Now().Add(-ago), Uptime: s.uptime - ago, Sent: s.uptime - ago, SentAt: time.Now().Add(-ago),
	}
	r.Secrets.Identifier = kiosk.Secret(identifierCanary)
	if stage != kiosk.StageAsking {
		r.Secrets.RequestID = kiosk.Secret(requestIDCanary)
	}
	if stage == kiosk.StageGranted {
		r.Secrets.Tokens = kiosk.Tokens{Access: kiosk.Secret(accessCanary)}
	}
	s.unfinishedRecords = append(s.unfinishedRecords, r)
}

func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		name    string
		stage   kiosk.Stage
		boot    string
		ago     time.Duration
		trusted bool
		answer  kiosk.Verdict
		want    []string
	}{
		{"asking: unknown whether the phone rang", kiosk.StageAsking, "boot-1", time.Second, true, kiosk.Pending,
			[]string{"record abandoned unreachable"}},
		{"acknowledged, back at once: resumed", kiosk.StageAcknowledged, "boot-1", 10 * time.Second, true, kiosk.Granted,
			[]string{"poll", "record granted", "verify", "fetch for u-1", "record shown", "revoke"}},
		{"acknowledged, back late: only closed, its tokens revoked", kiosk.StageAcknowledged, "boot-1", 40 * time.Second, true, kiosk.Granted,
			[]string{"poll", "revoke", "record ended cancelled"}},
		{"acknowledged, another boot: only closed", kiosk.StageAcknowledged, "boot-0", 10 * time.Second, true, kiosk.Denied,
			[]string{"poll", "record ended declined"}},
		{"acknowledged, another boot, long ago", kiosk.StageAcknowledged, "boot-0", time.Hour, true, kiosk.Pending,
			[]string{"record ended expired"}},
		{"acknowledged, another boot, untrusted clock", kiosk.StageAcknowledged, "boot-0", time.Hour, false, kiosk.TimedOut,
			[]string{"poll", "record ended expired"}},
		{"acknowledged, tokens issued just before the crash", kiosk.StageAcknowledged, "boot-0", 10 * time.Second, true, kiosk.UnknownRequest,
			[]string{"poll", "record ended unreachable"}},
		{"granted: revoked, never polled", kiosk.StageGranted, "boot-1", time.Second, true, kiosk.Pending,
			[]string{"revoke", "record ended unreachable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestKiosk(t)
				s.addUnfinished(c.stage, c.boot, c.ago)
				s.runner.Trusted = c.trusted
				s.pollAnswers = []kiosk.PollAnswer{{Verdict: c.answer}}
				s.run(func() { sleep(3 * time.Minute) })
				s.wantLog(c.want...)
				if s.count("ask") > 0 {
					t.Error("a second request was sent")
				}
			})
		})
	}
}

func TestPollToCloseKeepsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.addUnfinished(kiosk.StageAcknowledged, "boot-0", 10*time.Second)
		s.runner.Trusted = true
		s.run(func() { sleep(3 * time.Minute); s.wantPhase(kiosk.Ready) })
		// 50 s are left: a poll every 5 s, the last one just before the end.
		if n := s.count("poll"); n < 9 || n > 10 {
			t.Errorf("%d polls", n)
		}
		if got := s.log(); got[len(got)-1] != "record ended expired" {
			t.Errorf("the last entry is %s", got[len(got)-1])
		}
	})
}

func TestStopDuringPollToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.addUnfinished(kiosk.StageAcknowledged, "boot-0", 10*time.Second)
		s.runner.Trusted = true
		s.run(func() { sleep(7 * time.Second) })
		s.wantLog("poll")
	})
}

// Without a screen nobody waits, so an interrupted visit is only closed.
func TestNothingIsResumedWithoutScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.runner.Resume = false
		s.addUnfinished(kiosk.StageAcknowledged, "boot-1", 10*time.Second)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() { s.wantPhase(kiosk.Ready); sleep(time.Minute); s.wantPhase(kiosk.Ready) })
		s.wantLog("poll", "revoke", "record ended cancelled")
	})
}

// A pause that the server asked for holds after a power cut, too.
func TestScheduleSurvivesPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.SlowDown}, {Verdict: kiosk.Retryable, ServerReached: true, RetryAfter: 30 * time.Second}}
		s.run(func() {
			s.enterIdentifier()
			sleep(16 * time.Second)
		})
		var asked []kiosk.Record
		for _, r := range s.journal {
			if r.Stage == kiosk.StageAcknowledged {
				asked = append(asked, r)
			}
		}
		if len(asked) != 3 || asked[1].Interval != 10*time.Second || asked[2].Pause < 30*time.Second {
			t.Fatalf("on record: %+v", asked)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.addUnfinished(kiosk.StageAcknowledged, "boot-1", 10*time.Second)
		s.unfinishedRecords[0].Pause = 30 * time.Second
		s.run(func() {
			sleep(19 * time.Second)
			if s.count("poll") > 0 {
				t.Error("a poll was sent before the end of the server's pause")
			}
			sleep(2 * time.Second)
			if s.count("poll") != 1 {
				t.Error("no poll was sent after the pause")
			}
		})
	})
}
