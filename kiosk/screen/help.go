package screen

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// helpKey offers the help key. While the help is open it replaces the screen's sentences by the help's.
func (v *view) helpKey() {
	ask := MsgKeyHelp
	if v.isWaitingForPhone() {
		ask = MsgKeyNothingArrived
	}
	if !v.s.Help {
		v.addKey(kiosk.HelpKey, "F1", ask)
		return
	}
	if !v.s.EscapeClosesHelp() { // else Escape says so
		v.addKey(kiosk.HelpKey, "F1", MsgKeyHelpOff)
	}
	v.out.Aside, v.out.Lines, v.out.Details, v.out.Keypad = "", nil, nil, nil
	if v.s.Phase == kiosk.Shown { // no name beside the help
		v.out.Title = v.text(MsgShownTitle)
	}
	if l := v.out.Link; l != nil && l.Optional { // its caption continues sentences that are not shown
		l.Caption = ""
	}
	if v.isWaitingForPhone() {
		v.addLines(MsgWaitingHelp1, MsgWaitingHelp2, MsgWaitingHelp3)
		return
	}
	v.addLines(MsgHelpWhat, MsgHelpPrivate, MsgHelpStaff)
}

// escapeKey offers Escape for what text says, or to go back from the help.
func (v *view) escapeKey(text MessageID) {
	if v.s.EscapeClosesHelp() {
		text = MsgKeyHelpOff
	}
	v.addKey(kiosk.EscapeKey, "Esc", text)
}

// isWaitingForPhone reports whether the customer waits for a phone that may never ring.
func (v *view) isWaitingForPhone() bool {
	return v.s.Phase == kiosk.Waiting && v.s.Flow == kiosk.Backchannel
}
