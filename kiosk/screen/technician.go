package screen

import (
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// menu shows the technician's menu, or the text of a task. The text is that of the commands (kiosk status, kiosk doctor) in any
// language, because technicians look it up and read it aloud on the telephone.
func (v *view) menu(p kiosk.Private) {
	s := v.s
	v.out.Title = v.text(taskTitle(s.Menu.Task))
	switch {
	case s.Menu.Task == kiosk.NoTask:
		service := MsgMenuServes
		if s.Closures != 0 {
			service = MsgMenuClosed
		}
		v.addLines(service)
		if v.device.Name != "" {
			v.out.Lines = append(v.out.Lines, v.text(MsgClosedDevice, "device", strings.TrimSpace(v.device.Name+" "+v.device.Address)))
		}
		v.digitKey('1', MsgKeyStatus)
		v.digitKey('2', MsgKeyDoctor)
		if s.Closures&kiosk.Maintenance != 0 {
			v.digitKey('3', MsgKeyOpen)
		} else {
			v.digitKey('3', MsgKeyClose)
		}
		v.digitKey('4', MsgKeyRestart)
		v.languageKey()
		v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
		return
	case s.Menu.Confirm:
		v.out.Title = v.text(MsgMenuConfirmTitle)
		v.out.Tone = Alert
		v.out.Lines = append(v.out.Lines, v.text(MsgMenuConfirmClose, "n", int(kiosk.TechnicianOutage/time.Hour)))
		v.addKey(kiosk.EnterKey, "Enter", MsgKeyClose)
	case s.Question != 0:
		v.out.Tone = Busy
		v.addLines(MsgMenuRunning)
	case s.Menu.Failed:
		v.out.Tone = Bad
		v.addLines(MsgMenuFailed)
	default:
		v.out.Details, v.out.Page = p.Result.Fields, s.Reading.Page
		v.out.Paging = v.text(MsgShownPaging)
		v.out.Keys = append(v.out.Keys, Key{Cap: "↓", Text: v.text(MsgKeyPage), Does: kiosk.DownKey, TurnsPages: true})
	}
	if s.Menu.Unauthenticated {
		if len(v.out.Details) == 0 {
			v.addLines(MsgMenuUnauthenticated)
		}
		v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
		return
	}
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyBack)
}

func (v *view) digitKey(cap rune, id MessageID) {
	v.out.Keys = append(v.out.Keys, Key{Cap: string(cap), Text: v.text(id), Does: kiosk.RuneKey, Rune: cap})
}

// taskTitle returns the title of the screen while a task is open.
func taskTitle(t kiosk.Task) MessageID {
	switch t {
	case kiosk.StatusTask:
		return MsgMenuStatus
	case kiosk.DoctorTask:
		return MsgMenuDoctor
	case kiosk.CloseTask:
		return MsgKeyClose
	case kiosk.OpenTask:
		return MsgKeyOpen
	}
	return MsgMenuTitle
}

// technicianTexts replaces a customer's texts by a technician's.
func (v *view) technicianTexts() {
	if !v.s.Technician {
		return
	}
	switch v.s.Phase {
	case kiosk.Identify:
		v.out.Title = v.text(MsgMenuIdentify)
		if !v.s.Help {
			v.out.Lines = nil
			v.addLines(MsgMenuIdentifyLines)
		}
	case kiosk.Waiting:
		if m := v.s.Request.BindingMessage; m != "" && m != v.s.Request.Code && !v.s.Help {
			v.out.Lines[0] = v.text(MsgMenuSame, "message", m)
		}
	case kiosk.Checking:
		v.out.Steps = v.out.Steps[:2] // nothing is fetched
	case kiosk.Ended:
		if v.s.Ending.Reason == kiosk.NoAccess && !v.s.Help {
			v.out.Lines = nil
			v.addLines(MsgMenuNoAccess)
		}
	}
}

// menuRefused says that the menu does not open during a visit: beside what is typed, else as a warning.
func (v *view) menuRefused() {
	switch {
	case !v.s.MenuRefused:
	case v.out.Entry != nil:
		v.out.Entry.Problem = v.text(MsgMenuRefused)
	default:
		v.out.Lines = v.out.Lines[:min(1, len(v.out.Lines))] // the smallest screens have no room for more
		v.out.Warning = v.text(MsgMenuRefused)
	}
}
