package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/store"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// The number of devices and of power cuts of each. A visit takes little
// more than a second, so that all of it takes about ten.
const (
	killedDevices = 4
	killsEach     = 7
)

// TestPowerCutsAtAnyMomentOfAVisit kills the program at any moment of a visit, many times on the same device, and
// checks what the next start does with the visit.
func TestPowerCutsAtAnyMomentOfAVisit(t *testing.T) {
	t.Parallel()
	for device := range killedDevices {
		t.Run(fmt.Sprintf("device %d", device), func(t *testing.T) {
			t.Parallel()
			// The push guard is tested elsewhere; here each start asks for a person whom it
			// does not know yet.
			r := newRig(t, "KIOSK_GUARD_DEVICE=1000/1m", "KIOSK_REQUESTED_EXPIRY=20", "KIOSK_SUBJECT_CLAIM=none")
			r.cut = true
			r.auto("approve", 300*time.Millisecond, "")
			whole := r.oneVisit(people[killsEach])
			// The seed is fixed; the machine's timing is not.
			// A visit is mostly waiting, so a third of the cuts happen in the first moments
			// and a third in the last, when records are written.
			dice := rand.New(rand.NewPCG(uint64(device), 1))
			edge := min(150*time.Millisecond, whole/2)
			for i := range killsEach {
				var after time.Duration
				switch i % 3 {
				case 0:
					after = time.Duration(dice.Int64N(int64(edge)))
				case 1:
					after = time.Duration(dice.Int64N(int64(whole)))
				default:
					after = whole - edge + time.Duration(dice.Int64N(int64(edge)))
				}
				r.killedVisit(t, people[i], after)
			}
			r.oneVisit(people[killsEach+1])
			r.checkClosed(t, 2+killsEach)
			r.checkRequests(t)
			r.checkState(t, "alice", "u-carol", "@shop.example", "+4477009001")
		})
	}
}

// people are the names by which the development server knows three people.
var people = []string{
	"alice", "u-alice", "alice@shop.example", "+447700900101", "bob", "u-bob", "bob@shop.example", "+447700900102",
	"carol", "u-carol", "carol@shop.example", "+447700900103",
}

// oneVisit plays a visit to its end and returns its duration.
func (r *rig) oneVisit(who string) time.Duration {
	r.t.Helper()
	began := time.Now()
	c := r.start("login", "--json", who)
	if code := c.wait(); code != 0 {
		r.t.Fatalf("exit code %d:\n%s%s", code, c.out.text(), c.err.text())
	}
	if last := checkLines(r.t, c.lines()); last["phase"] != "shown" {
		r.t.Errorf("the visit after a power cut ends with %v", last)
	}
	code, n := c.phase("waiting")["code"], 0
	for _, a := range r.arrivals("backchannel") {
		if a.Code == code {
			n++
		}
	}
	if n != 1 {
		r.t.Errorf("%d requests for one visit", n)
	}
	return time.Since(began)
}

// killedVisit begins a visit and kills the program after a time.
func (r *rig) killedVisit(t *testing.T, who string, after time.Duration) {
	t.Helper()
	c := r.start("login", "--json", who)
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.done: // it was quicker than the one before
	}
	c.kill()
	for i, l := range c.lines() {
		checkMembers(t, i, l)
	}
	r.checkJournal(t)
}

// checkJournal reads the record as a technician does.
func (r *rig) checkJournal(t *testing.T) []store.Visit {
	t.Helper()
	c := r.start("journal", "list", "--json", "--limit", "0")
	if code := c.wait(); code != 0 || c.err.text() != "" {
		t.Fatalf("the journal cannot be read: exit code %d: %s", code, c.err.text())
	}
	var all []store.Visit
	for _, l := range strings.Split(strings.TrimSuffix(c.out.text(), "\n"), "\n") {
		if l == "" {
			continue
		}
		var v store.Visit
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatalf("the journal is no JSON: %v: %s", err, l)
		}
		checkRecord(t, v)
		all = append(all, v)
	}
	codes, names := map[string]bool{}, map[string]bool{}
	for _, v := range all {
		if codes[v.Code] || names[v.Visit] {
			t.Errorf("visit %d has another one's code or name", v.Number)
		}
		codes[v.Code], names[v.Visit] = true, true
	}
	// Every request that reached the server was on record before.
	rang := map[string]bool{}
	for _, a := range r.arrivals("backchannel") {
		if a.Code == "" {
			continue // killed with the request on its way: the server is still reading it
		}
		if rang[a.Code] {
			t.Errorf("code %s rang twice", a.Code)
		}
		if rang[a.Code] = true; !codes[a.Code] {
			t.Errorf("code %s rang and is not on record", a.Code)
		}
	}
	return all
}

// checkClosed checks that every visit has an ending, except those whose requests are still pending, and that no start
// began more than one visit.
func (r *rig) checkClosed(t *testing.T, starts int) {
	t.Helper()
	now := time.Now()
	all := r.checkJournal(t)
	if n := r.count("backchannel"); len(all) > starts || n > starts {
		t.Errorf("%d visits and %d requests of %d starts", len(all), n, starts)
	}
	ends := map[string]int{}
	for _, v := range all {
		ends[outcome(v)]++
		last := v.Steps[len(v.Steps)-1]
		if !v.Stage.Final() && (v.Stage != kiosk.StageAcknowledged || !now.Before(last.Time.Add(last.Expires))) {
			t.Errorf("visit %d is still open: %v since %v, for %v", v.Number, v.Stage, now.Sub(last.Time), last.Expires)
		}
	}
	t.Logf("%d starts, %d requests: %v", starts, r.count("backchannel"), ends)
}

// TestScreenResumesAVisitAfterAKill kills the kiosk during Waiting. A moment later the screen shows the same code
// again, and the phone does not ring twice.
func TestScreenResumesAVisitAfterAKill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	x := r.screen()
	code := x.identify("alice")
	x.signal(syscall.SIGKILL)
	x.waitForExit()
	y := r.screen()
	if again := y.code(); again != code {
		t.Errorf("the code was %s and is %s", code, again)
	}
	y.checkMasked("alice", "a***")
	polls := r.count("poll")
	r.eventually("it polls on", func() bool { return r.count("poll") > polls })
	if n := r.count("backchannel"); n != 1 {
		t.Errorf("%d requests", n)
	}
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	y.mustShow(say(t, screen.MsgShownTitle))
	y.press(anyKey, "Welcome, Alice", "1240")
	y.press(escape, say(t, screen.MsgReadyTitle))
	y.checkForgotten("alice", "a***")
	y.checkAll(kiosk.StageShown, kiosk.NoReason)
	if all := r.visits(); len(all) != 1 || len(r.arrivals("backchannel")) != 1 {
		t.Errorf("%d visits on record, %d requests", len(all), len(r.arrivals("backchannel")))
	}
}

// TestKillDuringTheRequestClosesTheVisit: after the kill it is unknown whether the phone rang. The visit is closed, and
// the next customer sees nothing of it.
func TestKillDuringTheRequestClosesTheVisit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.faults(at("bc", "hang")[0])
	c := r.start("login", "--json", "alice")
	c.phase("asking")
	c.kill()
	r.faults()
	x := r.screen()
	x.checkForgotten("alice", "a***")
	x.signal(syscall.SIGTERM)
	x.waitForExit()
	v := r.lastVisit()
	checkRecord(t, v)
	if v.Stage != kiosk.StageAbandoned || r.count("backchannel") > 1 {
		t.Errorf("the journal says %v after %d requests", v.Stage, r.count("backchannel"))
	}
}

// TestKillAfterApprovalRevokesTheTokens: the tokens were issued and the customer is gone. The next start revokes them
// and does not redeem the request again.
func TestKillAfterApprovalRevokesTheTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.auto("approve", 0, "")
	r.faults(at("api", "hang")[0])
	c := r.start("login", "--json", "alice")
	c.phase("fetching")
	r.eventually("the API is called", func() bool { return r.count("api") == 1 })
	c.kill()
	r.faults()
	polls := r.polls()
	x := r.screen()
	x.checkForgotten("alice", "a***")
	r.eventually("the tokens are revoked", func() bool { return r.count("revocation") == 1 })
	x.checkAll(kiosk.StageEnded, kiosk.Unreachable)
	if n, m := r.polls(), r.count("api"); n != polls || m != 1 {
		t.Errorf("%d polls after the tokens came, %d calls of the API", n-polls, m)
	}
}

// polls returns the number of polls of requests. A starting kiosk also asks for one that does not exist, to learn whether the
// server accepts the client.
func (r *rig) polls() (n int) {
	for _, a := range r.arrivals("poll") {
		if a.Request != 0 {
			n++
		}
	}
	return n
}

// TestKillDoesNotResetThePushGuard: a power cut resets no budget.
func TestKillDoesNotResetThePushGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_GUARD_PERSON=1/10m")
	c := r.start("login", "--json", "alice")
	c.phase("waiting")
	c.kill()
	again := r.start("login", "--json", "alice")
	if code := again.wait(); code != 19 || r.count("backchannel") != 1 {
		t.Errorf("exit code %d, %d requests:\n%s%s", code, r.count("backchannel"), again.out.text(), again.err.text())
	}
}
