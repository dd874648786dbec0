package runner_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
)

func TestWholeVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Pending}, {Verdict: kiosk.Granted}}
		s.run(func() {
			s.enterIdentifier()
			synctest.Wait()
			s.wantPhase(kiosk.Waiting)
			sleep(11 * time.Second)
			s.wantPhase(kiosk.Shown)
			s.press(kiosk.EnterKey, 0)
			if p := s.private[len(s.private)-1]; p.Result.Title != "Hello" {
				t.Errorf("on screen: %+v", p.Result)
			}
			s.press(kiosk.EnterKey, 0)
			s.wantPhase(kiosk.Ready)
		})
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "poll", "record granted", "verify", "fetch for u-1", "record shown", "revoke")
	})
}

func TestObserversSeeEachStateFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		var observed []kiosk.State
		s.runner.Observers = []runner.Observer{func(now time.Duration, st kiosk.State) {
			if now != s.Now() || len(s.states) != len(observed) {
				t.Errorf("at %v: %d states observed, %d shown", now, len(observed), len(s.states))
			}
			observed = append(observed, st)
		}}
		s.run(func() {
			s.press(kiosk.OtherKey, 0)
			s.press(kiosk.EscapeKey, 0)
		})
		if len(observed) < 3 || !slices.Equal(observed, s.states) {
			t.Errorf("%d states observed, %d shown", len(observed), len(s.states))
		}
	})
}

func TestTyping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.run(func() {
			for _, r := range "canarx" {
				s.press(kiosk.RuneKey, r)
			}
			s.press(kiosk.RuneKey, '\x1b') // a control character is ignored
			s.press(kiosk.BackspaceKey, 0)
			for _, r := range "y-identifier " {
				s.press(kiosk.RuneKey, r)
			}
			if p := s.private[len(s.private)-1]; p.Input != identifierCanary+" " {
				t.Errorf("on screen: %q", p.Input)
			}
			s.press(kiosk.EnterKey, 0)
			s.wantPhase(kiosk.Waiting)
			if got := s.state().Masked; got != "c***" {
				t.Errorf("masked as %q", got)
			}
			s.press(kiosk.EscapeKey, 0)
			s.wantPhase(kiosk.Ended)
			sleep(11 * time.Second)
			s.wantPhase(kiosk.Ready)
		})
	})
}

func TestStopDuringWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollDelay = 30 * time.Second
		s.run(func() {
			s.enterIdentifier()
			sleep(8 * time.Second)
			s.wantPhase(kiosk.Waiting)
		})
		sleep(2 * time.Minute)
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "record ended cancelled")
	})
}

func TestLateAcknowledgementIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.askDelay = 20 * time.Second
		s.run(func() {
			s.enterIdentifier()
			sleep(3 * time.Second)
			s.press(kiosk.EscapeKey, 0)
			sleep(time.Minute)
			s.wantPhase(kiosk.Ready)
		})
		s.wantLog("guard", "record asking", "ask", "record abandoned cancelled")
	})
}

// Answers to verify and fetch after the customer has left change nothing.
func TestLateAnswersChangeNothing(t *testing.T) {
	for name, c := range map[string]struct{ verify, fetch time.Duration }{
		"who approved": {20 * time.Second, 0},
		"the result":   {0, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestKiosk(t)
				s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
				s.verifyDelay, s.fetchDelay = c.verify, c.fetch
				s.run(func() {
					s.enterIdentifier()
					sleep(8 * time.Second)
					s.press(kiosk.EscapeKey, 0)
					s.wantPhase(kiosk.Ended)
					sleep(time.Minute)
					s.wantPhase(kiosk.Ready)
					s.press(kiosk.EnterKey, 0) // the next customer
					if p := s.private[len(s.private)-1]; p.Person.Subject != "" || p.Result.Title != "" {
						t.Errorf("the next customer gets %+v", p)
					}
					s.press(kiosk.EscapeKey, 0)
				})
			})
		})
	}
}

func TestWallClockChangeDuringVisit(t *testing.T) {
	for _, step := range []time.Duration{-10 * time.Minute, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestKiosk(t)
			s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Pending}, {Verdict: kiosk.Granted}}
			s.run(func() {
				s.enterIdentifier()
				sleep(7 * time.Second)
				s.setWallStep(step)
				sleep(5 * time.Second)
				s.wantPhase(kiosk.Shown)
			})
		})
	}
}

func TestDeadlineCountsFromRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.askDelay, s.ackAge = 20*time.Second, 2*time.Second // it was sent 18 s after it was prepared
		s.run(func() {
			s.enterIdentifier()
			sleep(20 * time.Second)
			if left := s.state().Left(s.Now()); left != 58 {
				t.Errorf("%d s left", left)
			}
		})
	})
}

func TestPanicEndsVisitOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.panics = true
		s.run(func() {
			s.enterIdentifier()
			sleep(8 * time.Second)
			s.wantPhase(kiosk.Ended)
			if r := s.state().Ending.Reason; r != kiosk.Internal {
				t.Errorf("ended for %s", r)
			}
		})
		if !strings.Contains(s.logs.String(), "panic") {
			t.Error("the panic is not in the log")
		}
	})
}

func TestNoRequestWithoutRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.diskFull = true
		s.run(func() {
			s.enterIdentifier()
			synctest.Wait()
			s.wantPhase(kiosk.Ended)
		})
		s.wantLog("guard")
	})
}

func TestIdleKioskDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.run(func() {
			before := len(s.states)
			sleep(24 * time.Hour)
			if n := len(s.states) - before; n != 0 {
				t.Errorf("%d frames in a day without customers", n)
			}
		})
		s.wantLog()
	})
}

// A user code is in the vault until it is sent once, and nowhere else.
func TestUserCodeIsSentOnceAndNeverShown(t *testing.T) {
	for name, give := range map[string]func(s *testKiosk){
		"typed": func(s *testKiosk) {
			for _, r := range userCodeCanary {
				s.press(kiosk.RuneKey, r)
			}
			s.press(kiosk.EnterKey, 0)
		},
		"from a script": func(s *testKiosk) {
			s.events <- kiosk.UserCodeEntered{Code: kiosk.Secret(userCodeCanary)}
			synctest.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestKiosk(t)
				s.requiredCode = userCodeCanary
				s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
				s.run(func() {
					s.enterIdentifier()
					synctest.Wait()
					s.wantPhase(kiosk.EnterUserCode)
					s.press(kiosk.RuneKey, 'x')
					s.press(kiosk.EnterKey, 0) // wrong
					s.wantPhase(kiosk.EnterUserCode)
					give(s)
					s.wantPhase(kiosk.Waiting)
					for n := range kiosk.Number(9) {
						if len(s.vault.Get(n, kiosk.UserCode)) > 0 {
							t.Error("the vault still has the code after it was sent")
						}
					}
					sleep(6 * time.Second)
					s.wantPhase(kiosk.Shown)
				})
				s.wantLog("guard", "record asking", "ask", "record ended", "guard", "record asking", "ask", "record ended",
					"guard", "record asking", "ask", "record asked", "poll", "record granted", "verify", "fetch for u-1", "record shown", "revoke")
			})
		})
	}
}

func TestDeviceFlowShowsAddressDuringWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.runner.Rules.DeviceFlow = true
		s.run(func() {
			s.enterIdentifier()
			synctest.Wait()
			s.press(kiosk.RuneKey, '2')
			s.wantPhase(kiosk.Waiting)
			if g := s.private[len(s.private)-1].Grant; g.UserCode != "WDJB-MJHT" {
				t.Errorf("on screen: %+v", g)
			}
			s.press(kiosk.EscapeKey, 0)
			sleep(time.Minute)
			s.wantPhase(kiosk.Ready)
			if g := s.private[len(s.private)-1].Grant; g != (kiosk.Grant{}) {
				t.Errorf("still on screen: %+v", g)
			}
		})
		s.wantLog("guard", "record asking", "ask", "record asked", "record ended cancelled",
			"record asking", "ask", "record asked", "record ended cancelled") // no phone rings, so the guard is not asked
	})
}

func TestPingBringsAnswerAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.enterIdentifier()
			synctest.Wait()
			s.wantPhase(kiosk.Waiting)
			before := s.Now()
			for range 40 { // more than the loop can queue
				s.ping()
			}
			synctest.Wait()
			s.wantPhase(kiosk.Shown)
			if took := s.Now() - before; took > 0 {
				t.Errorf("it took %v", took)
			}
		})
		if n := s.count("poll"); n != 1 {
			t.Errorf("%d polls", n)
		}
	})
}

// A server that asks for a longer pause at each poll costs a few records, not one for each poll.
func TestGrowingRetryAfterCostsFewRecords(t *testing.T) {
	for name, wish := range map[string]func(n int) time.Duration{
		"the same each time":      func(int) time.Duration { return 8 * time.Second },
		"a second more each time": func(n int) time.Duration { return time.Duration(6+n) * time.Second },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestKiosk(t)
			for n := range 100 {
				s.pollAnswers = append(s.pollAnswers, kiosk.PollAnswer{Verdict: kiosk.Pending, RetryAfter: wish(n)})
			}
			s.run(func() {
				s.enterIdentifier()
				sleep(115 * time.Second)
			})
			asked, longest := 0, time.Duration(0)
			for _, r := range s.journal {
				if r.Stage == kiosk.StageAcknowledged {
					asked, longest = asked+1, r.Interval
				}
			}
			polls := s.count("poll")
			if polls < 8 || asked > 4 {
				t.Errorf("%s: %d records for %d polls", name, asked, polls)
			}
			if longest < wish(polls-2) { // the last one came too late to be recorded
				t.Errorf("%s: %v on record, the server asked for %v", name, longest, wish(polls-2))
			}
		})
	}
}
