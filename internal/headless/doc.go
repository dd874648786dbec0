// Package headless runs visits without a screen: for clients of the control socket (kiosk run --headless) and for one
// command (kiosk login). A visit's client gets lines, as JSON or as sentences, and sends identifiers and user codes. What
// a visit does is decided by package kiosk.
package headless

import (
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Texts is what the lines need besides the state.
type Texts struct {
	Catalog screen.Catalog
	Device  screen.Device
	Kind    kiosk.IdentifierKind
	Wall    func() time.Time
}

// CheckIdentifier returns a sentence about what is wrong with an identifier, before anything leaves the device; empty if
// nothing is.
func (t Texts) CheckIdentifier(identifier string) string {
	if p := kiosk.Check(t.Kind, kiosk.Trim(t.Kind, identifier)); p != kiosk.NoProblem {
		return t.Catalog.Text(screen.ProblemText(p))
	}
	return ""
}

// UserCodePrompt returns the prompt for a user code.
func (t Texts) UserCodePrompt() string { return t.Catalog.Text(screen.MsgUserCodeLabel) + ": " }
