package tui

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// Event is what a terminal can tell: a Press, a Tap, a Scan, a Resized or a Lost.
type Event interface{ event() }

// Press is one key.
type Press struct {
	Key  Key
	Rune rune // with Key Rune only; printable

	// Generation is the number that Show gave for the screen that was on display
	// when the key was read. A key with a lower number than the present screen's
	// was pressed before that could be seen; 0 is before the first.
	Generation uint64
}

// Tap is a finger or a mouse on a key that the screen shows. Beside all keys it is
// kiosk.OtherKey: it shows that somebody is there.
type Tap struct {
	Key  kiosk.KeyName
	Rune rune

	Generation uint64 // as with Press
}

// Scan is a whole scan at once: a bar code, a QR code, a card. Some of its first
// characters have come as presses before it; it counts instead of them.
type Scan struct {
	Text kiosk.Secret // printable characters only; who receives it zeroes it

	Generation uint64 // as with Press, of the first character
}

// Resized tells that the terminal has another size. The screen has been drawn
// anew already.
type Resized struct{ Columns, Rows int }

// Lost tells that the terminal is gone; nothing more will come from it.
type Lost struct{ Err error }

func (Press) event()   {}
func (Tap) event()     {}
func (Scan) event()    {}
func (Resized) event() {}
func (Lost) event()    {}

// Key is a key that means something here. Others are dropped.
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

// String is the key's name. It never tells which character was typed.
func (k Key) String() string {
	if int(k) >= len(keyNames) {
		return "key?"
	}
	return keyNames[k]
}

// String names the key but not the character, so that a log of presses holds
// nothing of an identifier.
func (p Press) String() string { return p.Key.String() }

// String is the same for a tap.
func (Tap) String() string { return "tap" }

// String is the same for a scan.
func (Scan) String() string { return "scan" }
