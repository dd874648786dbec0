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
