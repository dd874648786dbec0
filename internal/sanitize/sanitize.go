// Package sanitize makes text from servers, files and operators safe to log and to display.
//
// Text and Line are for texts that people read, ASCII for logs and technical names. They return valid UTF-8 on one line,
// without control and direction characters; Line and ASCII limit its length. Three places have rules of their own: api limits combining marks
// in results, layout.Clean replaces characters that the console's font lacks, and config shows "?" for a character that
// a setting must not contain, so that a technician sees it.
package sanitize

import (
	"strings"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// MaxLine is the most characters that Line returns: three lines on a small screen.
const MaxLine = 160

// Line returns s as one line of at most MaxLine characters, cleaned as by Text.
func Line(s string) string {
	s = Text(s)
	for n := utf8.RuneCountInString(s); n > MaxLine; n-- {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// Text returns s as one line of any length. It drops control characters, bidirectional controls and everything else that
// kiosk.Printable rejects, and replaces each run of white space with one space.
func Text(s string) string {
	return strings.Map(func(c rune) rune {
		if !kiosk.Printable(c) {
			return -1
		}
		return c
	}, strings.Join(strings.Fields(s), " "))
}
