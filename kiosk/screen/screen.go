// Package screen says what a person may see of a visit, as data: View turns a state into a Screen of finished words and
// numbers in one language. Where things stand and how they are drawn is left to others (internal/layout, internal/tui).
//
// The functions of this package are plain: no I/O, clock or goroutine. What is personal (typed text, a result) is passed in
// at the moment of drawing and kept nowhere.
package screen

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// Tone chooses the colour and the sign of a screen. It never carries a meaning that the text does not.
type Tone uint8

// The tones.
const (
	Calm  Tone = iota // nobody has to do anything
	Busy              // the kiosk works and the customer waits
	Good              // approved, done
	Bad               // ended without a result
	Alert             // something needs attention
)

// Picture names a small picture that says a screen's sentence without words.
type Picture string

// The pictures.
const (
	NoPicture     Picture = ""
	PhonePicture  Picture = "phone"  // a phone that rings
	CardPicture   Picture = "card"   // a card that is scanned
	TickPicture   Picture = "tick"   // done
	CrossPicture  Picture = "cross"  // ended without a result
	LockPicture   Picture = "lock"   // closed, or private
	ClockPicture  Picture = "clock"  // out of time, or a pause
	PersonPicture Picture = "person" // who are you?
)

// Screen is what a person may see, as finished words and numbers. A painter without enough room leaves out fields from the
// bottom of this list upwards, but never Title, Code, Entry, Keypad, Notice and Keys.
type Screen struct {
	Phase kiosk.Phase // never drawn as text
	Tone  Tone

	Site  string // name of the place; the top line
	Aside string // a few words beside the site's name
	Title string // one short sentence

	Headline string  // the title in one or two words, for large letters; left out where they do not fit
	Picture  Picture // left out where it does not fit
	Logo     bool    // the owner's logo takes the place of the picture, if there is one

	Notice      *Notice       // overlay that has to be answered first
	Entry       *Entry        // the field that the customer types into
	Keypad      *Keypad       // keys on the screen
	Code        string        // to be drawn in block letters
	SpelledCode string        // the code letter by letter
	Gauge       *Gauge        // time left
	Lines       []string      // sentences, most important first; wrapped, never cut
	Warning     string        // one sentence that must not be missed
	Steps       []ListStep    // progress
	Details     []kiosk.Field // the customer's data
	Page        int           // page of Details; any integer, taken modulo the number of pages
	Paging      string        // text with {page} and {pages}; drawn if there is more than one page
	Link        *Link         // an address as a QR code
	Languages   string        // the names of all languages, for people who cannot read the present one

	Keys []Key // keys that do something, in the same order on every screen
}

// Entry is the field that the customer types into.
type Entry struct {
	Label   string
	Text    string // what has been typed so far
	Example string // "for example alice"
	Problem string // what is wrong with it; empty if nothing is
}

// Gauge is the time left, in words and as a fraction.
type Gauge struct {
	Part float64 // 0 to 1
	Text string
}

// StepState is the progress of one step.
type StepState uint8

// The states of a step.
const (
	ToDo StepState = iota
	Doing
	Done
)

// ListStep is one line of a list of steps.
type ListStep struct {
	Text  string
	State StepState
}

// Link is an address to be scanned.
type Link struct {
	URL     string
	Caption string
	// Optional: the lines are complete without it. If the QR code does not fit, neither it nor the caption is drawn or read
	// aloud.
	Optional bool
}

// Notice is an overlay.
type Notice struct {
	Title string
	Text  string
}

// Key is a key that does something.
type Key struct {
	Cap  string // as printed on the key, such as "Enter", "Esc" or "1"
	Text string // what it does; empty on the keypad

	// What a touch means: the same as this key of a keyboard.
	Does kiosk.KeyName
	Rune rune // with RuneKey

	// TurnsPages: the key is left out if there is only one page.
	TurnsPages bool
}
