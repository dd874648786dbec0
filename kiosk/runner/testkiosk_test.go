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

func (s *testKiosk) Allow(kiosk.Secret, bool) (kiosk.Throttle, error) {
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

// enterIdentifier enters the whole identifier at once.
func (s *testKiosk) enterIdentifier() {
	s.events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret(identifierCanary)}
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
	// A stop waits for a poll in flight, for pollGrace, and for nothing else.
	if took := time.Since(stopped); took > min(s.pollDelay, 3*time.Second) {
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
