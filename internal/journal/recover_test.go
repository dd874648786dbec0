package journal

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/runner"
)

// restartClock is the clock of the start after a power cut.
type restartClock struct {
	boot  string
	now   time.Duration
	wall  time.Time
	began time.Time
}

func (m restartClock) Now() time.Duration { return m.now + time.Since(m.began) }
func (m restartClock) Wall() time.Time    { return m.wall.Add(time.Since(m.began)) }
func (m restartClock) Boot() string       { return m.boot }

// countingServer counts its requests, and approves.
type countingServer struct {
	server
	mu             sync.Mutex
	polls, revoked int
}

func (l *countingServer) Poll(ctx context.Context, id kiosk.Secret) kiosk.PollAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.polls++
	return l.server.Poll(ctx, id)
}

func (l *countingServer) Revoke(context.Context, kiosk.Tokens) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.revoked++
	return nil
}

// notifyingJournal signals each written record.
type notifyingJournal struct {
	*Journal
	closed chan struct{}
}

func (c notifyingJournal) Append(r kiosk.Record) error {
	defer close(c.closed)
	return c.Journal.Append(r)
}

// TestRecoveryAfterAPowerCut is the table of what a start does about a visit that a power cut interrupted: by its last
// record, the boot, the time that has passed and whether the wall clock is trusted. It never sends a request.
func TestRecoveryAfterAPowerCut(t *testing.T) {
	const asking, asked, granted = kiosk.StageAsking, kiosk.StageAcknowledged, kiosk.StageGranted
	for _, c := range []struct {
		name    string
		last    kiosk.Stage
		boot    string
		after   time.Duration // since the last record; by the wall clock, and within one boot by the uptime
		wrong   bool          // the wall clock is not trusted
		action  kiosk.Action
		onDisk  string // last record, with nobody in front of the screen
		polls   int
		revoked int
	}{
		{"asking, same boot", asking, "boot-1", time.Second, false, kiosk.Forget, "abandoned", 0, 0},
		{"asking, other boot", asking, "boot-2", time.Minute, false, kiosk.Forget, "abandoned", 0, 0},
		{"asking, other boot, untrusted clock", asking, "boot-2", 0, true, kiosk.Forget, "abandoned", 0, 0},
		{"asked, same boot, at once", asked, "boot-1", 5 * time.Second, false, kiosk.Resume, "ended", 1, 1},
		{"asked, same boot, at once, untrusted clock", asked, "boot-1", 5 * time.Second, true, kiosk.Resume, "ended", 1, 1},
		{"asked, same boot, later", asked, "boot-1", 40 * time.Second, false, kiosk.PollToClose, "ended", 1, 1},
		{"asked, same boot, expired", asked, "boot-1", 3 * time.Minute, false, kiosk.Forget, "ended", 0, 0},
		{"asked, other boot", asked, "boot-2", 40 * time.Second, false, kiosk.PollToClose, "ended", 1, 1},
		{"asked, other boot, at once", asked, "boot-2", 5 * time.Second, false, kiosk.PollToClose, "ended", 1, 1},
		{"asked, other boot, expired", asked, "boot-2", 3 * time.Minute, false, kiosk.Forget, "ended", 0, 0},
		{"asked, other boot, untrusted clock: the server decides", asked, "boot-2", 24 * time.Hour, true, kiosk.PollToClose, "ended", 1, 1},
		{"asked, other boot, the clock went back", asked, "boot-2", -time.Hour, false, kiosk.PollToClose, "ended", 1, 1},
		{"asked, boot without an ID", asked, "", 5 * time.Second, false, kiosk.PollToClose, "ended", 1, 1},
		{"granted, same boot, at once: never polled again", granted, "boot-1", time.Second, false, kiosk.RevokeTokens, "ended", 0, 1},
		{"granted, other boot", granted, "boot-2", time.Hour, false, kiosk.RevokeTokens, "ended", 0, 1},
		{"granted, other boot, untrusted clock", granted, "boot-2", 0, true, kiosk.RevokeTokens, "ended", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j, _ := openJournal(t, dir)
			recordVisit(t, j, "before")
			var last kiosk.Record
			for _, s := range servedStages {
				if s <= c.last {
					last = rec("cut", s)
					if s == asked {
						last.Interval = time.Millisecond
					}
					if err := j.Append(last); err != nil {
						t.Fatal(err)
					}
				}
			}
			j.Close()

			here := restartClock{boot: c.boot, now: 20 * time.Second, wall: last.Wall.Add(c.after), began: time.Now()}
			if c.boot == last.Boot {
				here.now = last.Uptime + c.after
			}
			j, err := Open(store.Options{Dir: dir}, here, discardLog())
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			left, err := j.Unfinished()
			if err != nil || len(left) != 1 {
				t.Fatal(left, err)
			}
			todo := kiosk.Recover(left, kiosk.BootContext{Boot: here.Boot(), Uptime: here.Now(), Wall: here.Wall(), Trusted: !c.wrong})
			if len(todo) != 1 || todo[0].Action != c.action {
				t.Fatalf("%v, want %v", todo[0].Action, c.action)
			}

			s, done := &countingServer{}, notifyingJournal{j, make(chan struct{})}
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			r := &runner.Runner{
				Rules: kiosk.DefaultRules(), Authorizer: s, Resource: s, Journal: done, Vault: nil, Guard: s, Clock: here,
				Display: phaseDisplay(func(kiosk.Phase) {}), Log: discardLog(), Trusted: !c.wrong,
			}
			over := make(chan struct{})
			go func() { defer close(over); r.Run(ctx, nil) }()
			<-done.closed
			stop()
			<-over
			if s.asked > 0 || s.polls != c.polls || s.revoked != c.revoked {
				t.Errorf("%d pushes, %d polls of %d, %d revocations of %d", s.asked, s.polls, c.polls, s.revoked, c.revoked)
			}
			j.Close()
			if visits, _ := readRecord(t, dir); strings.Join(visits, ", ") != "cut "+c.onDisk+", before shown" {
				t.Errorf("on record: %q", visits)
			}
		})
	}
}
