package kiosk

import "strings"

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

// nobodyApproves are the closures under which no approval can be had: the server is out
// of reach, its answer could not be checked, or nothing can be put on record.
const nobodyApproves = Starting | ClockWrong | StoreDown | SettingsBad

// technician takes the technician's key. It begins a visit, or turns the one that has
// just begun into theirs (the taps that make up the key have touched the screen, too);
// anywhere else it does nothing.
func (m *move) technician(e Press) bool {
	if e.Key != TechnicianKey {
		return false
	}
	fresh := m.s.Phase == Identify && m.s.Draft.Length == 0 && !m.s.Still
	switch {
	case !m.s.Rules.Technicians || m.s.Stopping:
	case m.s.Phase == Ready, m.s.Phase == Closed, fresh:
		m.s.Technician = true
		if m.s.Closures&nobodyApproves != 0 {
			m.report()
			break
		}
		m.begin()
		m.touched(e)
	}
	return true
}

// admit lets a technician in. Nothing needs what came with the approval any more.
func (m *move) admit() {
	m.enter(Menu)
	m.s.Masked = ""
	m.do(Commit{m.record(StageShown, NoReason)})
	m.giveBack()
	m.s.Redeemed = false
	m.do(Wipe{m.s.Request})
}

// OffersReport says whether the examination is offered where a technician's visit has
// ended: only for causes that it could tell, and because of which nobody can be let in.
func (s State) OffersReport() bool {
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
func (m *move) report() {
	if m.s.Request != 0 {
		m.do(Wipe{m.s.Request})
	}
	m.enter(Menu)
	m.s.Unproved, m.s.Masked = true, ""
	m.assign(DoctorTask)
}

func (m *move) menu(e Event) {
	switch e := e.(type) {
	case Press:
		if m.extend(e) {
			return
		}
		m.s.Touched = m.now
		if m.s.Task == NoTask {
			m.choose(e)
			return
		}
		m.read(e)
	case Served:
		if !m.answered(e.Number) {
			return
		}
		m.s.Touched = m.now
		if m.s.Task == CloseTask || m.s.Task == OpenTask {
			m.s.Task = NoTask // there is nothing to read: the menu itself says how it is
		}
	case Failed:
		if m.answered(e.Number) {
			m.s.Touched, m.s.Failed = m.now, true
		}
	case Tick:
		switch {
		case m.now-m.s.Since >= m.s.Rules.MenuLimit:
			m.clear()
		case m.s.Question == 0:
			m.idle(m.s.Rules.Idle)
		case m.now-m.s.Touched >= m.s.Rules.TaskLimit:
			m.s.Question, m.s.Touched, m.s.Failed = 0, m.now, true
		}
	}
}

// choose is a key on the menu itself.
func (m *move) choose(e Press) {
	switch {
	case e.Key == EscapeKey:
		m.clear()
	case e.Key == TabKey:
		m.nextLanguage()
	case e.Key != RuneKey:
	case e.Rune == '1':
		m.assign(StatusTask)
	case e.Rune == '2':
		m.assign(DoctorTask)
	case e.Rune == '3' && m.s.Closures&Maintenance != 0:
		m.assign(OpenTask)
	case e.Rune == '3':
		m.assign(CloseTask)
	case e.Rune == '4':
		// Not before this visit is over: it is another program that goes on.
		m.do(Serve{Task: RestartTask})
		m.clear()
	}
}

// read is a key on what a task has to say.
func (m *move) read(e Press) {
	switch {
	case e.Key == EscapeKey && m.s.Unproved:
		m.clear()
	case e.Key == EscapeKey, e.Key == EnterKey && !m.s.Unproved:
		m.s.Task, m.s.Page, m.s.Failed, m.s.Question = NoTask, 0, false, 0
	case m.s.Question != 0:
	case e.Key == TabKey:
		m.nextLanguage()
	default:
		m.turnPage(e)
	}
}

func (m *move) assign(t Task) {
	m.s.Task, m.s.Page, m.s.Failed, m.s.Touched = t, 0, false, m.now
	m.do(Serve{Number: m.ask(), Task: t})
}

// menu is the technician's menu, and what a task has to say. That is in the words of the
// commands (kiosk status, kiosk doctor), whatever the language: those are what a
// technician looks up, and reads out on the telephone.
func (v *view) menu(p Private) {
	s := v.s
	v.sc.Title = v.w.Say(s.Task.title())
	switch {
	case s.Task == NoTask:
		how := WordMenuServes
		if s.Closures != 0 {
			how = WordMenuClosed
		}
		v.lines(how)
		if v.at.Device != "" {
			v.sc.Lines = append(v.sc.Lines, v.w.Say(WordClosedDevice, "device", strings.TrimSpace(v.at.Device+" "+v.at.Address)))
		}
		v.number('1', WordKeyStatus)
		v.number('2', WordKeyDoctor)
		if s.Closures&Maintenance != 0 {
			v.number('3', WordKeyOpen)
		} else {
			v.number('3', WordKeyClose)
		}
		v.number('4', WordKeyRestart)
		v.language()
		v.key(EscapeKey, "Esc", WordKeyDone)
		return
	case s.Question != 0:
		v.sc.Tone = Busy
		v.lines(WordMenuDoing)
	case s.Failed:
		v.sc.Tone = Bad
		v.lines(WordMenuFailed)
	default:
		v.sc.Details, v.sc.Page = p.Result.Fields, s.Page
		v.sc.Paging = v.w.Say(WordShownPaging)
		v.sc.Keys = append(v.sc.Keys, Key{Cap: "↓", Text: v.w.Say(WordKeyPage), Does: DownKey, Turns: true})
	}
	if s.Unproved {
		if len(v.sc.Details) == 0 {
			v.lines(WordMenuUnproved)
		}
		v.key(EscapeKey, "Esc", WordKeyDone)
		return
	}
	v.key(EscapeKey, "Esc", WordKeyBack)
}

// number is a key with a figure on it.
func (v *view) number(cap rune, w Word) {
	v.sc.Keys = append(v.sc.Keys, Key{Cap: string(cap), Text: v.w.Say(w), Does: RuneKey, Rune: cap})
}

// title is what stands over a task.
func (t Task) title() Word {
	switch t {
	case StatusTask:
		return WordMenuStatus
	case DoctorTask:
		return WordMenuDoctor
	case CloseTask:
		return WordKeyClose
	case OpenTask:
		return WordKeyOpen
	}
	return WordMenuTitle
}

// technician puts a technician's words in the place of a customer's.
func (v *view) technician() {
	if !v.s.Technician {
		return
	}
	switch v.s.Phase {
	case Identify:
		v.sc.Title = v.w.Say(WordMenuIdentify)
		if !v.s.Help {
			v.sc.Lines = nil
			v.lines(WordMenuIdentifyLines)
		}
	case Checking:
		v.sc.Steps = v.sc.Steps[:2] // nothing is fetched
	case Ended:
		if v.s.Reason == NoAccess && !v.s.Help {
			v.sc.Lines = nil
			v.lines(WordMenuNoAccess)
		}
	}
}
