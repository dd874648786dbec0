package kiosk

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

// technicianKey handles the technician's key and reports whether it was that key. It begins a technician's visit, or turns a
// visit that has just begun into one, because the taps that make up the key have touched the screen as well. Anywhere else
// it does nothing.
func (m *transition) technicianKey(e Press) bool {
	if e.Key != TechnicianKey {
		return false
	}
	justBegun := m.s.Phase == Identify && m.s.Input.Length == 0 && !m.s.Idle.Prompted
	switch {
	case !m.s.Rules.Technicians || m.s.Stopping:
	case m.s.Phase == Ready, m.s.Phase == Closed, justBegun:
		m.s.Technician = true
		if m.s.Closures&noApprovalPossible != 0 {
			m.openDiagnosis()
			break
		}
		m.begin()
		m.showKeypadOnTouch(e)
	}
	return true
}

// openMenu opens the menu after an approval. Nothing that came with the approval is needed any more.
func (m *transition) openMenu() {
	m.enter(Menu)
	m.s.Masked = ""
	m.emit(Commit{m.record(StageShown, NoReason)})
	m.revokeTokens()
	m.s.Request.TokensIssued = false
	m.emit(Wipe{m.s.Request.Number})
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
func (m *transition) openDiagnosis() {
	if m.s.Request.Number != 0 {
		m.emit(Wipe{m.s.Request.Number})
	}
	m.enter(Menu)
	m.s.Masked = ""
	m.s.Menu.Unauthenticated = true
	m.startTask(DoctorTask)
}

func (m *transition) menu(e Event) {
	switch e := e.(type) {
	case Press:
		if m.answerIdlePrompt(e) {
			return
		}
		m.s.LastInput = m.now
		if m.s.Menu.Task == NoTask {
			m.chooseTask(e)
			return
		}
		m.readTask(e)
	case TaskDone:
		if !m.takeAnswer(e.Number) {
			return
		}
		m.s.LastInput = m.now
		if m.s.Menu.Task == CloseTask || m.s.Menu.Task == OpenTask {
			m.s.Menu.Task = NoTask // nothing to read: the menu itself shows the state
		}
	case Failed:
		if m.takeAnswer(e.Number) {
			m.s.LastInput, m.s.Menu.Failed = m.now, true
		}
	case Tick:
		switch {
		case m.now-m.s.Since >= m.s.Rules.MenuLimit:
			m.clear()
		case m.s.Question == 0:
			m.checkIdle(m.s.Rules.IdleLimit)
		case m.now-m.s.LastInput >= m.s.Rules.TaskLimit:
			m.s.Question, m.s.LastInput, m.s.Menu.Failed = 0, m.now, true
		}
	}
}

// chooseTask handles a key on the menu itself.
func (m *transition) chooseTask(e Press) {
	switch {
	case e.Key == EscapeKey:
		m.clear()
	case e.Key == TabKey:
		m.nextLanguage()
	case e.Key != RuneKey:
	case e.Rune == '1':
		m.startTask(StatusTask)
	case e.Rune == '2':
		m.startTask(DoctorTask)
	case e.Rune == '3' && m.s.Closures&Maintenance != 0:
		m.startTask(OpenTask)
	case e.Rune == '3':
		m.startTask(CloseTask)
	case e.Rune == '4':
		// The visit ends first: another program goes on.
		m.emit(RunTask{Task: RestartTask})
		m.clear()
	}
}

// readTask handles a key while the result of a task is on the screen.
func (m *transition) readTask(e Press) {
	switch {
	case e.Key == EscapeKey && m.s.Menu.Unauthenticated:
		m.clear()
	case e.Key == EscapeKey, e.Key == EnterKey && !m.s.Menu.Unauthenticated:
		m.s.Menu, m.s.Reading, m.s.Question = MenuState{}, Reading{}, 0
	case m.s.Question != 0:
	case e.Key == TabKey:
		m.nextLanguage()
	default:
		m.turnPage(e)
	}
}

func (m *transition) startTask(t Task) {
	m.s.Menu.Task, m.s.Menu.Failed = t, false
	m.s.Reading, m.s.LastInput = Reading{}, m.now
	m.emit(RunTask{Number: m.nextQuestion(), Task: t})
}
