package kiosk

// help opens and closes the few sentences that say what this device is and whom to
// ask; on Waiting those about a phone that stays silent. The key is the same on every
// screen and does nothing else: what is on the way stays on the way. On Ready, which
// has no state of its own, it begins a visit with the help open.
func (m *move) help(e Press) bool {
	if e.Key != HelpKey && !(e.Key == RuneKey && e.Rune == '?' && m.s.Phase == Waiting) || m.s.Still || m.s.Phase == Menu {
		return false // any key says that somebody is still there; a technician knows what the device is
	}
	switch {
	case m.s.Phase != Ready:
		m.s.Help, m.s.Touched = !m.s.Help, m.now
	case !m.s.Stopping:
		m.begin()
		m.touched(e)
		m.s.Help = true
	}
	return true
}

// about puts the help in the place of the screen's sentences, and its key on the screen.
func (v *view) about() {
	ask := WordKeyAbout
	if v.silent() {
		ask = WordKeyHelp
	}
	if !v.s.Help {
		v.key(HelpKey, "F1", ask)
		return
	}
	v.key(HelpKey, "F1", WordKeyHelpOff)
	v.sc.Lines, v.sc.Details, v.sc.Keypad = nil, nil, nil
	if v.s.Phase == Shown { // nobody's name stands there while something else is read
		v.sc.Title = v.w.Say(WordShownTitle)
	}
	if l := v.sc.Link; l != nil && l.Bare { // its sentence goes on from those that are gone
		l.Caption = ""
	}
	if v.silent() {
		v.lines(WordWaitingHelp1, WordWaitingHelp2, WordWaitingHelp3)
		return
	}
	v.lines(WordHelpWhat, WordHelpPrivate, WordHelpStaff)
}

// silent: the customer waits for a phone that may never ring.
func (v *view) silent() bool { return v.s.Phase == Waiting && v.s.Road == Backchannel }
