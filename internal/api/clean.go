package api

import (
	"strings"
	"unicode"
)

// The limits keep a result to what a person reads on one screen or two, and
// bound what a hostile API can make the kiosk draw.
const (
	maxTitle  = 128 // runes
	maxLabel  = 64  // runes
	maxValue  = 512 // runes
	maxFields = 100
	maxMarks  = 4 // combining marks on a letter; scripts in use need three
)

// invisible are letters and marks that draw nothing: Hangul fillers, Mongolian selectors, the grapheme joiner,
// variation selectors. Like zero-width characters they could hide or split a word.
var invisible = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034F, Hi: 0x034F, Stride: 1},
		{Lo: 0x115F, Hi: 0x1160, Stride: 1},
		{Lo: 0x17B4, Hi: 0x17B5, Stride: 1},
		{Lo: 0x180B, Hi: 0x180F, Stride: 1},
		{Lo: 0x2800, Hi: 0x2800, Stride: 1}, // the empty Braille pattern
		{Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1},
		{Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0xE0100, Hi: 0xE01EF, Stride: 1}},
}

// cleanText makes foreign text safe to draw. It keeps only graphic characters: not controls, direction and zero-width
// characters (category Cf), line and paragraph separators, private use, surrogates or noncharacters. It limits
// combining marks and turns each run of white space into one space, with none at the ends. Package sanitize is for
// short texts of operators; it has no limit of marks and keeps the invisible letters.
func cleanText(s string) string {
	var b strings.Builder
	space, marks := false, 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			space, marks = true, 0
			continue
		case !unicode.IsGraphic(r) || unicode.Is(invisible, r):
			continue
		case unicode.IsMark(r):
			if marks++; marks > maxMarks {
				continue
			}
		default:
			marks = 0
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// truncate shortens s to at most limit runes, including three dots: the console's font has no ellipsis.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return strings.TrimRight(string(runes[:limit-3]), " ") + "..."
}
