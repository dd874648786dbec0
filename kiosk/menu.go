package kiosk

import "time"

// A technician's visit is like any other, with the same record, guard and checks, but for three things. It begins with a
// key of its own, also while the device is out of service. Its request asks for no customer's data, and the approver must
// carry the technician's claim (the Authorizer for technicians checks that). The approval opens a menu instead of calling
// the protected API.

// Task is what a technician can have done.
type Task uint8

// The tasks.
const (
	NoTask      Task = iota // the menu itself
	StatusTask              // show how the kiosk is
	DoctorTask              // check everything that the kiosk depends on
	CloseTask               // out of service, for a while
	OpenTask                // back into service
	RestartTask             // end the program, which the service manager starts again
	numTasks
)

var taskNames = [numTasks]string{"", "status", "doctor", "out of service", "in service", "restart"}

// String returns the name of the task in logs.
func (t Task) String() string {
	if t >= numTasks {
		return "task?"
	}
	return taskNames[t]
}

// noApprovalPossible are the closures under which nobody can approve: the server is out of reach, its answer could not be
// validated, or nothing can be put on record.
const noApprovalPossible = Starting | ClockWrong | StoreDown | SettingsBad

// TechnicianOutage is how long the menu takes the device out of service: long enough for a repair on the spot, and short
// enough that a forgotten closure costs no day. `kiosk service off --for` chooses another duration.
const TechnicianOutage = time.Hour

// technicianKey handles the technician's key and reports whether it was that key. It begins a technician's visit, or turns a
// visit that has just begun into one, because the taps that make up the key have touched the screen as well. After the
// ending of a visit it first forgets that visit. During a visit it only says that the menu cannot open yet.
func (t *transition) technicianKey(e Press) bool {
	if e.Key != TechnicianKey {
		return false
	}
	justBegun := t.s.Phase == Identify && t.s.Input.Length == 0 && !t.s.Idle.Prompted
	switch {
	case !t.s.Rules.Technicians || t.s.Stopping:
	case t.s.Phase == Ended, t.s.Phase == Ready, t.s.Phase == Closed, justBegun:
		t.forgetEnded()
		t.s.Technician = true
		if t.s.Closures&noApprovalPossible != 0 {
			t.openDiagnosis()
			break
		}
		t.begin()
		t.showKeypadOnTouch(e)
	case t.s.Phase != Menu && t.s.Phase != Clearing && !t.s.Idle.Prompted:
		t.s.MenuRefused = true
	}
	return true
}

// forgetEnded forgets a visit that has ended, so that nothing of it reaches the technician's.
func (t *transition) forgetEnded() {
	if t.s.Phase != Ended {
		return
	}
	language := t.s.Language
	t.emit(Wipe{t.s.Request.Number})
	t.s = t.s.Fresh()
	t.s.Language = language
}

// openMenu opens the menu after an approval. Nothing that came with the approval is needed any more.
func (t *transition) openMenu() {
	t.enter(Menu)
	t.s.Masked = ""
	t.emit(Commit{t.record(StageShown, NoReason)})
	t.revokeTokens()
	t.s.Request.TokensIssued = false
	t.emit(Wipe{t.s.Request.Number})
}

// OffersDiagnosis reports whether the diagnosis is offered after the end of a technician's visit: only for causes that it
// can find and that keep everybody from approving.
func (s State) OffersDiagnosis() bool {
	if s.Phase != Ended || !s.Technician || s.Stopping {
		return false
	}
	switch s.Ending.Reason {
	case Internal, Misconfigured, NotProvisioned, BadClock, Unreachable, Untrusted:
		return true
	}
	return false
}

// openDiagnosis opens the doctor's report for a technician who cannot approve because of what is wrong with the device.
// Nothing can be changed from there, and the report contains nothing personal.
func (t *transition) openDiagnosis() {
	if t.s.Request.Number != 0 {
		t.emit(Wipe{t.s.Request.Number})
	}
	t.enter(Menu)
	t.s.Masked = ""
	t.s.Menu.Unauthenticated = true
	t.startTask(DoctorTask)
}

func (t *transition) menu(e Event) {
	switch e := e.(type) {
	case Press:
		if t.answerIdlePrompt(e) {
			return
		}
		t.s.LastInput = t.now
		switch {
		case t.s.Menu.Confirm && e.Key == EnterKey:
			t.startTask(t.s.Menu.Task)
		case t.s.Menu.Task == NoTask:
			t.chooseTask(e)
		default:
			t.readTask(e)
		}
	case TaskDone:
		if !t.takeAnswer(e.Number) {
			return
		}
		t.s.LastInput = t.now
		if t.s.Menu.Task == CloseTask || t.s.Menu.Task == OpenTask {
			t.s.Menu.Task = NoTask // nothing to read: the menu itself shows the state
		}
	case Failed:
		if t.takeAnswer(e.Number) {
			t.s.LastInput, t.s.Menu.Failed = t.now, true
		}
	case Tick:
		switch {
		case t.now-t.s.Since >= t.s.Rules.MenuLimit:
			t.clear()
		case t.s.Question == 0:
			t.checkIdle(t.s.Rules.IdleLimit)
		case t.now-t.s.LastInput >= t.s.Rules.TaskLimit:
			t.s.Question, t.s.LastInput, t.s.Menu.Failed = 0, t.now, true
		}
	}
}

// chooseTask handles a key on the menu itself.
func (t *transition) chooseTask(e Press) {
	switch {
	case e.Key == EscapeKey:
		t.clear()
	case e.Key == TabKey:
		t.nextLanguage()
	case e.Key != RuneKey:
	case e.Rune == '1':
		t.startTask(StatusTask)
	case e.Rune == '2':
		t.startTask(DoctorTask)
	case e.Rune == '3' && t.s.Closures&Maintenance != 0:
		t.startTask(OpenTask)
	case e.Rune == '3':
		t.s.Menu.Task, t.s.Menu.Confirm = CloseTask, true
	case e.Rune == '4':
		// The visit ends first: another program goes on.
		t.emit(RunTask{Task: RestartTask})
		t.clear()
	}
}

// readTask handles a key while the result of a task is on the screen.
func (t *transition) readTask(e Press) {
	switch {
	case e.Key == EscapeKey && t.s.Menu.Unauthenticated:
		t.clear()
	case e.Key == EscapeKey, e.Key == EnterKey && !t.s.Menu.Unauthenticated:
		t.s.Menu, t.s.Reading, t.s.Question = MenuState{}, Reading{}, 0
	case t.s.Question != 0:
	case e.Key == TabKey:
		t.nextLanguage()
	case !t.s.Menu.Confirm:
		t.turnPage(e)
	}
}

func (t *transition) startTask(task Task) {
	t.s.Menu.Task, t.s.Menu.Failed, t.s.Menu.Confirm = task, false, false
	t.s.Reading, t.s.LastInput = Reading{}, t.now
	t.emit(RunTask{Number: t.nextQuestion(), Task: task})
}
