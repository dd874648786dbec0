package tui

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// Event is something that a terminal reports: Press, Tap, Scan, Resized or Lost.
type Event interface{ event() }

// Press is one key.
type Press struct {
	Key  Key
	Rune rune // with Key Rune only; printable

	// Generation is the number of the screen on display when the key was read, as returned by Show; 0 before the first.
	// A key with a lower number than the present screen's was pressed for an earlier screen.
	Generation uint64
}

// Tap is a touch or click on a key of the screen. Beside all keys it is kiosk.OtherKey: somebody is there.
type Tap struct {
	Key  kiosk.KeyName
	Rune rune

	Generation uint64 // as with Press
}

// Scan is a whole scan: a bar code, a QR code, a card. Some of its first characters have been reported as presses
// before; the scan replaces them.
type Scan struct {
	Text kiosk.Secret // printable characters only; the receiver zeroes it

	Generation uint64 // as with Press, of the first character
}

// Resized reports a new size of the terminal. The screen has been drawn again already.
type Resized struct{ Columns, Rows int }

// Lost reports that the terminal is gone. Nothing more will come from it.
type Lost struct{ Err error }

func (Press) event()   {}
func (Tap) event()     {}
func (Scan) event()    {}
func (Resized) event() {}
func (Lost) event()    {}

// Key is a key with a meaning here. Other keys are dropped.
type Key uint8

// The keys.
const (
	Rune      Key = iota // a character, in Press.Rune
	Enter                // carriage return or line feed: scanners end with either
	Escape               //
	Backspace            // either code that keyboards send for it, and Delete
	Tab                  //
	Up                   //
	Down                 //
	Left                 //
	Right                //
	PageUp               //
	PageDown             //
	F1                   // F2 to F12 follow in order
	F2
	F3
	F4
	F5
	F6
	F7
	F8
	F9
	F10
	F11
	F12
	Interrupt  // Ctrl-C
	Technician // Ctrl-T
)

var keyNames = [...]string{"rune", "enter", "escape", "backspace", "tab", "up", "down", "left", "right", "pageup", "pagedown",
	"f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "interrupt", "technician"}

// String returns the name of the key, never the typed character.
func (k Key) String() string {
	if int(k) >= len(keyNames) {
		return "key?"
	}
	return keyNames[k]
}

// String returns the name of the key without the character, so that a log of presses contains no part of an identifier.
func (p Press) String() string { return p.Key.String() }

// String returns "tap".
func (Tap) String() string { return "tap" }

// String returns "scan".
func (Scan) String() string { return "scan" }
