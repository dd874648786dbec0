package kiosk

// help opens and closes the few sentences that say what this device is and whom to
// ask; on Waiting those about a phone that stays silent. The key is the same on every
// screen and does nothing else: what is on the way stays on the way. On Ready, which
// has no state of its own, it begins a visit with the help open.
func (m *transition) help(e Press) bool {
	if e.Key != HelpKey && !(e.Key == RuneKey && e.Rune == '?' && m.s.Phase == Waiting) || m.s.IdlePrompt || m.s.Phase == Menu {
		return false // any key says that somebody is still there; a technician knows what the device is
	}
	switch {
	case m.s.Phase != Ready:
		m.s.Help, m.s.LastInput = !m.s.Help, m.now
	case !m.s.Stopping:
		m.begin()
		m.showKeypadOnTouch(e)
		m.s.Help = true
	}
	return true
}

// about puts the help in the place of the screen's sentences, and its key on the screen.
func (v *view) helpKey() {
	ask := MsgKeyHelp
	if v.isWaitingForPhone() {
		ask = MsgKeyNothingArrived
	}
	if !v.s.Help {
		v.addKey(HelpKey, "F1", ask)
		return
	}
	v.addKey(HelpKey, "F1", MsgKeyHelpOff)
	v.sc.Lines, v.sc.Details, v.sc.Keypad = nil, nil, nil
	if v.s.Phase == Shown { // nobody's name stands there while something else is read
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
func (v *view) isWaitingForPhone() bool { return v.s.Phase == Waiting && v.s.Road == Backchannel }
