package kiosk

import (
	"testing"
	"time"
)

// newVisitWithTechnicians returns a kiosk with a technician's menu.
func newVisitWithTechnicians(t *testing.T) *visit {
	v := newVisit(t)
	v.s.Rules.Technicians = true
	return v
}

func (v *visit) press(k KeyName, r rune) *visit {
	v.t.Helper()
	return v.do(Press{Key: k, Rune: r})
}

// openTechnicianMenu brings a technician to the menu.
func (v *visit) openTechnicianMenu() *visit {
	v.t.Helper()
	v.press(TechnicianKey, 0).in(Identify)
	v.approved().do(Verified{v.s.Question})
	return v.in(Menu)
}

// startedTask returns the task that the last event started, or NoTask.
func (v *visit) startedTask() Task {
	v.t.Helper()
	found := NoTask
	for _, f := range v.effects {
		if s, ok := f.(RunTask); ok {
			if found != NoTask {
				v.t.Fatalf("two tasks at once: %v and %v", found, s.Task)
			}
			found = s.Task
		}
	}
	return found
}

func TestTechnicianVisit(t *testing.T) {
	v := newVisitWithTechnicians(t).openTechnicianMenu()
	if !v.s.Technician || v.s.Menu.Unauthenticated || v.s.Masked != "" || v.s.Request.TokensIssued {
		t.Fatalf("at the menu: %+v", v.s)
	}
	var revoked, wiped bool
	for _, f := range v.effects {
		switch f.(type) {
		case Revoke:
			revoked = true
		case Wipe:
			wiped = revoked
		case Fetch:
			t.Fatal("the protected API was called")
		}
	}
	if !wiped {
		t.Fatalf("tokens were not revoked and then wiped: %+v", v.effects)
	}
	if r := v.lastRecord(); r.Stage != StageShown || !r.Technician {
		t.Fatalf("the last record is %+v", r)
	}
	for _, r := range v.records {
		if !r.Technician {
			t.Errorf("record %v is not marked as a technician's", r.Stage)
		}
	}

	if v.press(RuneKey, '1'); v.startedTask() != StatusTask || v.s.Menu.Task != StatusTask {
		t.Fatalf("1 does %v", v.startedTask())
	}
	if v.press(DownKey, 0); v.s.Reading.Page != 0 {
		t.Error("a key turned a page before the task was done")
	}
	v.do(TaskDone{v.s.Question}).press(DownKey, 0)
	if v.s.Reading.Page != 1 || v.s.Menu.Task != StatusTask {
		t.Fatalf("reading: %+v", v.s)
	}
	v.press(EscapeKey, 0).in(Menu)
	if v.s.Menu.Task != NoTask || v.s.Reading.Page != 0 {
		t.Fatalf("back at the menu: %+v", v.s)
	}
	v.press(EscapeKey, 0).in(Ready)
	if v.s != v.s.Fresh() {
		t.Errorf("not a fresh state: %+v", v.s)
	}
	v.press(OtherKey, 0).in(Identify)
	if v.s.Technician {
		t.Error("the next visit is a technician's")
	}
}

func TestAbandonedTaskDoesNotReturn(t *testing.T) {
	v := newVisitWithTechnicians(t).openTechnicianMenu().press(RuneKey, '2')
	late := v.s.Question
	v.press(EscapeKey, 0).press(RuneKey, '1')
	before := v.s
	if v.do(TaskDone{late}); v.s != before {
		t.Errorf("a late answer changed the state to %+v", v.s)
	}
	v.do(Failed{Number: v.s.Question, Reason: Internal})
	if !v.s.Menu.Failed || v.s.Menu.Task != StatusTask {
		t.Errorf("the failure is not shown: %+v", v.s)
	}
}

func TestTaskTimeout(t *testing.T) {
	v := newVisitWithTechnicians(t).openTechnicianMenu().press(RuneKey, '2').wait(DefaultRules().TaskLimit)
	if !v.s.Menu.Failed || v.s.Question != 0 || v.s.Phase != Menu {
		t.Errorf("after the limit: %+v", v.s)
	}
}

func TestTechnicianChangesService(t *testing.T) {
	v := newVisitWithTechnicians(t).openTechnicianMenu()
	if v.press(RuneKey, '3'); v.startedTask() != NoTask || !v.s.Menu.Confirm {
		t.Fatalf("3 does %v without asking", v.startedTask())
	}
	for _, k := range []Press{{Key: RuneKey, Rune: '3'}, {Key: DownKey}, {Key: OtherKey}} {
		if v.do(k); v.startedTask() != NoTask || !v.s.Menu.Confirm {
			t.Fatalf("%v does %v", k, v.startedTask())
		}
	}
	if v.press(EscapeKey, 0).in(Menu); v.s.Menu != (MenuState{}) {
		t.Fatalf("Escape leaves %+v", v.s.Menu)
	}
	if v.press(RuneKey, '3').press(EnterKey, 0); v.startedTask() != CloseTask || v.s.Menu.Confirm {
		t.Fatalf("Enter does %v", v.startedTask())
	}
	v.do(ClosureChanged{Closure: Maintenance, On: true}, TaskDone{v.s.Question}).in(Menu)
	if v.s.Menu.Task != NoTask {
		t.Fatalf("the menu did not return: %+v", v.s)
	}
	v.press(EscapeKey, 0).in(Closed)
	v.press(OtherKey, 0).in(Closed)
	v.press(RuneKey, 'a').in(Closed)

	v.openTechnicianMenu()
	if v.press(RuneKey, '3'); v.startedTask() != OpenTask {
		t.Fatalf("3 does %v while out of service", v.startedTask())
	}
	v.do(ClosureChanged{Closure: Maintenance, On: false}, TaskDone{v.s.Question}).press(EscapeKey, 0).in(Ready)
}

func TestRestartFollowsVisit(t *testing.T) {
	v := newVisitWithTechnicians(t).openTechnicianMenu().press(RuneKey, '4')
	if v.startedTask() != RestartTask || v.s.Phase != Ready {
		t.Fatalf("4 starts %v and leads to %v", v.startedTask(), v.s.Phase)
	}
}

func TestMenuTimeouts(t *testing.T) {
	t.Run("nobody is there", func(t *testing.T) {
		v := newVisitWithTechnicians(t).openTechnicianMenu()
		v.wait(v.s.Rules.IdleLimit + time.Second).in(Menu)
		if !v.s.Idle.Prompted {
			t.Fatal("no idle prompt")
		}
		v.wait(v.s.Rules.PromptTime).in(Ready)
	})
	t.Run("with keys", func(t *testing.T) {
		v := newVisitWithTechnicians(t).openTechnicianMenu()
		end := v.now + v.s.Rules.MenuLimit
		for v.now < end-time.Second {
			v.wait(time.Second).press(RuneKey, '1').in(Menu)
			v.do(TaskDone{v.s.Question}).press(EscapeKey, 0).in(Menu)
		}
		v.wait(2 * time.Second).in(Ready)
	})
	t.Run("stop", func(t *testing.T) {
		v := newVisitWithTechnicians(t).openTechnicianMenu().do(Stop{})
		if v.s.Busy() || !v.s.Stopping {
			t.Errorf("%+v", v.s)
		}
	})
}

func TestDiagnosisWithoutApproval(t *testing.T) {
	for _, why := range []Closures{Starting, ClockWrong, StoreDown, SettingsBad, Maintenance | Starting} {
		v := newVisitWithTechnicians(t).do(ClosureChanged{Closure: why, On: true}).press(TechnicianKey, 0)
		if v.s.Phase != Menu || !v.s.Menu.Unauthenticated || v.startedTask() != DoctorTask {
			t.Fatalf("closed for %b: %+v", why, v.s)
		}
		v.do(TaskDone{v.s.Question})
		for _, r := range "1234" {
			if v.press(RuneKey, r); v.startedTask() != NoTask || v.s.Menu.Task != DoctorTask {
				t.Fatalf("%c does %v", r, v.startedTask())
			}
		}
		v.press(EnterKey, 0).in(Menu)
		v.press(EscapeKey, 0).in(Closed)
		if v.asks+len(v.records) > 0 {
			t.Errorf("%d requests were sent; records: %v", v.asks, v.records)
		}
	}
}

func TestDiagnosisAfterFailedRequest(t *testing.T) {
	v := newVisitWithTechnicians(t).press(TechnicianKey, 0)
	v.do(IdentifierEntered{Identifier: Secret("tara"), Seen: Identify}).in(Asking)
	v.do(Failed{Number: v.s.Question, Reason: Unreachable}).ended(Unreachable)
	if !v.s.OffersDiagnosis() {
		t.Fatal("the diagnosis is not offered")
	}
	v.press(RuneKey, '3').in(Menu)
	if !v.s.Menu.Unauthenticated || v.startedTask() != DoctorTask || v.s.Masked != "" {
		t.Fatalf("%+v", v.s)
	}
	if _, ok := v.effects[0].(Wipe); !ok {
		t.Errorf("the identifier was not wiped: %v", v.effects)
	}
}

func TestMenuStaysClosed(t *testing.T) {
	cases := []struct {
		why     Reason
		offered bool
	}{{NoAccess, false}, {WrongPerson, false}, {Untrusted, true}}
	for _, c := range cases {
		v := newVisitWithTechnicians(t).press(TechnicianKey, 0).approved()
		v.do(Failed{Number: v.s.Question, Reason: c.why}).ended(c.why)
		if v.s.OffersDiagnosis() != c.offered {
			t.Errorf("%v: the diagnosis is offered: %v", c.why, v.s.OffersDiagnosis())
		}
		if v.press(RuneKey, '1'); v.s.Phase == Menu {
			t.Errorf("%v opened the menu", c.why)
		}
	}
	t.Run("declined", func(t *testing.T) {
		v := newVisitWithTechnicians(t).press(TechnicianKey, 0).acknowledged(time.Minute, 5*time.Second).poll(Polled{Verdict: Denied}).ended(Declined)
		if v.s.OffersDiagnosis() {
			t.Error("the diagnosis is offered after a refusal")
		}
	})
	t.Run("a customer's visit", func(t *testing.T) {
		v := newVisitWithTechnicians(t).do(IdentifierEntered{Identifier: Secret("alice")}).do(Failed{Number: unusedNumber, Reason: Internal})
		v.do(Failed{Number: v.s.Question, Reason: Unreachable}).ended(Unreachable)
		if v.s.OffersDiagnosis() {
			t.Error("the diagnosis is offered to a customer")
		}
	})
}

// unusedNumber is the number of no question.
const unusedNumber Number = 1 << 40

func TestTechnicianKeyElsewhere(t *testing.T) {
	t.Run("without technicians", func(t *testing.T) {
		v := newVisit(t).press(TechnicianKey, 0).in(Ready)
		v.do(ClosureChanged{Closure: Starting, On: true}).press(TechnicianKey, 0).in(Closed)
	})
	t.Run("taps that also began a customer's visit", func(t *testing.T) {
		v := newVisitWithTechnicians(t).do(Press{Key: OtherKey, Touch: true}).in(Identify)
		v.do(Press{Key: TechnicianKey, Touch: true}).in(Identify)
		if !v.s.Technician || !v.s.Keypad.On {
			t.Errorf("%+v", v.s)
		}
	})
	t.Run("while a customer types", func(t *testing.T) {
		v := newVisitWithTechnicians(t).press(RuneKey, 'a').in(Identify)
		before := v.s
		if v.press(TechnicianKey, 0); !v.s.MenuRefused {
			t.Error("nothing says why the menu does not open")
		}
		if before.MenuRefused = true; v.s != before {
			t.Errorf("a customer's visit became a technician's: %+v", v.s)
		}
		if v.press(OtherKey, 0); v.s.MenuRefused {
			t.Error("the next key does not remove the sentence")
		}
	})
	t.Run("while a phone rings", func(t *testing.T) {
		v := newVisitWithTechnicians(t).acknowledged(time.Minute, 5*time.Second)
		before := v.s
		if v.press(TechnicianKey, 0); !v.s.MenuRefused {
			t.Error("nothing says why the menu does not open")
		}
		if before.MenuRefused = true; v.s != before {
			t.Errorf("a customer's visit became a technician's: %+v", v.s)
		}
		if v.press(OtherKey, 0); v.s.MenuRefused {
			t.Error("the next key does not remove the sentence")
		}
	})
	t.Run("after an ending", func(t *testing.T) {
		v := newVisitWithTechnicians(t).acknowledged(time.Minute, 5*time.Second).poll(Polled{Verdict: Denied}).ended(Declined)
		v.press(TechnicianKey, 0).in(Identify)
		if !v.s.Technician || v.s.Masked != "" || v.s.Request != (RequestState{}) || v.s.Ending != (Ending{}) || !hasEffect[Wipe](v) {
			t.Errorf("something of the customer's visit is left: %+v %v", v.s, v.effects)
		}
	})
	t.Run("stop", func(t *testing.T) {
		v := newVisitWithTechnicians(t)
		v.s.Stopping = true
		v.press(TechnicianKey, 0).in(Ready)
	})
}

func TestTechnicianVisitIsNotResumed(t *testing.T) {
	r := Record{Visit: "v", Stage: StageAcknowledged, Code: "K7-4F9Q", Expires: time.Minute, Boot: "b", Uptime: 10 * time.Second, Sent: 9 * time.Second}
	here := BootContext{Boot: "b", Uptime: 15 * time.Second}
	if got := Recover([]Record{r}, here)[0].Action; got != Resume {
		t.Fatalf("a customer's visit: %v", got)
	}
	r.Technician = true
	if got := Recover([]Record{r}, here)[0].Action; got != PollToClose {
		t.Errorf("a technician's visit: %v", got)
	}
}
