package words

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// The font that the kiosk loads on a console has every character of the catalogues.
func TestConsoleFontHasEveryLetter(t *testing.T) {
	for _, l := range Languages() {
		c, err := Open(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range screen.MessageIDs() {
			for _, r := range c.Text(w, "n", 2) {
				if r > '~' && !strings.ContainsRune(font.RequiredCharacters, r) {
					t.Errorf("%s: %s: %q is not in font.RequiredCharacters", l, w, r)
				}
			}
		}
	}
}
