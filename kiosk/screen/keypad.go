package screen

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// Keypad is the keypad on the screen, row by row.
type Keypad struct {
	Rows [][]Key
	// The key that Enter presses, if Selected.
	Selected    bool
	Row, Column int
}

// keypad returns what a person sees of the keypad, or nil while it is not on the screen.
func keypad(s kiosk.State) *Keypad {
	rows := s.KeypadRows()
	if rows == nil {
		return nil
	}
	p := &Keypad{Selected: s.Keypad.Selected, Row: s.Keypad.Row, Column: s.Keypad.Column}
	for _, keys := range rows {
		var row []Key
		for _, k := range keys {
			row = append(row, Key{Cap: keyCap(k, s.Keypad.Upper), Does: k.Key, Rune: k.Rune})
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// keyCap returns the text on a key, in characters that every console font has.
func keyCap(k kiosk.KeypadKey, upper bool) string {
	switch {
	case k.Key == kiosk.BackspaceKey:
		return "←"
	case k.Key == kiosk.EnterKey:
		return "OK"
	case k.Key == kiosk.ShiftKey && upper:
		return "ab"
	case k.Key == kiosk.ShiftKey:
		return "AB"
	}
	return string(k.Rune)
}
