package kiosk

// A technician's visit is a visit like any other, down to the record, the guard and the
// checks, but for three things. It begins with a key of its own, also while the device is
// out of service. Its request asks for no customer's data, and whoever approves must carry
// the claim that makes a technician (the Authorizer's to check: Runner.Technicians). And
// what the approval opens is not the protected API but a menu of the device.

// Task is what a technician can have done.
type Task uint8

// The tasks.
const (
	NoTask      Task = iota // the menu itself
	StatusTask              // how the kiosk is
	DoctorTask              // everything that it depends on is examined
	CloseTask               // out of service, for a while
	OpenTask                // back into service
	RestartTask             // the program ends and is started anew
	tasks                   // how many there are
)

var taskNames = [tasks]string{"", "status", "doctor", "out of service", "in service", "restart"}

// String is the task's name in logs.
func (t Task) String() string {
	if t >= tasks {
		return "task?"
	}
	return taskNames[t]
}

// noApprovalPossible are the closures under which no approval can be had: the server is out
// of reach, its answer could not be checked, or nothing can be put on record.
const noApprovalPossible = Starting | ClockWrong | StoreDown | SettingsBad

// technician takes the technician's key. It begins a visit, or turns the one that has
// just begun into theirs (the taps that make up the key have touched the screen, too);
// anywhere else it does nothing.
func (m *transition) technicianKey(e Press) bool {
	if e.Key != TechnicianKey {
		return false
	}
	fresh := m.s.Phase == Identify && m.s.Input.Length == 0 && !m.s.IdlePrompt
	switch {
	case !m.s.Rules.Technicians || m.s.Stopping:
	case m.s.Phase == Ready, m.s.Phase == Closed, fresh:
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

// admit lets a technician in. Nothing needs what came with the approval any more.
func (m *transition) admit() {
	m.enter(Menu)
	m.s.Masked = ""
	m.emit(Commit{m.record(StageShown, NoReason)})
	m.revokeTokens()
	m.s.TokensIssued = false
	m.emit(Wipe{m.s.Request})
}

// OffersDiagnosis says whether the examination is offered where a technician's visit has
// ended: only for causes that it could tell, and because of which nobody can be let in.
func (s State) OffersDiagnosis() bool {
	if s.Phase != Ended || !s.Technician || s.Stopping {
		return false
	}
	switch s.Reason {
	case Internal, Misconfigured, NotProvisioned, BadClock, Unreachable, Untrusted:
		return true
	}
	return false
}

// report opens the examination for somebody who has not been let in, and cannot be. What
// is wrong with a device must be found where it is wrong; nothing can be changed, and
// there is nothing personal in it.
func (m *transition) openDiagnosis() {
	if m.s.Request != 0 {
		m.emit(Wipe{m.s.Request})
	}
	m.enter(Menu)
	m.s.Unauthenticated, m.s.Masked = true, ""
	m.startTask(DoctorTask)
}

func (m *transition) menu(e Event) {
	switch e := e.(type) {
	case Press:
		if m.answerIdlePrompt(e) {
			return
		}
		m.s.LastInput = m.now
		if m.s.Task == NoTask {
			m.chooseTask(e)
			return
		}
		m.readTask(e)
	case TaskDone:
		if !m.takeAnswer(e.Number) {
			return
		}
		m.s.LastInput = m.now
		if m.s.Task == CloseTask || m.s.Task == OpenTask {
			m.s.Task = NoTask // there is nothing to read: the menu itself says how it is
		}
	case Failed:
		if m.takeAnswer(e.Number) {
			m.s.LastInput, m.s.Failed = m.now, true
		}
	case Tick:
		switch {
		case m.now-m.s.Since >= m.s.Rules.MenuLimit:
			m.clear()
		case m.s.Question == 0:
			m.checkIdle(m.s.Rules.IdleLimit)
		case m.now-m.s.LastInput >= m.s.Rules.TaskLimit:
			m.s.Question, m.s.LastInput, m.s.Failed = 0, m.now, true
		}
	}
}

// choose is a key on the menu itself.
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
		// Not before this visit is over: it is another program that goes on.
		m.emit(RunTask{Task: RestartTask})
		m.clear()
	}
}

// read is a key on what a task has to say.
func (m *transition) readTask(e Press) {
	switch {
	case e.Key == EscapeKey && m.s.Unauthenticated:
		m.clear()
	case e.Key == EscapeKey, e.Key == EnterKey && !m.s.Unauthenticated:
		m.s.Task, m.s.Page, m.s.Failed, m.s.Question = NoTask, 0, false, 0
	case m.s.Question != 0:
	case e.Key == TabKey:
		m.nextLanguage()
	default:
		m.turnPage(e)
	}
}

func (m *transition) startTask(t Task) {
	m.s.Task, m.s.Page, m.s.Failed, m.s.LastInput = t, 0, false, m.now
	m.emit(RunTask{Number: m.nextQuestion(), Task: t})
}
