package screen

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// about puts the help in the place of the screen's sentences, and its key on the screen.
func (v *view) helpKey() {
	ask := MsgKeyHelp
	if v.isWaitingForPhone() {
		ask = MsgKeyNothingArrived
	}
	if !v.s.Help {
		v.addKey(kiosk.HelpKey, "F1", ask)
		return
	}
	v.addKey(kiosk.HelpKey, "F1", MsgKeyHelpOff)
	v.sc.Lines, v.sc.Details, v.sc.Keypad = nil, nil, nil
	if v.s.Phase == kiosk.Shown { // nobody's name stands there while something else is read
		v.sc.Title = v.w.Text(MsgShownTitle)
	}
	if l := v.sc.Link; l != nil && l.Optional { // its sentence goes on from those that are gone
		l.Caption = ""
	}
	if v.isWaitingForPhone() {
		v.addLines(MsgWaitingHelp1, MsgWaitingHelp2, MsgWaitingHelp3)
		return
	}
	v.addLines(MsgHelpWhat, MsgHelpPrivate, MsgHelpStaff)
}

// silent: the customer waits for a phone that may never ring.
func (v *view) isWaitingForPhone() bool {
	return v.s.Phase == kiosk.Waiting && v.s.Flow == kiosk.Backchannel
}
