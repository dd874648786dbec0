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

// Canaries: none may appear outside the vault and sealed records.
const (
	whoCanary    = "canary-identifier"
	idCanary     = "canary-auth-req-id"
	accessCanary = "canary-access-token"
	idtCanary    = "canary-id-token"
	codeCanary   = "canary-user-code"
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

	mu      sync.Mutex
	entries []string // what happened, in order
	left    []kiosk.Record
	journal []kiosk.Record
	full    bool
	answers []kiosk.PollAnswer // to polls, the last one for ever
	askTake time.Duration
	age     time.Duration // of the acknowledgement
	verTake time.Duration
	getTake time.Duration
	step    time.Duration // how far the wall clock has been set off
	polTake time.Duration
	panics  bool
	deaf    int // so many revocations fail
	person  error
	expires time.Duration // of the access token
	code    string        // the user code that the server wants
	ping    func()        // of the last request
	states  []kiosk.State
	private []kiosk.Private
	visits  int
}

func open(t *testing.T) *testKiosk {
	s := &testKiosk{t: t, events: make(chan kiosk.Event), vault: vault.New(), started: time.Now(), boot: "boot-1", uptime: time.Hour}
	s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Pending}}
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

// set moves the wall clock.
func (s *testKiosk) set(step time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step = step
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

// The clock.
func (s *testKiosk) Now() time.Duration { return s.uptime + time.Since(s.started) }
func (s *testKiosk) Wall() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.step)
}
func (s *testKiosk) Boot() string { return s.boot }

// The authorization server.
func (s *testKiosk) Ask(ctx context.Context, r kiosk.Request) (kiosk.Ack, error) {
	s.note("ask")
	if string(r.Identifier) != whoCanary {
		s.t.Errorf("asked for another person")
	}
	select {
	case <-time.After(s.askTake):
	case <-ctx.Done():
		return kiosk.Ack{}, kiosk.Fail(kiosk.Unreachable, "ask", ctx.Err())
	}
	if s.code != "" && string(r.UserCode) != s.code {
		return kiosk.Ack{}, &kiosk.Error{Reason: kiosk.Refused, Operation: "ask", Required: kiosk.UserCodeRequired}
	}
	s.ping = r.Ping
	ack := kiosk.Ack{RequestID: kiosk.Secret(idCanary), Expires: time.Minute, Interval: 5 * time.Second, BindingMessage: "K7-4F9Q", Age: s.age}
	if r.Flow == kiosk.DeviceFlow {
		ack.Grant = kiosk.Grant{Address: "https://id.example.org/device", Complete: "https://id.example.org/device?c=WDJB-MJHT", UserCode: "WDJB-MJHT"}
	}
	return ack, nil
}

func (s *testKiosk) Poll(ctx context.Context, id kiosk.Secret) kiosk.PollAnswer {
	s.note("poll")
	if string(id) != idCanary {
		s.t.Errorf("polled for another request")
	}
	if s.panics {
		panic(accessCanary)
	}
	select {
	case <-time.After(s.polTake):
	case <-ctx.Done():
		return kiosk.PollAnswer{Verdict: kiosk.Retryable, Err: ctx.Err()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if a.Verdict == kiosk.Granted || a.Reason == kiosk.NoAccess {
		a.Tokens = kiosk.Tokens{Access: kiosk.Secret(accessCanary), ID: kiosk.Secret(idtCanary), Type: "Bearer", Expires: s.expires}
	}
	return a
}

func (s *testKiosk) Verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	s.note("verify")
	pause(ctx, s.verTake)
	if off := s.Wall().Sub(a.RequestedAt); off < 0 || off > time.Minute {
		s.t.Errorf("the request is said to have left %v ago", off)
	}
	if string(t.ID) != idtCanary || string(a.Identifier) != whoCanary || string(a.RequestID) != idCanary || a.RequestedAt.IsZero() {
		s.t.Errorf("verify got other things than came: %v %v", t, a.RequestedAt)
	}
	return kiosk.Person{Subject: "u-1"}, s.person
}

func (s *testKiosk) Revoke(_ context.Context, t kiosk.Tokens) error {
	s.note("revoke")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf > 0 {
		s.deaf--
		return errors.New("no network yet")
	}
	if string(t.Access) != accessCanary {
		s.t.Errorf("other tokens revoked than came")
	}
	return nil
}

// pause delays an answer even if nobody waits for it any more.
func pause(_ context.Context, d time.Duration) { time.Sleep(d) }

// The protected API.
func (s *testKiosk) Fetch(ctx context.Context, t kiosk.Tokens, p kiosk.Person) (kiosk.Result, error) {
	s.note("fetch for %s", p.Subject)
	pause(ctx, s.getTake)
	if string(t.Access) != accessCanary || t.Type != "Bearer" {
		s.t.Errorf("fetched with other tokens than came")
	}
	return kiosk.Result{Title: "Hello", Fields: []kiosk.Field{{Label: "Points", Value: "42"}}}, nil
}

// The journal.
func (s *testKiosk) Append(r kiosk.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return errors.New("no space")
	}
	if r.Visit == "" || r.Wall.IsZero() || r.Boot != s.boot || r.Uptime == 0 {
		s.t.Errorf("a record without its times: %+v", r)
	}
	switch r.Stage {
	case kiosk.StageAcknowledged:
		if string(r.Secrets.RequestID) != idCanary || string(r.Secrets.Identifier) != whoCanary || r.SentAt.IsZero() || r.Expires != time.Minute {
			s.t.Errorf("a record that cannot be taken up again: %+v", r)
		}
		if d := r.Wall.Sub(r.SentAt) - (r.Uptime - r.Sent); d.Abs() > time.Millisecond {
			s.t.Errorf("sent %v earlier by the wall clock than by uptime: another boot would take it for expired too soon", d)
		}
	case kiosk.StageGranted:
		if string(r.Secrets.Tokens.Access) != accessCanary {
			s.t.Errorf("tokens that could not be revoked after a crash")
		}
	case kiosk.StageShown, kiosk.StageEnded, kiosk.StageAbandoned:
		if len(r.Secrets.Identifier)+len(r.Secrets.RequestID)+len(r.Secrets.Tokens.Access) > 0 {
			s.t.Errorf("an ending keeps secrets")
		}
	}
	r.Secrets = kiosk.Secrets{}
	s.journal = append(s.journal, r)
	s.entries = append(s.entries, strings.TrimSpace("record "+r.Stage.String()+" "+r.Reason.String()))
	return nil
}

func (s *testKiosk) Unfinished() ([]kiosk.Record, error) { return s.left, nil }

// The guard and the screen.
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
	s.nothingLeaked()
}

func (s *testKiosk) nothingLeaked() {
	s.t.Helper()
	seen := s.logs.String() + fmt.Sprintf("%+v %#v", s.states, s.states)
	for _, c := range []string{whoCanary, idCanary, accessCanary, idtCanary, codeCanary} {
		if strings.Contains(seen, c) {
			s.t.Errorf("%s is in a log or a state", c)
		}
	}
	if last := s.states[len(s.states)-1]; last != last.Fresh() {
		s.t.Errorf("the run ended in %+v", last)
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

func (s *testKiosk) want(log ...string) {
	s.t.Helper()
	if got := s.log(); !slices.Equal(got, log) {
		s.t.Errorf("what happened:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(log, "\n  "))
	}
}

// wantBeside is want for a list whose last two entries, the ending's record and the revocation, come in either order.
func (s *testKiosk) wantBeside(log ...string) {
	s.t.Helper()
	s.mu.Lock()
	if n := len(s.entries); n > 1 && s.entries[n-2] == "revoke" {
		s.entries[n-2], s.entries[n-1] = s.entries[n-1], s.entries[n-2]
	}
	s.mu.Unlock()
	s.want(log...)
}

func (s *testKiosk) in(p kiosk.Phase) {
	s.t.Helper()
	if got := s.state(); got.Phase != p {
		s.t.Fatalf("in %s (%s), want %s\n%s", got.Phase, got.Ending.Reason, p, strings.Join(s.log(), "\n"))
	}
}

func sleep(d time.Duration) { time.Sleep(d); synctest.Wait() } // virtual: it takes no time

func TestWholeVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Pending}, {Verdict: kiosk.Granted}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			synctest.Wait()
			s.in(kiosk.Waiting)
			sleep(11 * time.Second)
			s.in(kiosk.Shown)
			s.press(kiosk.EnterKey, 0)
			if p := s.private[len(s.private)-1]; p.Result.Title != "Hello" {
				t.Errorf("on screen: %+v", p.Result)
			}
			s.press(kiosk.EnterKey, 0)
			s.in(kiosk.Ready)
		})
		s.want("guard", "record asking", "ask", "record asked", "poll", "poll", "record granted", "verify", "fetch for u-1", "record shown", "revoke")
	})
}

func TestTyping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.run(func() {
			for _, r := range "canarx" {
				s.press(kiosk.RuneKey, r)
			}
			s.press(kiosk.RuneKey, '\x1b') // a control character is no letter
			s.press(kiosk.BackspaceKey, 0)
			for _, r := range "y-identifier " {
				s.press(kiosk.RuneKey, r)
			}
			if p := s.private[len(s.private)-1]; p.Input != whoCanary+" " {
				t.Errorf("on screen: %q", p.Input)
			}
			s.press(kiosk.EnterKey, 0)
			s.in(kiosk.Waiting)
			if got := s.state().Masked; got != "c***" {
				t.Errorf("masked as %q", got)
			}
			s.press(kiosk.EscapeKey, 0)
			s.in(kiosk.Ended)
			sleep(11 * time.Second)
			s.in(kiosk.Ready)
		})
	})
}

func TestStopDuringWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.polTake = 30 * time.Second
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			sleep(8 * time.Second)
			s.in(kiosk.Waiting)
		})
		sleep(2 * time.Minute)
		s.want("guard", "record asking", "ask", "record asked", "poll", "record ended cancelled")
	})
}

func TestLateTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.polTake = 20 * time.Second
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			sleep(8 * time.Second)
			s.press(kiosk.EscapeKey, 0)
			sleep(30 * time.Second)
			s.in(kiosk.Ready)
		})
		s.want("guard", "record asking", "ask", "record asked", "poll", "record ended cancelled", "revoke")
	})
}

func TestLateAcknowledgementIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.askTake = 20 * time.Second
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			sleep(3 * time.Second)
			s.press(kiosk.EscapeKey, 0)
			sleep(time.Minute)
			s.in(kiosk.Ready)
		})
		s.want("guard", "record asking", "ask", "record abandoned cancelled")
	})
}

// An acknowledgement after the customer has left changes nothing.
func TestLateAnswersChangeNothing(t *testing.T) {
	for name, c := range map[string]struct{ verify, fetch time.Duration }{
		"who approved": {20 * time.Second, 0},
		"the result":   {0, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
				s.verTake, s.getTake = c.verify, c.fetch
				s.run(func() {
					s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
					sleep(8 * time.Second)
					s.press(kiosk.EscapeKey, 0)
					s.in(kiosk.Ended)
					sleep(time.Minute)
					s.in(kiosk.Ready)
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
			s := open(t)
			s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Pending}, {Verdict: kiosk.Granted}}
			s.run(func() {
				s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
				sleep(7 * time.Second)
				s.set(step)
				sleep(5 * time.Second)
				s.in(kiosk.Shown)
			})
		})
	}
}

func TestDeadlineCountsFromRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.askTake, s.age = 20*time.Second, 2*time.Second // 18 s went by before it left
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			sleep(20 * time.Second)
			if left := s.state().Left(s.Now()); left != 58 {
				t.Errorf("%d s left", left)
			}
		})
	})
}

func TestUnusableTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Fatal, Reason: kiosk.NoAccess}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			sleep(6 * time.Second)
			s.in(kiosk.Ended)
		})
		s.wantBeside("guard", "record asking", "ask", "record asked", "poll", "record ended no_access", "revoke")
	})
}

// A pause that the server asked for holds after a power cut, too.
func TestScheduleSurvivesPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.SlowDown}, {Verdict: kiosk.Retryable, ServerReached: true, RetryAfter: 30 * time.Second}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
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
		s := open(t)
		s.unfinished(kiosk.StageAcknowledged, "boot-1", 10*time.Second)
		s.left[0].Pause = 30 * time.Second
		s.run(func() {
			sleep(19 * time.Second)
			if s.count("poll") > 0 {
				t.Error("polled before the server's pause was over")
			}
			sleep(2 * time.Second)
			if s.count("poll") != 1 {
				t.Error("not polled after it")
			}
		})
	})
}

// Without a screen nobody waits, so an interrupted visit is only closed.
func TestNothingIsResumedWithoutScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.runner.Resume = false
		s.unfinished(kiosk.StageAcknowledged, "boot-1", 10*time.Second)
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() { s.in(kiosk.Ready); sleep(time.Minute); s.in(kiosk.Ready) })
		s.want("poll", "revoke", "record ended cancelled")
	})
}

// After a start the network is often not up yet.
func TestRevocationIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.unfinished(kiosk.StageGranted, "boot-0", time.Minute)
		s.deaf = 3
		s.run(func() { sleep(time.Hour) })
		s.want("revoke", "revoke", "revoke", "revoke", "record ended unreachable")
	})
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.unfinished(kiosk.StageGranted, "boot-0", time.Minute)
		s.deaf = 100
		s.run(func() { sleep(5 * time.Second) })
		s.want("revoke") // and nothing is closed: the next start goes on
	})
}

func TestPanicEndsVisitOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.panics = true
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			sleep(8 * time.Second)
			s.in(kiosk.Ended)
			if r := s.state().Ending.Reason; r != kiosk.Internal {
				t.Errorf("ended for %s", r)
			}
		})
		if !strings.Contains(s.logs.String(), "panic") {
			t.Error("nobody would ever know")
		}
	})
}

func TestNoRequestWithoutRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.full = true
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			synctest.Wait()
			s.in(kiosk.Ended)
		})
		s.want("guard")
	})
}

func TestWrongPersonsTokensAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.person = kiosk.Fail(kiosk.WrongPerson, "verify", nil)
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			sleep(6 * time.Second)
			s.in(kiosk.Ended)
			sleep(2 * time.Minute)
			s.in(kiosk.Ready)
		})
		s.wantBeside("guard", "record asking", "ask", "record asked", "poll", "record granted", "verify", "record ended wrong_person", "revoke")
	})
}

// unfinished is a visit that a power cut interrupted.
func (s *testKiosk) unfinished(stage kiosk.Stage, boot string, ago time.Duration) {
	r := kiosk.Record{
		Visit: "old", Stage: stage, Code: "K7-4F9Q", Expires: time.Minute, Interval: 5 * time.Second,
		Boot: boot, Wall: time.Now().Add(-ago), Uptime: s.uptime - ago, Sent: s.uptime - ago, SentAt: time.Now().Add(-ago),
	}
	r.Secrets.Identifier = kiosk.Secret(whoCanary)
	if stage != kiosk.StageAsking {
		r.Secrets.RequestID = kiosk.Secret(idCanary)
	}
	if stage == kiosk.StageGranted {
		r.Secrets.Tokens = kiosk.Tokens{Access: kiosk.Secret(accessCanary)}
	}
	s.left = append(s.left, r)
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
		{"asking: nobody knows whether the phone rang", kiosk.StageAsking, "boot-1", time.Second, true, kiosk.Pending,
			[]string{"record abandoned unreachable"}},
		{"asked, back at once: the customer goes on", kiosk.StageAcknowledged, "boot-1", 10 * time.Second, true, kiosk.Granted,
			[]string{"poll", "record granted", "verify", "fetch for u-1", "record shown", "revoke"}},
		{"asked, back late: only closed, its tokens revoked", kiosk.StageAcknowledged, "boot-1", 40 * time.Second, true, kiosk.Granted,
			[]string{"poll", "revoke", "record ended cancelled"}},
		{"asked, another boot: only closed", kiosk.StageAcknowledged, "boot-0", 10 * time.Second, true, kiosk.Denied,
			[]string{"poll", "record ended declined"}},
		{"asked, another boot, long ago", kiosk.StageAcknowledged, "boot-0", time.Hour, true, kiosk.Pending,
			[]string{"record ended expired"}},
		{"asked, another boot, and the clock cannot be trusted", kiosk.StageAcknowledged, "boot-0", time.Hour, false, kiosk.TimedOut,
			[]string{"poll", "record ended expired"}},
		{"asked, and redeemed just before the crash", kiosk.StageAcknowledged, "boot-0", 10 * time.Second, true, kiosk.UnknownRequest,
			[]string{"poll", "record ended unreachable"}},
		{"granted: revoked, never polled", kiosk.StageGranted, "boot-1", time.Second, true, kiosk.Pending,
			[]string{"revoke", "record ended unreachable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.unfinished(c.stage, c.boot, c.ago)
				s.runner.Trusted = c.trusted
				s.answers = []kiosk.PollAnswer{{Verdict: c.answer}}
				s.run(func() { sleep(3 * time.Minute) })
				s.want(c.want...)
				if s.count("ask") > 0 {
					t.Error("the phone was rung again")
				}
			})
		})
	}
}

func TestPollToCloseKeepsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.unfinished(kiosk.StageAcknowledged, "boot-0", 10*time.Second)
		s.runner.Trusted = true
		s.run(func() { sleep(3 * time.Minute); s.in(kiosk.Ready) })
		// 50 s are left: a poll every 5 s, the last one just before the end.
		if n := s.count("poll"); n < 9 || n > 10 {
			t.Errorf("%d polls", n)
		}
		if got := s.log(); got[len(got)-1] != "record ended expired" {
			t.Errorf("at last: %s", got[len(got)-1])
		}
	})
}

func TestStopDuringPollToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.unfinished(kiosk.StageAcknowledged, "boot-0", 10*time.Second)
		s.runner.Trusted = true
		s.run(func() { sleep(7 * time.Second) })
		s.want("poll")
	})
}

func TestIdleKioskDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.run(func() {
			before := len(s.states)
			sleep(24 * time.Hour)
			if n := len(s.states) - before; n != 0 {
				t.Errorf("%d frames in a day without customers", n)
			}
		})
		s.want()
	})
}

// A user code is in the vault until it is sent once, and nowhere else.
func TestUserCodeIsSentOnceAndNeverShown(t *testing.T) {
	for name, give := range map[string]func(s *testKiosk){
		"typed": func(s *testKiosk) {
			for _, r := range codeCanary {
				s.press(kiosk.RuneKey, r)
			}
			s.press(kiosk.EnterKey, 0)
		},
		"from a script": func(s *testKiosk) {
			s.events <- kiosk.UserCodeEntered{Code: kiosk.Secret(codeCanary)}
			synctest.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				s.code = codeCanary
				s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
				s.run(func() {
					s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
					synctest.Wait()
					s.in(kiosk.EnterUserCode)
					s.press(kiosk.RuneKey, 'x')
					s.press(kiosk.EnterKey, 0) // wrong
					s.in(kiosk.EnterUserCode)
					give(s)
					s.in(kiosk.Waiting)
					for n := range kiosk.Number(9) {
						if len(s.vault.Get(n, kiosk.UserCode)) > 0 {
							t.Error("the vault still holds the code after it was sent")
						}
					}
					sleep(6 * time.Second)
					s.in(kiosk.Shown)
				})
				s.want("guard", "record asking", "ask", "record ended", "guard", "record asking", "ask", "record ended",
					"guard", "record asking", "ask", "record asked", "poll", "record granted", "verify", "fetch for u-1", "record shown", "revoke")
			})
		})
	}
}

// In the device flow the screen shows the address and the code during Waiting.
func TestDeviceFlowShowsAddressDuringWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.runner.Rules.DeviceFlow = true
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			synctest.Wait()
			s.press(kiosk.RuneKey, '2')
			s.in(kiosk.Waiting)
			if g := s.private[len(s.private)-1].Grant; g.UserCode != "WDJB-MJHT" {
				t.Errorf("on screen: %+v", g)
			}
			s.press(kiosk.EscapeKey, 0)
			sleep(time.Minute)
			s.in(kiosk.Ready)
			if g := s.private[len(s.private)-1].Grant; g != (kiosk.Grant{}) {
				t.Errorf("still on screen: %+v", g)
			}
		})
		s.want("guard", "record asking", "ask", "record asked", "record ended cancelled",
			"record asking", "ask", "record asked", "record ended cancelled") // no phone rings: the guard has no say
	})
}

// A ping brings the answer at once.
func TestPingBringsAnswerAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
			synctest.Wait()
			s.in(kiosk.Waiting)
			before := s.Now()
			for range 40 { // a mad server is not waited for
				s.ping()
			}
			synctest.Wait()
			s.in(kiosk.Shown)
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
			s := open(t)
			for n := range 100 {
				s.answers = append(s.answers, kiosk.PollAnswer{Verdict: kiosk.Pending, RetryAfter: wish(n)})
			}
			s.run(func() {
				s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary)}
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
			if longest < wish(polls-2) { // the last came too late to be of use
				t.Errorf("%s: %v on record, %v was asked for", name, longest, wish(polls-2))
			}
		})
	}
}

// technicianPorts are a technician's authorizer and task runner.
type technicianPorts struct {
	*testKiosk
	fails bool
}

func (g technicianPorts) Verify(ctx context.Context, t kiosk.Tokens, a kiosk.Expectation) (kiosk.Person, error) {
	g.note("as a technician:")
	return g.testKiosk.Verify(ctx, t, a)
}

func (g technicianPorts) RunTask(_ context.Context, t kiosk.Task) ([]kiosk.Field, error) {
	g.note("serve %s", t)
	if g.fails {
		return nil, errors.New("a file cannot be written")
	}
	return []kiosk.Field{{Label: "state", Value: "how it is"}}, nil
}

func TestTechnicianGetsMenuOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.runner.Rules.Technicians, s.runner.Technicians, s.runner.Tasks = true, technicianPorts{testKiosk: s}, technicianPorts{testKiosk: s}
		s.answers = []kiosk.PollAnswer{{Verdict: kiosk.Granted}}
		s.run(func() {
			s.press(kiosk.TechnicianKey, 0)
			s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(whoCanary), Seen: kiosk.Identify}
			sleep(6 * time.Second)
			s.in(kiosk.Menu)
			if p := s.private[len(s.private)-1]; p.Person.Subject != "" {
				t.Errorf("who it is is kept: %+v", p.Person)
			}
			s.press(kiosk.RuneKey, '1')
			if p := s.private[len(s.private)-1]; len(p.Result.Fields) != 1 || p.Result.Fields[0].Value != "how it is" {
				t.Errorf("on screen: %+v", p.Result)
			}
			s.press(kiosk.EscapeKey, 0)
			s.press(kiosk.RuneKey, '4')
			s.in(kiosk.Ready)
		})
		s.want("guard", "record asking", "ask", "record asked", "poll", "record granted", "as a technician:", "verify",
			"record shown", "revoke", "serve status", "serve restart")
	})
}

func TestFailedTaskIsShownAndLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.runner.Rules.Technicians, s.runner.Technicians, s.runner.Tasks = true, technicianPorts{s, true}, technicianPorts{s, true}
		s.runner.Closures = kiosk.Starting
		s.run(func() {
			s.press(kiosk.TechnicianKey, 0)
			s.in(kiosk.Menu)
			if st := s.state(); !st.Menu.Failed || !st.Menu.Unauthenticated {
				t.Errorf("%+v", st)
			}
			if !strings.Contains(s.logs.String(), "a file cannot be written") {
				t.Errorf("the log does not say why: %s", s.logs.String())
			}
			s.press(kiosk.EscapeKey, 0)
			s.in(kiosk.Closed)
		})
		s.want("serve doctor")
	})
}
