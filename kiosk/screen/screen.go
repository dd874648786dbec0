// Package screen says what a person may see of a visit, as data: View turns a state into a Screen of finished words and
// numbers in one language. Where things stand and how they are drawn is left to others (internal/layout, internal/tui).
//
// The functions of this package are plain: no I/O, clock or goroutine. What is personal (typed text, a result) is passed in
// at the moment of drawing and kept nowhere.
package screen

import "github.com/ciba-kiosk/ciba-kiosk/kiosk"

// Tone is the mood of a screen: it chooses colour and sign, never meaning alone.
type Tone uint8

// The tones.
const (
	Calm  Tone = iota // nothing is asked of anybody
	Busy              // the kiosk works, the customer waits
	Good              // approved, done
	Bad               // ended without a result
	Alert             // something needs attention, nothing has ended
)

// Screen is what a person may see, as finished words and numbers. It holds
// everything a painter needs and nothing else: no phase names, no protocol. A
// painter that is short of room leaves out from the bottom of this list upwards,
// but Title, Code, Entry, Keypad, Notice and Keys always stay.
type Screen struct {
	Phase kiosk.Phase // for the painter's choice of animation and for tests; never drawn as text
	Tone  Tone

	Site  string // where the device stands; the top line
	Title string // one short sentence; the largest words

	Notice      *Notice       // overlay that must be answered first: "still there?"
	Entry       *Entry        // the field being typed into
	Keypad      *Keypad       // keys on the screen, for those who have no others
	Code        string        // to be drawn in block letters
	SpelledCode string        // the code again, spelt out
	Gauge       *Gauge        // time left
	Lines       []string      // sentences, most important first; each is wrapped, never cut
	Warning     string        // one sentence that must not be missed, as "Connection lost, still trying."
	Steps       []ListStep    // what has been done and what is being done
	Details     []kiosk.Field // the customer's data
	Page        int           // which page of Details; any integer, painters take it modulo the number of pages
	Paging      string        // how a page is announced, with {page} and {pages} in it; only drawn where there is more than one
	Link        *Link         // an address as QR code

	Keys []Key // what can be pressed, in this order on every screen
}

// Entry is the field that the customer types into.
type Entry struct {
	Label   string
	Text    string // what has been typed so far
	Example string // "for example alice"
	Problem string // what is wrong with it, as a sentence; empty if nothing is
}

// Gauge is the time left, in words and as a part of the whole.
type Gauge struct {
	Part float64 // 0 to 1
	Text string
}

// StepState is how far one step has come.
type StepState uint8

// The states of a step.
const (
	ToDo StepState = iota
	Doing
	Done
)

// ListStep is one line of a short list that is ticked off.
type ListStep struct {
	Text  string
	State StepState
}

// Link is an address to be scanned, with what it is for.
type Link struct {
	URL     string
	Caption string
	// Bare: the lines say what to do without it. Where the code does not fit,
	// nothing is drawn in its place, nor the caption; neither is read out.
	Optional bool
}

// Notice is an overlay.
type Notice struct {
	Title string
	Text  string
}

// Key is one thing that can be pressed.
type Key struct {
	Cap  string // as printed on the key: "Enter", "Esc", "1"
	Text string // what it does, in words; empty on the keypad, where the cap says it

	// What a finger on it means: the same as this key of a keyboard.
	Does kiosk.KeyName
	Rune rune // with RuneKey

	// Turns: it turns the pages of Details, and is left out where there is only one.
	TurnsPages bool
}
