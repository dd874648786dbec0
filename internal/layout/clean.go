package layout

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

// maxRunes bounds how much of one string is processed: four full screens of 40 by 12. Hostile text is processed every
// second on a small processor.
const maxRunes = 2000

// safeCharacters can be drawn by the kernel's own console font and by every font of Debian's console-setup. Other
// characters would show as a lozenge.
const safeCharacters = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~" +
	"¡¢£¤¥§ª«¬°±²µ¶·º»¼½¿ÄÅÆÇÉÑÖØÜßàáâäåæçèéêëìíîïðñòóôö÷øùúûüÿ" +
	"ƒπ•‼ⁿ₧←↑→↓∞∩≈≡≤≥─│┌┐└┘├┤┬┴┼█░▒■"

// replacements are for characters that normalization does not decompose.
var replacements = map[rune]string{
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '―': "-", '−': "-", '⁃': "-",
	'‘': "'", '’': "'", '‚': "'", '‛': "'", '′': "'", 'ʼ': "'", '‹': "<", '›': ">",
	'“': "\"", '”': "\"", '„': "\"", '‟': "\"", '″': "\"",
	'…': "...", '€': "EUR", '©': "(c)", '®': "(R)", '™': "TM", '×': "x", '⁄': "/", '∕': "/", '‰': "0/00",
	'Æ': "AE", 'æ': "ae", 'Œ': "OE", 'œ': "oe", 'Ø': "O", 'ø': "o", 'ẞ': "SS", 'Þ': "Th", 'þ': "th", 'Ð': "D",
	'Đ': "D", 'đ': "d", 'Ħ': "H", 'ħ': "h", 'ı': "i", 'Ł': "L", 'ł': "l", 'Ŋ': "N", 'ŋ': "n", 'Ŧ': "T", 'ŧ': "t",
	'✓': "OK", '✔': "OK", '√': "OK", '✗': "x", '✘': "x", '●': "•", '▪': "■", '◦': "·",
}

var isSafe = func() map[rune]bool {
	m := make(map[rune]bool)
	for _, r := range safeCharacters {
		m[r] = true
	}
	return m
}()

// Clean makes any string safe to draw: no control character, escape sequence, direction or zero-width character
// remains, every white space is one blank, and invalid UTF-8 is "?". Unless full is set, characters that console fonts
// lack are replaced (safeCharacters), by "?" if there is no replacement. Cleaning twice changes nothing more.
//
// Package sanitize removes what it rejects. Clean shows "?" for characters that cannot be drawn, so that a reader sees
// that something is missing, and it depends on the font.
func Clean(s string, full bool) string {
	return clean(s, Options{FullGlyphs: full})
}

// canDraw reports whether the console can draw a character. If its font is unknown, these are safeCharacters.
func (o Options) canDraw(r rune) bool {
	if o.Font == nil {
		return isSafe[r]
	}
	return r >= ' ' && r <= '~' || o.Font[r]
}

func clean(s string, o Options) string {
	if plainASCII(s) {
		return s
	}
	s = removeUnsafe(s)
	if o.FullGlyphs {
		return limitMarks(norm.NFC.String(s))
	}
	var b strings.Builder
	for _, r := range norm.NFC.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			// A mark without a composed character: the letter alone is readable.
		case o.canDraw(r) && uniseg.StringWidth(string(r)) > 0:
			b.WriteRune(r)
		case replacements[r] != "":
			b.WriteString(replacements[r])
		default:
			b.WriteString(o.decompose(r))
		}
	}
	return b.String()
}

// decompose returns the compatibility decomposition of a rune without its marks.
func (o Options) decompose(r rune) string {
	var b strings.Builder
	for _, d := range norm.NFKD.String(string(r)) {
		switch {
		case unicode.Is(unicode.M, d):
		case o.canDraw(d):
			b.WriteRune(d)
		case replacements[d] != "":
			b.WriteString(replacements[d])
		default:
			return "?"
		}
	}
	if b.Len() == 0 {
		return "?"
	}
	return b.String()
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= maxRunes
}

// removeUnsafe drops what must never reach a terminal. The C1 controls are dropped as well, because the Linux console takes
// U+009B as the beginning of a control sequence even in UTF-8.
func removeUnsafe(s string) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		if n++; n > maxRunes {
			break
		}
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				b.WriteByte('?')
				continue
			}
			b.WriteByte('?')
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r),
			unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		case unicode.Is(unicode.C, r): // private use, surrogates
			b.WriteByte('?')
		case !unicode.IsGraphic(r): // not assigned
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// limitMarks leaves at most two marks on a letter, because a single cell could hold kilobytes. Marks without a letter
// become "?".
func limitMarks(s string) string {
	var b strings.Builder
	g := uniseg.NewGraphemes(s)
	for g.Next() {
		rs := g.Runes()
		if g.Width() < 1 || g.Width() > 2 {
			b.WriteByte('?')
			continue
		}
		b.WriteString(string(rs[:min(len(rs), 3)]))
	}
	return b.String()
}

// signs replace the characters of lines and blocks that a font lacks.
var signs = map[string]string{
	"█": "#", "▀": "#", "▄": "#", "░": ".", "▒": ":", "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+",
	"├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+", "←": "<", "→": ">", "↑": "^", "↓": "v", "·": ".", "•": "*", "■": "*", "«": "<",
}

// replaceMissing replaces characters of a frame that the font lacks.
func (f *Frame) replaceMissing(o Options) {
	if o.Font == nil || o.FullGlyphs {
		return
	}
	for i, c := range f.Cells {
		r, _ := utf8.DecodeRuneInString(c.Text)
		if c.Width == 0 || o.canDraw(r) {
			continue
		}
		if sign := signs[c.Text]; sign != "" {
			f.Cells[i].Text = sign
			continue
		}
		f.set(i%f.W, i/f.W, Cell{Text: "?", Style: c.Style, Width: 1})
	}
}
