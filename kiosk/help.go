package kiosk

// help opens and closes the help, and reports whether it has handled the key. The help key is the same on every screen and
// changes nothing else. In Ready, which has no state of its own, it begins a visit with the help open. It does not answer
// "still there?" and does nothing in a technician's menu. Escape closes the help where State.EscapeClosesHelp says so.
func (t *transition) help(e Press) bool {
	if e.Key == EscapeKey && t.s.EscapeClosesHelp() && !t.s.Idle.Prompted {
		t.s.Help, t.s.LastInput = false, t.now
		return true
	}
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

// EscapeClosesHelp reports whether Escape goes back from the open help instead of ending the visit: where the end would
// discard what was typed, or the offer to ask again. While the phone rings, Escape cancels, because the help opens by itself
// and advises to cancel; on a result it ends the visit, because what is behind the help is private.
func (s State) EscapeClosesHelp() bool {
	return s.Help && (s.Phase == Identify || s.Phase == EnterUserCode || s.Phase == Ended)
}
