package kiosk

import (
	"unicode"
	"unicode/utf8"
)

// PadRule says when the keypad is on the screen (KIOSK_KEYPAD).
type PadRule uint8

// The rules.
const (
	PadAuto   PadRule = iota // once the screen was touched, or an arrow key was pressed, in this visit
	PadAlways                // whenever something is to be typed
	PadNever
)

// Pad is how the keypad stands. It ends with the visit.
type Pad struct {
	On    bool
	Upper bool // letters are capitals
	// Aimed: an arrow key was the last, so Enter means the key at Row and Column.
	// Whoever types on a keyboard is never in the way of it: there Enter sends.
	Aimed       bool
	Row, Column int
}

// Keypad is keys on the screen, row by row.
type Keypad struct {
	Rows [][]Key
	// The key that Enter means, if Aimed.
	Aimed       bool
	Row, Column int
}

// The keys that are no characters, in the layouts below and as caps that every
// console font has.
const (
	padErase = '←'
	padSend  = '→'
	padShift = '↑'
)

// padLayouts are the keys by kind of identifier. Letters stand in the order of the
// alphabet: the languages here have three different orders on their keyboards.
// Nine columns of three, with one between, fit 40 columns.
var padLayouts = [...][]string{
	TextKind:   {"123456789", "abcdefghi", "jklmnopqr", "stuvwxyz0", "-_.@/↑←→"},
	EmailKind:  {"123456789", "abcdefghi", "jklmnopqr", "stuvwxyz0", "@.-_+←→"},
	PhoneKind:  {"123", "456", "789", "+0←→"},
	NumberKind: {"123", "456", "789", "←0→"},
}

func padRow(k IdentifierKind, row int) []rune { return []rune(padLayouts[k][row]) }

func padKey(r rune, upper bool) Key {
	switch r {
	case padErase:
		return Key{Cap: string(padErase), Does: BackspaceKey}
	case padSend:
		return Key{Cap: "OK", Does: EnterKey}
	case padShift:
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
func (s State) padKind() IdentifierKind {
	if s.Phase == Prove {
		return TextKind
	}
	return s.Rules.Kind
}

// keypad is what a person sees of it; nil while it is not there.
func (s State) keypad() *Keypad {
	if !s.Pad.On {
		return nil
	}
	p := &Keypad{Aimed: s.Pad.Aimed, Row: s.Pad.Row, Column: s.Pad.Column}
	for _, layout := range padLayouts[s.padKind()] {
		var row []Key
		for _, r := range layout {
			row = append(row, padKey(r, s.Pad.Upper))
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// touched brings the keypad up for those who have touched the screen.
func (m *move) touched(e Press) {
	if e.Touch && m.s.Rules.Pad != PadNever {
		m.s.Pad.On = true
	}
}

// aimedAt is the key that was meant: with Enter the one aimed at, if there is one.
func (m *move) aimedAt(e Press) Press {
	pad := &m.s.Pad
	switch {
	case e.Key == EnterKey && pad.Aimed && !e.Touch:
		k := padKey(padRow(m.s.padKind(), pad.Row)[pad.Column], pad.Upper)
		return Press{Key: k.Does, Rune: k.Rune}
	case e.Touch || e.Key == RuneKey || e.Key == BackspaceKey:
		pad.Aimed = false
	}
	return e
}

// aim moves from key to key, around the edges. The first arrow only brings up the
// keypad, on its first key.
func (m *move) aim(k KeyName) {
	pad, kind := &m.s.Pad, m.s.padKind()
	if m.s.Rules.Pad == PadNever {
		return
	}
	if !pad.Aimed {
		pad.On, pad.Aimed = true, true
		return
	}
	wide, high := utf8.RuneCountInString(padLayouts[kind][pad.Row]), len(padLayouts[kind])
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
	if now := utf8.RuneCountInString(padLayouts[kind][pad.Row]); now != wide {
		pad.Column = (2*pad.Column + 1) * now / (2 * wide)
	}
}
