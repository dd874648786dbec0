package kiosk

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIdentifier is the maximum length of an identifier in characters: that of an email address (RFC 5321 4.5.3.1.3 without
// the angle brackets).
const MaxIdentifier = 254

// Problem is what is wrong with an input. It is found before anything leaves the device.
type Problem uint8

// The problems.
const (
	NoProblem Problem = iota
	Empty
	TooLong
	BadCharacter // a control or direction character
	NotEmail
	NotPhone
	NotNumber
)

var problemNames = [...]string{
	NoProblem: "", Empty: "empty", TooLong: "too_long", BadCharacter: "character", NotEmail: "email", NotPhone: "phone", NotNumber: "number",
}

// String returns the name of the problem in message catalogues.
func (p Problem) String() string { return problemNames[p] }

// Trim removes blanks around an identifier, and for phones and numbers also the blanks, dots, dashes and brackets that
// people write in between.
func Trim(k IdentifierKind, s string) string {
	if MayBecomeHintToken(strings.TrimSpace(s)) {
		return strings.TrimSpace(s) // its dots and dashes are part of it
	}
	if k == PhoneKind || k == NumberKind {
		s = strings.Map(func(r rune) rune {
			if strings.ContainsRune(" -./()\u00a0", r) {
				return -1
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}

// Check returns what is wrong with a trimmed identifier.
func Check(k IdentifierKind, s string) Problem {
	if s == "" {
		return Empty
	}
	if _, ok := ParseHintToken(s); ok {
		return NoProblem
	}
	if p := checkText(s, MaxIdentifier); p != NoProblem {
		return p
	}
	if s[0] == '{' { // JSON: a server may read another person's hint from it
		return BadCharacter
	}
	switch k {
	case EmailKind:
		name, domain, ok := strings.Cut(s, "@")
		if !ok || name == "" || strings.ContainsAny(s, " ,;<>") || strings.Contains(domain, "@") ||
			!strings.Contains(strings.Trim(domain, "."), ".") || strings.HasSuffix(domain, ".") || strings.HasPrefix(domain, ".") {
			return NotEmail
		}
	case PhoneKind:
		// E.164: at most fifteen digits; no subscriber's number is shorter than six.
		if d := strings.TrimPrefix(s, "+"); !isDigits(d) || len(d) < 6 || len(d) > 15 {
			return NotPhone
		}
	case NumberKind:
		if !isDigits(s) {
			return NotNumber
		}
	}
	return NoProblem
}

// MaxUserCode is the maximum length of a user code in characters. CIBA Core sets no limit; people remember far less.
const MaxUserCode = 64

// CheckUserCode returns what is wrong with the form of a user code. Only the server knows whether it is right.
func CheckUserCode(s string) Problem {
	if s == "" {
		return Empty
	}
	return checkText(s, MaxUserCode)
}

func checkText(s string, most int) Problem {
	if utf8.RuneCountInString(s) > most {
		return TooLong
	}
	for _, r := range s {
		if !Printable(r) {
			return BadCharacter
		}
	}
	return NoProblem
}

// Printable reports whether a character may be part of an identifier or of a screen. Control characters and invisible or
// direction-changing ones may not: they can disguise a text or drive a terminal.
func Printable(r rune) bool {
	return r == ' ' || r != utf8.RuneError && unicode.IsGraphic(r) && !unicode.Is(unicode.Z, r) && !unicode.Is(unicode.Cf, r)
}

func isDigits(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Mask returns the identifier as it may be shown after it was sent: its owner recognizes it, and people behind them learn
// little. The number of stars does not depend on the length.
func Mask(k IdentifierKind, s string) string {
	const hidden = "***"
	if MayBecomeHintToken(s) {
		return "" // nobody recognizes themselves by a part of a token
	}
	switch k {
	case EmailKind:
		name, domain, ok := strings.Cut(s, "@")
		if ok {
			return firstRune(name) + hidden + "@" + firstRune(domain) + hidden
		}
	case PhoneKind, NumberKind:
		if d := strings.TrimPrefix(s, "+"); len(d) > 6 && isDigits(d) {
			return hidden + d[len(d)-2:]
		}
		return hidden
	}
	return firstRune(s) + hidden
}

// firstRune returns the first character of a text with enough others to hide; else nothing.
func firstRune(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	if utf8.RuneCountInString(s) < 3 || !Printable(r) {
		return ""
	}
	return string(r)
}
