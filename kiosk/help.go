package kiosk

// help opens and closes the help, and reports whether the key was the help key. The key is the same on every screen and
// changes nothing else. In Ready, which has no state of its own, it begins a visit with the help open. It does not answer
// "still there?" and does nothing in a technician's menu.
func (m *transition) help(e Press) bool {
	isHelp := e.Key == HelpKey || e.Key == RuneKey && e.Rune == '?' && m.s.Phase == Waiting
	if !isHelp || m.s.Idle.Prompted || m.s.Phase == Menu {
		return false
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
