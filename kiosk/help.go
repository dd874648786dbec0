package kiosk

// help opens and closes the help, and reports whether the key was the help key. The key is the same on every screen and
// changes nothing else. In Ready, which has no state of its own, it begins a visit with the help open. It does not answer
// "still there?" and does nothing in a technician's menu.
func (t *transition) help(e Press) bool {
	isHelp := e.Key == HelpKey || e.Key == RuneKey && e.Rune == '?' && t.s.Phase == Waiting
	if !isHelp || t.s.Idle.Prompted || t.s.Phase == Menu {
		return false
	}
	switch {
	case t.s.Phase != Ready:
		t.s.Help, t.s.LastInput = !t.s.Help, t.now
	case !t.s.Stopping:
		t.begin()
		t.showKeypadOnTouch(e)
		t.s.Help = true
	}
	return true
}
