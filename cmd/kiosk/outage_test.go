package main

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

// TestServerUnreachableDuringAVisit makes the authorization server unreachable during a visit.
func TestServerUnreachableDuringAVisit(t *testing.T) {
	t.Parallel()
	t.Run("and it does not come back", func(t *testing.T) {
		t.Parallel()
		d := newGate(t)
		r := newRigBehind(t, d, "KIOSK_REQUESTED_EXPIRY=6")
		c := r.start("login", "--json", "alice")
		c.phase("waiting")
		d.refuse()
		c.until("connection lost", func(l map[string]any) bool { return l["connection"] == "lost" })
		r.checkOutcome(t, c, ending{code: 13, reason: "unreachable", pushes: 1})
	})
	t.Run("and it comes back in time", func(t *testing.T) {
		t.Parallel()
		d := newGate(t)
		r := newRigBehind(t, d, "KIOSK_REQUESTED_EXPIRY=30")
		c := r.start("login", "--json", "alice")
		c.phase("waiting")
		d.close()
		c.until("connection lost", func(l map[string]any) bool { return l["connection"] == "lost" })
		d.open()
		lost := false
		c.until("connection back", func(l map[string]any) bool {
			lost = lost || l["connection"] == "lost"
			return lost && l["connection"] == "ok"
		})
		if err := r.dev.Approve("alice", ""); err != nil {
			t.Fatal(err)
		}
		r.checkOutcome(t, c, shown)
	})
	t.Run("and it was never there", func(t *testing.T) {
		t.Parallel()
		d := newGate(t)
		r := newRigBehind(t, d)
		d.refuse()
		r.checkOutcome(t, r.start("login", "--json", "alice"), ending{code: 13, reason: "unreachable"})
	})
}

// TestSlowDownLastsForTheVisit: the interval after slow_down lasts for the rest of the visit.
func TestSlowDownLastsForTheVisit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.faults(faults.Fault{At: "token", Kind: "slow_down", Times: 1})
	c := r.start("login", "--json", "alice")
	l := c.until("a longer interval", func(l map[string]any) bool { return l["phase"] == "waiting" && l["interval"] != 1.0 })
	if l["interval"] != 6.0 || l["connection"] != "ok" {
		t.Errorf("after slow_down: %v", l)
	}
	if err := r.dev.Approve("alice", ""); err != nil {
		t.Fatal(err)
	}
	r.checkOutcome(t, c, shown)
	if p := r.arrivals("poll"); len(p) != 2 || p[1].SincePrevious < 6000 {
		t.Errorf("polls: %+v", p)
	}
}

// TestPushGuardRemembersAcrossRestarts: the push guard's memory is on record.
func TestPushGuardRemembersAcrossRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, "KIOSK_GUARD_PERSON=1/10m")
	r.auto("deny", 0, "")
	r.checkOutcome(t, r.start("login", "--json", "alice"), ending{code: 10, reason: "declined", pushes: 1})
	second := r.start("login", "--json", "ALICE") // the same person however typed
	code := second.wait()
	last := checkLines(t, second.lines())
	if code != 19 || last["reason"] != "held_back" || len(second.lines()) != 1 || r.count("backchannel") != 1 {
		t.Errorf("exit code %d, %d requests, said:\n%s", code, r.count("backchannel"), second.out.text())
	}
	if advice, _ := last["advice"].(string); !strings.Contains(advice, "10 minutes") {
		t.Errorf("%q lacks the waiting time", advice)
	}
	// Another person is not throttled by it.
	r.checkOutcome(t, r.start("login", "--json", "bob"), ending{code: 10, reason: "declined", pushes: 2})
}
