package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/internal/vault"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
)

// The child is a kiosk in a process of its own, to be killed, starved of disk and cut off: the real runner, journal
// and store, with an authorization server that remembers each backchannel request in a file, since no power cut here
// makes it forget.
const (
	childDir    = "CIBA_KIOSK_TEST_CHILD_DIR"    // state directory
	childVisits = "CIBA_KIOSK_TEST_CHILD_VISITS" // number of visits
	childPushes = "CIBA_KIOSK_TEST_CHILD_PUSHES" // file of requests, if not beside the state directory
	pushesName  = "pushes"                       // beside the state directory, one code a line
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		n, _ := strconv.Atoi(os.Getenv(childVisits))
		if err := runChild(dir, n); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// jumpClock is a clock that the child moves forward between visits, so that nothing has to wait.
type jumpClock struct {
	mu     sync.Mutex
	began  time.Time
	offset time.Duration
}

func (c *jumpClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Hour + time.Since(c.began) + c.offset
}
func (c *jumpClock) Wall() time.Time { return noon.Add(c.Now()) }
func (c *jumpClock) Boot() string    { return "boot-1" }
func (c *jumpClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// ackJournal prints each record when it is on disk, or in memory.
type ackJournal struct{ *Journal }

func (a ackJournal) Append(r kiosk.Record) error {
	err := a.Journal.Append(r)
	if err == nil {
		word := "ack"
		if !a.Condition().Healthy {
			word = "held"
		}
		fmt.Println(word, r.Visit, r.Stage) // unbuffered: one write
	}
	return err
}

// server acknowledges requests and approves at the first poll.
type server struct {
	pushes *os.File
	asked  int
}

func (s *server) Ask(_ context.Context, r kiosk.Request) (kiosk.Ack, error) {
	s.asked++
	if s.pushes != nil {
		if _, err := fmt.Fprintln(s.pushes, r.Code); err != nil {
			return kiosk.Ack{}, err
		}
	}
	return kiosk.Ack{RequestID: kiosk.Secret("req-" + r.Code), Expires: time.Minute, Interval: time.Millisecond}, nil
}
func (s *server) Poll(context.Context, kiosk.Secret) kiosk.PollAnswer {
	return kiosk.PollAnswer{Verdict: kiosk.Granted, Tokens: kiosk.Tokens{Access: kiosk.Secret("access"), ID: kiosk.Secret("id"), Type: "Bearer"}}
}
func (s *server) Verify(context.Context, kiosk.Tokens, kiosk.Expectation) (kiosk.Person, error) {
	return kiosk.Person{Subject: "s"}, nil
}
func (s *server) Revoke(context.Context, kiosk.Tokens) error { return nil }
func (s *server) Fetch(context.Context, kiosk.Tokens, kiosk.Person) (kiosk.Result, error) {
	return kiosk.Result{Title: "t"}, nil
}
func (s *server) Allow(kiosk.Secret, bool) (kiosk.Throttle, error) { return kiosk.Throttle{}, nil }

// phaseDisplay is called with each phase.
type phaseDisplay func(kiosk.Phase)

func (w phaseDisplay) Show(_ time.Duration, s kiosk.State, _ kiosk.Private) { w(s.Phase) }

// runVisits has a runner recover what is on record and then run visits.
func runVisits(j kiosk.Journal, s *server, clock kiosk.Clock, from, visits int, between func()) {
	events := make(chan kiosk.Event, 16)
	ctx, stop := context.WithCancel(context.Background())
	n := from
	last := kiosk.Phase(255)
	next := func() {
		if n == from+visits {
			stop()
			return
		}
		n++
		between()
		events <- kiosk.IdentifierEntered{Identifier: kiosk.Secret("alice")}
	}
	r := &runner.Runner{
		Rules: kiosk.DefaultRules(), Authorizer: s, Resource: s, Journal: j, Vault: vault.New(), Guard: s, Clock: clock,
		Display: phaseDisplay(func(p kiosk.Phase) {
			if p == last {
				return
			}
			switch last = p; p {
			case kiosk.Ready:
				next()
			case kiosk.Shown, kiosk.Ended:
				events <- kiosk.Press{Key: kiosk.EscapeKey, Seen: p}
			}
		}),
		NewVisit: func() (string, string) { return fmt.Sprint("visit-", n), fmt.Sprint("code-", n) },
		Log:      discardLog(), Trusted: true,
	}
	r.Run(ctx, events)
}

// mostQueued limits the child's revocation queue to less than the store does, which drops the oldest entries.
const mostQueued = 100

// queueRevocations adds two entries to the revocation queue, removes the first and prints the second, which must never
// vanish. During an outage it does nothing.
func queueRevocations(j *Journal) {
	pending, err := j.PendingRevocations()
	if err != nil || len(pending) >= mostQueued {
		return
	}
	add := func(token string) (id uint64, err error) {
		return j.AddRevocation(kiosk.Revocation{Until: noon, Tokens: kiosk.Tokens{Access: kiosk.Secret(token), Type: "Bearer"}})
	}
	first, err := add("done")
	if err != nil || j.RevocationDone(first) != nil {
		return
	}
	token := fmt.Sprint("token-", first)
	if id, err := add(token); err == nil {
		fmt.Printf("queued revocation-%d %s\n", id, token) // unbuffered: one write
	}
}

func runChild(dir string, visits int) error {
	runtime.LockOSThread() // strace counts by thread; the runner's loop, which writes the record, stays on this one
	past := os.Getenv(childPushes)
	if past == "" {
		past = filepath.Join(filepath.Dir(dir), pushesName)
	}
	pushes, err := os.OpenFile(past, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	clock := &jumpClock{began: time.Now()}
	j, err := Open(store.Options{Dir: dir, Process: "child"}, clock, discardLog())
	if err != nil {
		return err
	}
	from := 0
	if j.disk != nil {
		if newest, err := j.disk.List(0, 1); err == nil && len(newest) == 1 {
			from = int(newest[0].Number)
		}
	}
	if before, err := os.ReadFile(past); err == nil {
		from += len(before) // do not reuse codes
	}
	begun := 0
	runVisits(ackJournal{j}, &server{pushes: pushes}, clock, from, visits, func() {
		clock.jump(time.Minute)
		j.Retry()
		queueRevocations(j)
		if begun++; begun > 1 && j.Condition().Healthy {
			j.disk.Rewrite() // as Compact does when much of the file is free; a failure changes nothing
		}
	})
	for range 4 { // more than there are faults in a row
		clock.jump(time.Minute)
		j.Retry()
	}
	fmt.Println("well", j.Condition().Healthy)
	return j.Close()
}
