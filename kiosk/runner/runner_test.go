package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/vault"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
)

// The canaries are the secrets of a visit. None may appear outside the vault and the secrets of a record.
const (
	identifierCanary = "canary-identifier"
	requestIDCanary  = "canary-auth-req-id"
	accessCanary     = "canary-access-token"
	idTokenCanary    = "canary-id-token"
	userCodeCanary   = "canary-user-code"
)

// testKiosk is a kiosk with fake ports, in virtual time.
type testKiosk struct {
	t       *testing.T
	runner  *runner.Runner
	events  chan kiosk.Event
	vault   *vault.Vault
	logs    bytes.Buffer
	started time.Time
	boot    string
	uptime  time.Duration // at start

	mu                sync.Mutex
	entries           []string // what happened, in order
	unfinishedRecords []kiosk.Record
	journal           []kiosk.Record
	diskFull          bool
	pollAnswers       []kiosk.PollAnswer // to polls; the last one is repeated
	askDelay          time.Duration
	ackAge            time.Duration // of the acknowledgement
	verifyDelay       time.Duration
	fetchDelay        time.Duration
	wallStep          time.Duration // how far the wall clock has been moved
	pollDelay         time.Duration
	panics            bool
	failedRevocations int // how many revocations still fail
	verifyErr         error
	expires           time.Duration // of the access token
	requiredCode      string        // the user code that the server requires; empty for none
	ping              func()        // of the last request
	states            []kiosk.State
	private           []kiosk.Private
	visits            int
}

func newTestKiosk(t *testing.T) *testKiosk {
	s := &testKiosk{t: t, events: make(chan kiosk.Event), vault: vault.New(), started: time.Now(), boot: "boot-1", uptime: time.Hour}
	s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Pending}}
	s.runner = &runner.Runner{
		Rules: kiosk.DefaultRules(), Authorizer: s, Resource: s, Journal: s, Vault: s.vault, Guard: s, Display: s, Clock: s,
		NewVisit: func() (string, string) { s.visits++; return fmt.Sprintf("visit-%d", s.visits), "K7-4F9Q" },
		Log:      slog.New(slog.NewTextHandler(&s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Resume:   true,
	}
	return s
}

func (s *testKiosk) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, fmt.Sprintf(format, args...))
}

// setWallStep moves the wall clock.
func (s *testKiosk) setWallStep(step time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wallStep = step
}

func (s *testKiosk) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries)
}

func (s *testKiosk) count(what string) (n int) {
	for _, l := range s.log() {
		if strings.HasPrefix(l, what) {
			n++
		}
	}
	return n
}

// The methods of kiosk.Clock.

func (s *testKiosk) Now() time.Duration { return s.uptime + time.Since(s.started) }
func (s *testKiosk) Wall() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.wallStep)
}
func (s *testKiosk) Boot() string { return s.boot }

// The methods of kiosk.Authorizer.

func (s *testKiosk) Ask(ctx context.Context, r kiosk.Request) (kiosk.Ack, error) {
	s.note("ask")
	if string(r.Identifier) != identifierCanary {
		s.t.Errorf("asked for another person")
	}
	select {
	case <-time.After(s.askDelay):
	case <-ctx.Done():
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, "ask", ctx.Err())
	}
	if s.requiredCode != "" && string(r.UserCode) != s.requiredCode {
		return kiosk.Ack{}, &kiosk.Error{Reason: kiosk.Refused, Operation: "ask", Required: kiosk.UserCodeRequired}
	}
	s.ping = r.Ping
	ack := kiosk.Ack{RequestID: kiosk.Secret(requestIDCanary), Expires: time.Minute, Interval: 5 * time.Second, BindingMessage: "K7-4F9Q", Age: s.ackAge}
	if r.Flow == kiosk.DeviceFlow {
		ack.Grant = kiosk.Grant{Address: "https://id.example.org/device", Complete: "https://id.example.org/device?c=WDJB-MJHT", UserCode: "WDJB-MJHT"}
	}
	return ack, nil
}

func (s *testKiosk) Poll(ctx context.Context, id kiosk.Secret) kiosk.PollAnswer {
	s.note("poll")
	if string(id) != requestIDCanary {
		s.t.Errorf("polled for another request")
	}
	if s.panics {
		panic(accessCanary)
	}
	select {
	case <-time.After(s.pollDelay):
	case <-ctx.Done():
		return kiosk.PollAnswer{Verdict: kiosk.Retryable, Err: ctx.Err()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.pollAnswers[0]
	if len(s.pollAnswers) > 1 {
		s.pollAnswers = s.pollAnswers[1:]
	}
	if a.Verdict == kiosk.Granted || a.Reason == kiosk.NoAccess {
		a.Tokens = kiosk.Tokens{Access: kiosk.Secret(accessCanary), ID: kiosk.Secret(idTokenCanary), Type: "Bearer", Expires: s.expires}
	}
	return a
}

func (s *testKiosk) Verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	s.note("verify")
	pause(ctx, s.verifyDelay)
	if off := s.Wall().Sub(a.RequestedAt); off < 0 || off > time.Minute {
		s.t.Errorf("RequestedAt is %v ago", off)
	}
	if string(t.ID) != idTokenCanary || string(a.Identifier) != identifierCanary || string(a.RequestID) != requestIDCanary || a.RequestedAt.IsZero() {
		s.t.Errorf("Verify got wrong arguments: %v %v", t, a.RequestedAt)
	}
	return kiosk.Person{Subject: "u-1"}, s.verifyErr
}

func (s *testKiosk) Revoke(_ context.Context, t kiosk.Tokens) error {
	s.note("revoke")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failedRevocations > 0 {
		s.failedRevocations--
		return errors.New("no network yet")
	}
	if string(t.Access) != accessCanary {
		s.t.Errorf("the wrong tokens were revoked")
	}
	return nil
}

// pause delays an answer even if nobody waits for it any more.
func pause(_ context.Context, d time.Duration) { time.Sleep(d) }

// Fetch is the method of kiosk.Resource.
func (s *testKiosk) Fetch(ctx context.Context, t kiosk.Tokens, p kiosk.Person) (kiosk.Result, error) {
	s.note("fetch for %s", p.Subject)
	pause(ctx, s.fetchDelay)
	if string(t.Access) != accessCanary || t.Type != "Bearer" {
		s.t.Errorf("Fetch got the wrong tokens")
	}
	return kiosk.Result{Title: "Hello", Fields: []kiosk.Field{{Label: "Points", Value: "42"}}}, nil
}

// The methods of kiosk.Journal.

func (s *testKiosk) Append(r kiosk.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.diskFull {
		return errors.New("no space")
	}
	if r.Visit == "" || r.Wall.IsZero() || r.Boot != s.boot || r.Uptime == 0 {
		s.t.Errorf("a record without its times: %+v", r)
	}
	switch r.Stage {
	case kiosk.StageAcknowledged:
		if string(r.Secrets.RequestID) != requestIDCanary || string(r.Secrets.Identifier) != identifierCanary || r.SentAt.IsZero() || r.Expires != time.Minute {
			s.t.Errorf("a record that cannot be resumed: %+v", r)
		}
		if d := r.Wall.Sub(r.SentAt) - (r.Uptime - r.Sent); d.Abs() > time.Millisecond {
			s.t.Errorf("SentAt differs by %v from the uptime Sent: after another boot the request would expire too soon", d)
		}
	case kiosk.StageGranted:
		if string(r.Secrets.Tokens.Access) != accessCanary {
			s.t.Errorf("the record lacks the tokens: they could not be revoked after a crash")
		}
	case kiosk.StageShown, kiosk.StageEnded, kiosk.StageAbandoned:
		if len(r.Secrets.Identifier)+len(r.Secrets.RequestID)+len(r.Secrets.Tokens.Access) > 0 {
			s.t.Errorf("the record of an ending contains secrets")
		}
	}
	r.Secrets = kiosk.Secrets{}
	s.journal = append(s.journal, r)
	s.entries = append(s.entries, strings.TrimSpace("record "+r.Stage.String()+" "+r.Reason.String()))
	return nil
}

func (s *testKiosk) Unfinished() ([]kiosk.Record, error) { return s.unfinishedRecords, nil }

// The methods of kiosk.Guard and kiosk.Display.

func (s *testKiosk) Allow(kiosk.Secret) (kiosk.Throttle, error) {
	s.note("guard")
	return kiosk.Throttle{}, nil
}

func (s *testKiosk) Show(_ time.Duration, st kiosk.State, p kiosk.Private) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = append(s.states, st)
	s.private = append(s.private, p)
}

func (s *testKiosk) state() kiosk.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[len(s.states)-1]
}

func (s *testKiosk) press(k kiosk.KeyName, r rune) {
	s.events <- kiosk.Press{Key: k, Rune: r, Seen: s.state().Phase}
	synctest.Wait()
}

// run runs the kiosk while play acts, and then stops it.
func (s *testKiosk) run(play func()) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.runner.Run(ctx, s.events); close(done) }()
	synctest.Wait()
	play()
	stopped := time.Now()
	stop()
	<-done
	if took := time.Since(stopped); took > 0 {
		s.t.Errorf("the kiosk took %v to stop", took)
	}
	s.checkNothingLeaked()
}

func (s *testKiosk) checkNothingLeaked() {
	s.t.Helper()
	seen := s.logs.String() + fmt.Sprintf("%+v %#v", s.states, s.states)
	for _, c := range []string{identifierCanary, requestIDCanary, accessCanary, idTokenCanary, userCodeCanary} {
		if strings.Contains(seen, c) {
			s.t.Errorf("%s is in a log or a state", c)
		}
	}
	if last := s.states[len(s.states)-1]; last != last.Fresh() {
		s.t.Errorf("the last state is %+v", last)
	}
	if p := s.private[len(s.private)-1]; p.Input != "" || p.Person.Subject != "" || p.Result.Title != "" || len(p.Result.Fields) > 0 {
		s.t.Errorf("data of the last customer is still shown: %+v", p)
	}
	for n := range kiosk.Number(50) {
		for i := kiosk.Identifier; i <= kiosk.RefreshToken; i++ {
			if got := s.vault.Get(n, i); len(got) > 0 {
				s.t.Errorf("the vault still holds item %d of request %d", i, n)
			}
		}
	}
}

func (s *testKiosk) wantLog(log ...string) {
	s.t.Helper()
	if got := s.log(); !slices.Equal(got, log) {
		s.t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(log, "\n  "))
	}
}

// wantLogRevocationConcurrent is wantLog for a list whose last two entries, the ending's record and the revocation, come in either order.
func (s *testKiosk) wantLogRevocationConcurrent(log ...string) {
	s.t.Helper()
	s.mu.Lock()
	if n := len(s.entries); n > 1 && s.entries[n-2] == "revoke" {
		s.entries[n-2], s.entries[n-1] = s.entries[n-1], s.entries[n-2]
	}
	s.mu.Unlock()
	s.wantLog(log...)
}

func (s *testKiosk) wantPhase(p kiosk.Phase) {
	s.t.Helper()
	if got := s.state(); got.Phase != p {
		s.t.Fatalf("in %s (%s), want %s\n%s", got.Phase, got.Ending.Reason, p, strings.Join(s.log(), "\n"))
	}
}

func sleep(d time.Duration) { time.Sleep(d); synctest.Wait() } // virtual: it takes no time

func TestWholeVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Pending}, {Verdict: kiosk.Granted}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
			sleep(8 * time.Second)
			s.wantPhase(kiosk.Waiting)
		})
		sleep(2 * time.Minute)
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "record ended cancelled")
	})
}

func TestLateTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollDelay = 20 * time.Second
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
			sleep(8 * time.Second)
			s.press(kiosk.EscapeKey, 0)
			sleep(30 * time.Second)
			s.wantPhase(kiosk.Ready)
		})
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "record ended cancelled", "revoke")
	})
}

func TestLateAcknowledgementIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.askDelay = 20 * time.Second
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
					s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
				s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
			sleep(20 * time.Second)
			if left := s.state().Left(s.Now()); left != 58 {
				t.Errorf("%d s left", left)
			}
		})
	})
}

func TestUnusableTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Fatal, Reason: kiosk.NoAccess}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
			sleep(6 * time.Second)
			s.wantPhase(kiosk.Ended)
		})
		s.wantLogRevocationConcurrent("guard", "record asking", "ask", "record asked", "poll", "record ended no_access", "revoke")
	})
}

// A pause that the server asked for holds after a power cut, too.
func TestScheduleSurvivesPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.SlowDown}, {Verdict: kiosk.Retryable, ServerReached: true, RetryAfter: 30 * time.Second}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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

func TestPanicEndsVisitOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.panics = true
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
			synctest.Wait()
			s.wantPhase(kiosk.Ended)
		})
		s.wantLog("guard")
	})
}

func TestWrongPersonsTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.verifyErr = kiosk.Fail(kiosk.WrongPerson, "verify", nil)
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
			sleep(6 * time.Second)
			s.wantPhase(kiosk.Ended)
			sleep(2 * time.Minute)
			s.wantPhase(kiosk.Ready)
		})
		s.wantLogRevocationConcurrent("guard", "record asking", "ask", "record asked", "poll", "record granted", "verify", "record ended wrong_person", "revoke")
	})
}

// addUnfinished is a visit that a power cut interrupted.
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
					s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
				s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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

// technicianPorts are a technician's authorizer and task runner.
type technicianPorts struct {
	*testKiosk
	fails bool
}

func (p technicianPorts) Verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	p.note("as a technician:")
	return p.testKiosk.Verify(ctx, t, a)
}

func (p technicianPorts) RunTask(_ context.Context, t kiosk.Task) ([]kiosk.Field, error) {
	p.note("task %s", t)
	if p.fails {
		return nil, errors.New("a file cannot be written")
	}
	return []kiosk.Field{{Label: "state", Value: "serving"}}, nil
}

func TestTechnicianGetsMenuOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.runner.Rules.Technicians, s.runner.Technicians, s.runner.Tasks = true, technicianPorts{testKiosk: s}, technicianPorts{testKiosk: s}
		s.pollAnswers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.press(kiosk.TechnicianKey, 0)
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary), Seen: kiosk.Identify}
			sleep(6 * time.Second)
			s.wantPhase(kiosk.Menu)
			if p := s.private[len(s.private)-1]; p.Person.Subject != "" {
				t.Errorf("the person is still known: %+v", p.Person)
			}
			s.press(kiosk.RuneKey, '1')
			if p := s.private[len(s.private)-1]; len(p.Result.Fields) != 1 || p.Result.Fields[0].Value != "serving" {
				t.Errorf("on screen: %+v", p.Result)
			}
			s.press(kiosk.EscapeKey, 0)
			s.press(kiosk.RuneKey, '4')
			s.wantPhase(kiosk.Ready)
		})
		s.wantLog("guard", "record asking", "ask", "record asked", "poll", "record granted", "as a technician:", "verify",
			"record shown", "revoke", "task status", "task restart")
	})
}

func TestFailedTaskIsShownAndLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestKiosk(t)
		s.runner.Rules.Technicians, s.runner.Technicians, s.runner.Tasks = true, technicianPorts{s, true}, technicianPorts{s, true}
		s.runner.Closures = kiosk.Starting
		s.run(func() {
			s.press(kiosk.TechnicianKey, 0)
			s.wantPhase(kiosk.Menu)
			if st := s.state(); !st.Menu.Failed || !st.Menu.Unauthenticated {
				t.Errorf("%+v", st)
			}
			if !strings.Contains(s.logs.String(), "a file cannot be written") {
				t.Errorf("the log lacks the cause: %s", s.logs.String())
			}
			s.press(kiosk.EscapeKey, 0)
			s.wantPhase(kiosk.Closed)
		})
		s.wantLog("task doctor")
	})
}
