// Package sanitize makes text from outside safe to log and to display.
package sanitize

import (
	"strings"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// MaxLine is the most characters that Line returns: three lines on a small screen.
const MaxLine = 160

// Line returns s as one line of at most MaxLine characters. It drops control characters, bidirectional controls and
// everything else that kiosk.Printable rejects, and replaces each run of white space with one space.
func Line(s string) string {
	var b strings.Builder
	for _, c := range strings.Join(strings.Fields(s), " ") {
		if kiosk.Printable(c) {
			b.WriteRune(c)
		}
	}
	s = b.String()
	for n := utf8.RuneCountInString(s); n > MaxLine; n-- {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
