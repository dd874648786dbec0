package screen

import (
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// menu is the technician's menu, and what a task has to say. That is in the words of the
// commands (kiosk status, kiosk doctor), whatever the language: those are what a
// technician looks up, and reads out on the telephone.
func (v *view) menu(p kiosk.Private) {
	s := v.s
	v.sc.Title = v.w.Text(taskTitle(s.Menu.Task))
	switch {
	case s.Menu.Task == kiosk.NoTask:
		how := MsgMenuServes
		if s.Closures != 0 {
			how = MsgMenuClosed
		}
		v.addLines(how)
		if v.at.Name != "" {
			v.sc.Lines = append(v.sc.Lines, v.w.Text(MsgClosedDevice, "device", strings.TrimSpace(v.at.Name+" "+v.at.Address)))
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
	case s.Question != 0:
		v.sc.Tone = Busy
		v.addLines(MsgMenuDoing)
	case s.Menu.Failed:
		v.sc.Tone = Bad
		v.addLines(MsgMenuFailed)
	default:
		v.sc.Details, v.sc.Page = p.Result.Fields, s.Reading.Page
		v.sc.Paging = v.w.Text(MsgShownPaging)
		v.sc.Keys = append(v.sc.Keys, Key{Cap: "↓", Text: v.w.Text(MsgKeyPage), Does: kiosk.DownKey, TurnsPages: true})
	}
	if s.Menu.Unauthenticated {
		if len(v.sc.Details) == 0 {
			v.addLines(MsgMenuUnauthenticated)
		}
		v.addKey(kiosk.EscapeKey, "Esc", MsgKeyDone)
		return
	}
	v.addKey(kiosk.EscapeKey, "Esc", MsgKeyBack)
}

// number is a key with a figure on it.
func (v *view) digitKey(cap rune, w MessageID) {
	v.sc.Keys = append(v.sc.Keys, Key{Cap: string(cap), Text: v.w.Text(w), Does: kiosk.RuneKey, Rune: cap})
}

// taskTitle is the title of the screen while a task is open.
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

// technician puts a technician's words in the place of a customer's.
func (v *view) technicianTexts() {
	if !v.s.Technician {
		return
	}
	switch v.s.Phase {
	case kiosk.Identify:
		v.sc.Title = v.w.Text(MsgMenuIdentify)
		if !v.s.Help {
			v.sc.Lines = nil
			v.addLines(MsgMenuIdentifyLines)
		}
	case kiosk.Checking:
		v.sc.Steps = v.sc.Steps[:2] // nothing is fetched
	case kiosk.Ended:
		if v.s.Ending.Reason == kiosk.NoAccess && !v.s.Help {
			v.sc.Lines = nil
			v.addLines(MsgMenuNoAccess)
		}
	}
}
