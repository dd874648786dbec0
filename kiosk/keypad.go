package kiosk

import (
	"unicode"
	"unicode/utf8"
)

// KeypadMode says when the keypad is on the screen (KIOSK_KEYPAD).
type KeypadMode uint8

// The rules.
const (
	KeypadAuto   KeypadMode = iota // once the screen was touched, or an arrow key was pressed, in this visit
	KeypadAlways                   // whenever something is to be typed
	KeypadNever
)

// KeypadState is how the keypad stands. It ends with the visit.
type KeypadState struct {
	On    bool
	Upper bool // letters are capitals
	// Aimed: an arrow key was the last, so Enter means the key at Row and Column.
	// Whoever types on a keyboard is never in the way of it: there Enter sends.
	Selected    bool
	Row, Column int
}

// Keypad is keys on the screen, row by row.
type Keypad struct {
	Rows [][]Key
	// The key that Enter means, if Aimed.
	Selected    bool
	Row, Column int
}

// The keys that are no characters, in the layouts below and as caps that every
// console font has.
const (
	eraseCap = '←'
	sendCap  = '→'
	shiftCap = '↑'
)

// keypadLayouts are the keys by kind of identifier. Letters stand in the order of the
// alphabet: the languages here have three different orders on their keyboards.
// Nine columns of three, with one between, fit 40 columns.
var keypadLayouts = [...][]string{
	TextKind:   {"123456789", "abcdefghi", "jklmnopqr", "stuvwxyz0", "-_.@/↑←→"},
	EmailKind:  {"123456789", "abcdefghi", "jklmnopqr", "stuvwxyz0", "@.-_+←→"},
	PhoneKind:  {"123", "456", "789", "+0←→"},
	NumberKind: {"123", "456", "789", "←0→"},
}

func keypadRow(k IdentifierKind, row int) []rune { return []rune(keypadLayouts[k][row]) }

func keypadKey(r rune, upper bool) Key {
	switch r {
	case eraseCap:
		return Key{Cap: string(eraseCap), Does: BackspaceKey}
	case sendCap:
		return Key{Cap: "OK", Does: EnterKey}
	case shiftCap:
		if upper {
			return Key{Cap: "ab", Does: ShiftKey}
		}
		return Key{Cap: "AB", Does: ShiftKey}
	}
	if upper {
		r = unicode.ToUpper(r)
	}
	return Key{Cap: string(r), Does: RuneKey, Rune: r}
}

// padKind chooses the layout. What user codes are made of only the server knows.
func (s State) keypadKind() IdentifierKind {
	if s.Phase == EnterUserCode {
		return TextKind
	}
	return s.Rules.Kind
}

// keypad is what a person sees of it; nil while it is not there.
func (s State) keypadView() *Keypad {
	if !s.Keypad.On {
		return nil
	}
	p := &Keypad{Selected: s.Keypad.Selected, Row: s.Keypad.Row, Column: s.Keypad.Column}
	for _, layout := range keypadLayouts[s.keypadKind()] {
		var row []Key
		for _, r := range layout {
			row = append(row, keypadKey(r, s.Keypad.Upper))
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// touched brings the keypad up for those who have touched the screen.
func (m *transition) showKeypadOnTouch(e Press) {
	if e.Touch && m.s.Rules.Keypad != KeypadNever {
		m.s.Keypad.On = true
	}
}

// aimedAt is the key that was meant: with Enter the one aimed at, if there is one.
func (m *transition) selectedKey(e Press) Press {
	pad := &m.s.Keypad
	switch {
	case e.Key == EnterKey && pad.Selected && !e.Touch:
		k := keypadKey(keypadRow(m.s.keypadKind(), pad.Row)[pad.Column], pad.Upper)
		return Press{Key: k.Does, Rune: k.Rune}
	case e.Touch || e.Key == RuneKey || e.Key == BackspaceKey:
		pad.Selected = false
	}
	return e
}

// aim moves from key to key, around the edges. The first arrow only brings up the
// keypad, on its first key.
func (m *transition) moveSelection(k KeyName) {
	pad, kind := &m.s.Keypad, m.s.keypadKind()
	if m.s.Rules.Keypad == KeypadNever {
		return
	}
	if !pad.Selected {
		pad.On, pad.Selected = true, true
		return
	}
	wide, high := utf8.RuneCountInString(keypadLayouts[kind][pad.Row]), len(keypadLayouts[kind])
	switch k {
	case LeftKey:
		pad.Column = (pad.Column + wide - 1) % wide
	case RightKey:
		pad.Column = (pad.Column + 1) % wide
	case UpKey:
		pad.Row = (pad.Row + high - 1) % high
	case DownKey:
		pad.Row = (pad.Row + 1) % high
	}
	// Rows have different lengths: the one below or above is the one that is nearest by eye.
	if now := utf8.RuneCountInString(keypadLayouts[kind][pad.Row]); now != wide {
		pad.Column = (2*pad.Column + 1) * now / (2 * wide)
	}
}
