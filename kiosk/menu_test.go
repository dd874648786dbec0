package kiosk

import (
	"testing"
	"time"
)

// staffed is a kiosk at which technicians may come in.
func staffed(t *testing.T) *player {
	y := begin(t)
	y.s.Rules.Technicians = true
	return y
}

func (y *player) press(k KeyName, r rune) *player {
	y.t.Helper()
	return y.do(Press{Key: k, Rune: r})
}

// letIn brings a technician to the menu.
func (y *player) letIn() *player {
	y.t.Helper()
	y.press(TechnicianKey, 0).in(Identify)
	y.approved().do(Verified{y.s.Question})
	return y.in(Menu)
}

// task is the only one that the last event had done.
func (y *player) task() Task {
	y.t.Helper()
	found := NoTask
	for _, f := range y.effects {
		if s, ok := f.(RunTask); ok {
			if found != NoTask {
				y.t.Fatalf("two tasks at once: %v and %v", found, s.Task)
			}
			found = s.Task
		}
	}
	return found
}

func TestTechnicianVisit(t *testing.T) {
	y := staffed(t).letIn()
	if !y.s.Technician || y.s.Menu.Unauthenticated || y.s.Masked != "" || y.s.Request.TokensIssued {
		t.Fatalf("at the menu: %+v", y.s)
	}
	var given, wiped bool
	for _, f := range y.effects {
		switch f.(type) {
		case Revoke:
			given = true
		case Wipe:
			wiped = given
		case Fetch:
			t.Fatal("the protected API was asked for")
		}
	}
	if !wiped {
		t.Fatalf("the approval is kept: %+v", y.effects)
	}
	if r := y.last(); r.Stage != StageShown || !r.Technician {
		t.Fatalf("the last record is %+v", r)
	}
	for _, r := range y.records {
		if !r.Technician {
			t.Errorf("record %v does not say whose visit it is", r.Stage)
		}
	}

	if y.press(RuneKey, '1'); y.task() != StatusTask || y.s.Menu.Task != StatusTask {
		t.Fatalf("1 does %v", y.task())
	}
	if y.press(DownKey, 0); y.s.Reading.Page != 0 {
		t.Error("a page is turned that is not there yet")
	}
	y.do(TaskDone{y.s.Question}).press(DownKey, 0)
	if y.s.Reading.Page != 1 || y.s.Menu.Task != StatusTask {
		t.Fatalf("reading: %+v", y.s)
	}
	y.press(EscapeKey, 0).in(Menu)
	if y.s.Menu.Task != NoTask || y.s.Reading.Page != 0 {
		t.Fatalf("back at the menu: %+v", y.s)
	}
	y.press(EscapeKey, 0).in(Ready)
	if y.s != y.s.Fresh() {
		t.Errorf("something of the technician is left: %+v", y.s)
	}
	y.press(OtherKey, 0).in(Identify)
	if y.s.Technician {
		t.Error("the next customer is taken for a technician")
	}
}

func TestAbandonedTaskDoesNotReturn(t *testing.T) {
	y := staffed(t).letIn().press(RuneKey, '2')
	late := y.s.Question
	y.press(EscapeKey, 0).press(RuneKey, '1')
	before := y.s
	if y.do(TaskDone{late}); y.s != before {
		t.Errorf("the late report changed %+v", y.s)
	}
	y.do(Failed{y.s.Question, Internal})
	if !y.s.Menu.Failed || y.s.Menu.Task != StatusTask {
		t.Errorf("a failure is not shown: %+v", y.s)
	}
}

func TestTaskTimeout(t *testing.T) {
	y := staffed(t).letIn().press(RuneKey, '2').wait(DefaultRules().TaskLimit)
	if !y.s.Menu.Failed || y.s.Question != 0 || y.s.Phase != Menu {
		t.Errorf("after the limit: %+v", y.s)
	}
}

func TestTechnicianChangesService(t *testing.T) {
	y := staffed(t).letIn()
	if y.press(RuneKey, '3'); y.task() != CloseTask {
		t.Fatalf("3 does %v", y.task())
	}
	y.do(ClosureChanged{Closure: Maintenance, On: true}, TaskDone{y.s.Question}).in(Menu)
	if y.s.Menu.Task != NoTask {
		t.Fatalf("the menu is not there again: %+v", y.s)
	}
	y.press(EscapeKey, 0).in(Closed)
	y.press(OtherKey, 0).in(Closed)
	y.press(RuneKey, 'a').in(Closed)

	y.letIn()
	if y.press(RuneKey, '3'); y.task() != OpenTask {
		t.Fatalf("3 does %v while out of service", y.task())
	}
	y.do(ClosureChanged{Closure: Maintenance, On: false}, TaskDone{y.s.Question}).press(EscapeKey, 0).in(Ready)
}

func TestRestartFollowsVisit(t *testing.T) {
	y := staffed(t).letIn().press(RuneKey, '4')
	if y.task() != RestartTask || y.s.Phase != Ready {
		t.Fatalf("4 does %v, and then it is %v", y.task(), y.s.Phase)
	}
}

func TestMenuTimeouts(t *testing.T) {
	t.Run("where nobody is", func(t *testing.T) {
		y := staffed(t).letIn()
		y.wait(y.s.Rules.IdleLimit + time.Second).in(Menu)
		if !y.s.Idle.Prompted {
			t.Fatal("nobody asks whether anybody is there")
		}
		y.wait(y.s.Rules.PromptTime).in(Ready)
	})
	t.Run("whoever presses whatever", func(t *testing.T) {
		y := staffed(t).letIn()
		end := y.now + y.s.Rules.MenuLimit
		for y.now < end-time.Second {
			y.wait(time.Second).press(RuneKey, '1').in(Menu)
			y.do(TaskDone{y.s.Question}).press(EscapeKey, 0).in(Menu)
		}
		y.wait(2 * time.Second).in(Ready)
	})
	t.Run("stop", func(t *testing.T) {
		y := staffed(t).letIn().do(Stop{})
		if y.s.Busy() || !y.s.Stopping {
			t.Errorf("%+v", y.s)
		}
	})
}

func TestDiagnosisWithoutApproval(t *testing.T) {
	for _, why := range []Closures{Starting, ClockWrong, StoreDown, SettingsBad, Maintenance | Starting} {
		y := staffed(t).do(ClosureChanged{Closure: why, On: true}).press(TechnicianKey, 0)
		if y.s.Phase != Menu || !y.s.Menu.Unauthenticated || y.task() != DoctorTask {
			t.Fatalf("closed for %b: %+v", why, y.s)
		}
		y.do(TaskDone{y.s.Question})
		for _, r := range "1234" {
			if y.press(RuneKey, r); y.task() != NoTask || y.s.Menu.Task != DoctorTask {
				t.Fatalf("%c does %v", r, y.task())
			}
		}
		y.press(EnterKey, 0).in(Menu)
		y.press(EscapeKey, 0).in(Closed)
		if y.asks+len(y.records) > 0 {
			t.Errorf("something left the device, or went on record: %d, %v", y.asks, y.records)
		}
	}
}

func TestDiagnosisAfterFailedRequest(t *testing.T) {
	y := staffed(t).press(TechnicianKey, 0)
	y.do(IdentifierEntered{Identifier: Secret("tara"), Seen: Identify}).in(Asking)
	y.do(Failed{y.s.Question, Unreachable}).ended(Unreachable)
	if !y.s.OffersDiagnosis() {
		t.Fatal("it is not offered")
	}
	y.press(RuneKey, '3').in(Menu)
	if !y.s.Menu.Unauthenticated || y.task() != DoctorTask || y.s.Masked != "" {
		t.Fatalf("%+v", y.s)
	}
	if _, ok := y.effects[0].(Wipe); !ok {
		t.Errorf("who it was is kept: %v", y.effects)
	}
}

func TestMenuStaysClosed(t *testing.T) {
	cases := []struct {
		why     Reason
		offered bool
	}{{NoAccess, false}, {WrongPerson, false}, {Untrusted, true}}
	for _, c := range cases {
		y := staffed(t).press(TechnicianKey, 0).approved()
		y.do(Failed{y.s.Question, c.why}).ended(c.why)
		if y.s.OffersDiagnosis() != c.offered {
			t.Errorf("%v: the examination is offered: %v", c.why, y.s.OffersDiagnosis())
		}
		if y.press(RuneKey, '1'); y.s.Phase == Menu {
			t.Errorf("%v opened the menu", c.why)
		}
	}
	t.Run("declined", func(t *testing.T) {
		y := staffed(t).press(TechnicianKey, 0).acknowledged(time.Minute, 5*time.Second).poll(Polled{Verdict: Denied}).ended(Declined)
		if y.s.OffersDiagnosis() {
			t.Error("a declined technician sees the diagnosis")
		}
	})
	t.Run("a customer's visit", func(t *testing.T) {
		y := staffed(t).do(IdentifierEntered{Identifier: Secret("alice")}).do(Failed{y0(t), Internal})
		y.do(Failed{y.s.Question, Unreachable}).ended(Unreachable)
		if y.s.OffersDiagnosis() {
			t.Error("a customer is offered the examination")
		}
	})
}

// y0 is a number that no question has.
func y0(*testing.T) Number { return 1 << 40 }

func TestTechnicianKeyElsewhere(t *testing.T) {
	t.Run("where there are no technicians", func(t *testing.T) {
		y := begin(t).press(TechnicianKey, 0).in(Ready)
		y.do(ClosureChanged{Closure: Starting, On: true}).press(TechnicianKey, 0).in(Closed)
	})
	t.Run("taps that have begun a customer's visit", func(t *testing.T) {
		y := staffed(t).do(Press{Key: OtherKey, Touch: true}).in(Identify)
		y.do(Press{Key: TechnicianKey, Touch: true}).in(Identify)
		if !y.s.Technician || !y.s.Keypad.On {
			t.Errorf("%+v", y.s)
		}
	})
	t.Run("while somebody types", func(t *testing.T) {
		y := staffed(t).press(RuneKey, 'a').in(Identify)
		before := y.s
		if y.press(TechnicianKey, 0); y.s != before {
			t.Errorf("a customer's visit was taken over: %+v", y.s)
		}
	})
	t.Run("while a phone rings", func(t *testing.T) {
		y := staffed(t).acknowledged(time.Minute, 5*time.Second)
		before := y.s
		if y.press(TechnicianKey, 0); y.s != before {
			t.Errorf("a customer's visit was taken over: %+v", y.s)
		}
	})
	t.Run("stop", func(t *testing.T) {
		y := staffed(t)
		y.s.Stopping = true
		y.press(TechnicianKey, 0).in(Ready)
	})
}

func TestTechnicianVisitIsNotResumed(t *testing.T) {
	r := Record{Visit: "v", Stage: StageAcknowledged, Code: "K7-4F9Q", Expires: time.Minute, Boot: "b", Uptime: 10 * time.Second, Sent: 9 * time.Second}
	here := BootContext{Boot: "b", Uptime: 15 * time.Second}
	if got := Recover([]Record{r}, here)[0].Action; got != Resume {
		t.Fatalf("a customer's is: %v", got)
	}
	r.Technician = true
	if got := Recover([]Record{r}, here)[0].Action; got != PollToClose {
		t.Errorf("a technician's: %v", got)
	}
}
