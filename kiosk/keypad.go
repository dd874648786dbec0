package kiosk

import (
	"unicode"
	"unicode/utf8"
)

// KeypadMode says when the keypad is on the screen (KIOSK_KEYPAD).
type KeypadMode uint8

// The modes.
const (
	KeypadAuto   KeypadMode = iota // after a touch or an arrow key in this visit
	KeypadAlways                   // whenever something has to be typed
	KeypadNever
)

// KeypadState is what the keypad on the screen remembers. It ends with the visit.
type KeypadState struct {
	On    bool
	Upper bool // letters are capitals
	// Selected is set while the last key was an arrow key: Enter then presses the key at Row and Column. Otherwise Enter
	// sends, so the keypad never disturbs anybody with a keyboard.
	Selected    bool
	Row, Column int
}

// KeypadKey is a key of the keypad: a character, or one of BackspaceKey, EnterKey and ShiftKey.
type KeypadKey struct {
	Key  KeyName
	Rune rune // with RuneKey
}

// Placeholders in keypadLayouts for the keys that are no characters.
const (
	eraseMark = '←'
	enterMark = '→'
	shiftMark = '↑'
)

// keypadLayouts are the rows of keys by kind of identifier. Letters are in alphabetical order, because the languages have
// three different keyboard orders. Nine columns of three cells, with one cell between, fit 40 columns.
var keypadLayouts = [...][]string{
	TextKind:   {"123456789", "abcdefghi", "jklmnopqr", "stuvwxyz0", "-_.@/↑←→"},
	EmailKind:  {"123456789", "abcdefghi", "jklmnopqr", "stuvwxyz0", "@.-_+←→"},
	PhoneKind:  {"123", "456", "789", "+0←→"},
	NumberKind: {"123", "456", "789", "←0→"},
}

// KeypadRows returns the keys of the keypad row by row, or nil while it is not on the screen.
func (s State) KeypadRows() [][]KeypadKey {
	if !s.Keypad.On {
		return nil
	}
	var rows [][]KeypadKey
	for _, layout := range s.keypadLayout() {
		var row []KeypadKey
		for _, r := range layout {
			row = append(row, keypadKey(r, s.Keypad.Upper))
		}
		rows = append(rows, row)
	}
	return rows
}

// keypadLayout returns the layout for what is typed. A user code can contain anything: only the server knows.
func (s State) keypadLayout() []string {
	if s.Phase == EnterUserCode {
		return keypadLayouts[TextKind]
	}
	return keypadLayouts[s.Rules.Kind]
}

func keypadKey(r rune, upper bool) KeypadKey {
	switch r {
	case eraseMark:
		return KeypadKey{Key: BackspaceKey}
	case enterMark:
		return KeypadKey{Key: EnterKey}
	case shiftMark:
		return KeypadKey{Key: ShiftKey}
	}
	if upper {
		r = unicode.ToUpper(r)
	}
	return KeypadKey{Key: RuneKey, Rune: r}
}

// showKeypadOnTouch shows the keypad to customers who touch the screen.
func (t *transition) showKeypadOnTouch(e Press) {
	if e.Touch && t.s.Rules.Keypad != KeypadNever {
		t.s.Keypad.On = true
	}
}

// selectedKey replaces Enter by the selected key of the keypad, if there is one. Any other input ends the selection.
func (t *transition) selectedKey(e Press) Press {
	pad := &t.s.Keypad
	switch {
	case e.Key == EnterKey && pad.Selected && !e.Touch:
		row := []rune(t.s.keypadLayout()[pad.Row])
		k := keypadKey(row[pad.Column], pad.Upper)
		return Press{Key: k.Key, Rune: k.Rune}
	case e.Touch || e.Key == RuneKey || e.Key == BackspaceKey:
		pad.Selected = false
	}
	return e
}

// moveSelection moves the selection by an arrow key, around the edges. The first arrow key shows the keypad and selects its
// first key.
func (t *transition) moveSelection(k KeyName) {
	pad, layout := &t.s.Keypad, t.s.keypadLayout()
	if t.s.Rules.Keypad == KeypadNever {
		return
	}
	if !pad.Selected {
		pad.On, pad.Selected = true, true
		return
	}
	width, height := utf8.RuneCountInString(layout[pad.Row]), len(layout)
	switch k {
	case LeftKey:
		pad.Column = (pad.Column + width - 1) % width
	case RightKey:
		pad.Column = (pad.Column + 1) % width
	case UpKey:
		pad.Row = (pad.Row + height - 1) % height
	case DownKey:
		pad.Row = (pad.Row + 1) % height
	}
	// Rows differ in length: select the key that is nearest by eye.
	if newWidth := utf8.RuneCountInString(layout[pad.Row]); newWidth != width {
		pad.Column = (2*pad.Column + 1) * newWidth / (2 * width)
	}
}
