package words

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// TestTheConsoleFontHasEveryLetter: what a catalogue is written with is in the font
// that is loaded on a console.
func TestTheConsoleFontHasEveryLetter(t *testing.T) {
	for _, l := range Languages() {
		c, err := Open(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range screen.MessageIDs() {
			for _, r := range c.Text(w, "n", 2) {
				if r > '~' && !strings.ContainsRune(font.RequiredCharacters, r) {
					t.Errorf("%s: %s: %q is not in font.Wanted", l, w, r)
				}
			}
		}
	}
}
