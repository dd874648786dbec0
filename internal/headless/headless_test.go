package headless

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func texts(t *testing.T) Texts {
	t.Helper()
	c, err := words.Open("en")
	if err != nil {
		t.Fatal(err)
	}
	return Texts{Catalog: c, Wall: func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }}
}

// fakeKiosk plays visits by a script: the phases that follow each event.
type fakeKiosk struct {
	t        *testing.T
	frontend *Frontend
	script   func(kiosk.Event) []kiosk.State

	mu      sync.Mutex
	state   kiosk.State
	changed chan struct{}
	events  []kiosk.Event
}

func newFakeKiosk(t *testing.T, script func(kiosk.Event) []kiosk.State) *fakeKiosk {
	k := &fakeKiosk{t: t, frontend: New(texts(t)), script: script, changed: make(chan struct{})}
	k.frontend.Attach(k)
	return k
}

func (k *fakeKiosk) show(s kiosk.State) {
	k.frontend.Show(0, s, kiosk.Private{})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = s
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *fakeKiosk) Send(e kiosk.Event) {
	k.events = append(k.events, e)
	for _, s := range k.script(e) {
		k.show(s)
	}
}

func (k *fakeKiosk) Phase() (kiosk.Phase, kiosk.Closures, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.Phase, k.state.Closures, k.changed
}

func (k *fakeKiosk) OutageText() string { return "Back at ten" }

func phases(visit string, all ...kiosk.Phase) (states []kiosk.State) {
	for _, p := range all {
		states = append(states, kiosk.State{Phase: p, Request: kiosk.RequestState{Visit: visit}})
	}
	return states
}

func parse(t *testing.T, out *bytes.Buffer) (lines []Line) {
	t.Helper()
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var l Line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		lines = append(lines, l)
	}
	return lines
}

func phaseNames(lines []Line) string {
	var names []string
	for _, l := range lines {
		names = append(names, l.Phase)
	}
	return strings.Join(names, " ")
}

func TestVisitWritesALinePerChange(t *testing.T) {
	k := newFakeKiosk(t, func(e kiosk.Event) []kiosk.State {
		switch e := e.(type) {
		case kiosk.IdentifierEntered:
			return append(phases("", kiosk.Identify), phases("v1", kiosk.Asking, kiosk.Asking, kiosk.Waiting, kiosk.Checking, kiosk.Fetching, kiosk.Shown)...)
		case kiosk.Press:
			if e.Key != kiosk.EscapeKey || e.Seen != kiosk.Shown {
				t.Errorf("pressed %+v", e)
			}
			return phases("", kiosk.Clearing, kiosk.Ready)
		}
		return nil
	})
	var out bytes.Buffer
	reason, err := k.frontend.visit(t.Context(), kiosk.Secret("alice"), client{json: true, out: &out})
	lines := parse(t, &out)
	if reason != kiosk.NoReason || err != nil || phaseNames(lines) != "asking waiting checking fetching shown" {
		t.Errorf("reason %v, %v: %s", reason, err, phaseNames(lines))
	}
	if l := lines[0]; l.Visit != "v1" || l.Time != "2030-01-01T00:00:00Z" {
		t.Errorf("first line %+v", l)
	}
	if phase, _, _ := k.Phase(); phase != kiosk.Ready {
		t.Errorf("the kiosk is left in phase %v", phase)
	}
}

// TestUserCodesBelongToOneVisit: each further request has a name of its own, but the lines show one visit.
func TestUserCodesBelongToOneVisit(t *testing.T) {
	k := newFakeKiosk(t, func(e kiosk.Event) []kiosk.State {
		switch e := e.(type) {
		case kiosk.IdentifierEntered:
			return phases("v1", kiosk.Asking, kiosk.EnterUserCode, kiosk.EnterUserCode)
		case kiosk.UserCodeEntered:
			if string(e.Code) != "4711" {
				t.Errorf("user code %q", string(e.Code))
			}
			return phases("v2", kiosk.Asking, kiosk.Waiting, kiosk.Shown)
		case kiosk.Press:
			return phases("", kiosk.Ready)
		}
		return nil
	})
	var out bytes.Buffer
	asked := 0
	_, _ = k.frontend.visit(t.Context(), kiosk.Secret("dora"), client{json: true, out: &out, userCode: func(context.Context) kiosk.Secret {
		asked++
		return kiosk.Secret("4711")
	}})
	lines := parse(t, &out)
	if phaseNames(lines) != "asking waiting shown" || asked != 1 {
		t.Errorf("%s, asked %d times", phaseNames(lines), asked)
	}
	for _, l := range lines {
		if l.Visit != "v1" {
			t.Errorf("line of visit %q", l.Visit)
		}
	}
}

func TestVisitIsRejectedOutOfService(t *testing.T) {
	for closure, want := range map[kiosk.Closures]kiosk.Reason{
		kiosk.Maintenance: kiosk.Cancelled, kiosk.OutsideHours: kiosk.Cancelled, kiosk.StoreDown: kiosk.Internal,
		kiosk.SettingsBad | kiosk.Maintenance: kiosk.Misconfigured, kiosk.ClockWrong: kiosk.BadClock,
	} {
		k := newFakeKiosk(t, func(e kiosk.Event) []kiosk.State {
			t.Errorf("event %+v", e)
			return nil
		})
		k.show(kiosk.State{Phase: kiosk.Closed, Closures: closure})
		var out bytes.Buffer
		reason, _ := k.frontend.visit(t.Context(), kiosk.Secret("alice"), client{json: true, out: &out})
		lines := parse(t, &out)
		if reason != want || len(lines) != 1 || lines[0].Reason != want.String() || lines[0].Advice != "Back at ten" {
			t.Errorf("closures %b: reason %v, lines %+v", closure, reason, lines)
		}
	}
}

// TestVisitWaitsForFirstContact: after a start a visit waits a little until the authorization server is reached.
func TestVisitWaitsForFirstContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKiosk(t, func(kiosk.Event) []kiosk.State { return nil })
		k.show(kiosk.State{Phase: kiosk.Closed, Closures: kiosk.Starting})
		began := time.Now()
		var out bytes.Buffer
		reason, _ := k.frontend.visit(t.Context(), kiosk.Secret("alice"), client{json: true, out: &out})
		if reason != kiosk.Unreachable || time.Since(began) != startLimit {
			t.Errorf("reason %v after %v", reason, time.Since(began))
		}
	})
}

// TestVisitsTakeTurns: the second visit begins after the first one's client has left, and the kiosk is Ready.
func TestVisitsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		visits := 0
		k := newFakeKiosk(t, func(e kiosk.Event) []kiosk.State {
			switch e.(type) {
			case kiosk.IdentifierEntered:
				visits++
				return phases("v", kiosk.Asking, kiosk.Waiting)
			case kiosk.Press:
				return append([]kiosk.State{{Phase: kiosk.Ended, Ending: kiosk.Ending{Reason: kiosk.Cancelled}, Request: kiosk.RequestState{Visit: "v"}}}, phases("", kiosk.Ready)...)
			}
			return nil
		})
		gone := []chan struct{}{make(chan struct{}), make(chan struct{})}
		var outs [2]bytes.Buffer
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				reason, _ := k.frontend.visit(t.Context(), kiosk.Secret("alice"), client{json: true, out: &outs[i], gone: gone[i]})
				if reason != kiosk.Cancelled {
					t.Errorf("visit %d: reason %v", i, reason)
				}
			})
			synctest.Wait()
		}
		if n, _ := k.frontend.Visits(); n != 2 || visits != 1 {
			t.Errorf("%d visits in progress or waiting, %d begun", n, visits)
		}
		close(gone[0])
		synctest.Wait()
		if n, _ := k.frontend.Visits(); n != 1 || visits != 2 {
			t.Errorf("then %d visits in progress or waiting, %d begun", n, visits)
		}
		close(gone[1])
		all.Wait()
		for i := range outs {
			if got := phaseNames(parse(t, &outs[i])); got != "asking waiting ended" {
				t.Errorf("visit %d: %s", i, got)
			}
		}
	})
}

type brokenWriter struct{ writes int }

func (w *brokenWriter) Write([]byte) (int, error) {
	w.writes++
	return 0, errors.New("broken pipe")
}

// TestBrokenOutputEndsTheVisit: as if the customer had left.
func TestBrokenOutputEndsTheVisit(t *testing.T) {
	k := newFakeKiosk(t, func(e kiosk.Event) []kiosk.State {
		switch e.(type) {
		case kiosk.IdentifierEntered:
			return phases("v", kiosk.Asking, kiosk.Waiting)
		case kiosk.Press:
			return phases("", kiosk.Ready)
		}
		return nil
	})
	out := &brokenWriter{}
	_, err := k.frontend.visit(t.Context(), kiosk.Secret("alice"), client{json: true, out: out})
	if err == nil || !strings.HasPrefix(err.Error(), "output: ") || out.writes != 1 {
		t.Errorf("error %v after %d writes", err, out.writes)
	}
}

func TestRefuse(t *testing.T) {
	var out bytes.Buffer
	if err := Refuse(kiosk.Misconfigured, "", texts(t), true, &out); err != nil {
		t.Fatal(err)
	}
	lines := parse(t, &out)
	if len(lines) != 1 || lines[0].Phase != "ended" || lines[0].Reason != "misconfigured" || lines[0].Advice == "" {
		t.Errorf("%+v", lines)
	}
}

// TestVisitBeginsAgainAfterAClosure: the kiosk closes between the visit's turn and its identifier, which it ignores, and is open
// again a moment later. The visit begins then; it does not hold the turn without a line.
func TestVisitBeginsAgainAfterAClosure(t *testing.T) {
	identifiers := 0
	k := newFakeKiosk(t, func(e kiosk.Event) []kiosk.State {
		if _, ok := e.(kiosk.IdentifierEntered); !ok {
			return nil
		}
		if identifiers++; identifiers == 1 {
			return []kiosk.State{{Phase: kiosk.Closed, Closures: kiosk.SettingsBad}, {Phase: kiosk.Ready}}
		}
		return phases("V", kiosk.Asking, kiosk.Ended, kiosk.Ready)
	})
	var out bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	if _, err := k.frontend.visit(ctx, kiosk.Secret("alice"), client{json: true, out: &out, gone: ctx.Done()}); err != nil {
		t.Fatal(err)
	}
	if got := phaseNames(parse(t, &out)); got != "asking ended" {
		t.Errorf("phases %s", got)
	}
}
