package layout

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Headlines are drawn in letters of pixels, so that a screen says what it is about to somebody three steps away. A letter with
// a mark is put together from both, so that the letters of all languages of Latin script are there. Codes have letters of their
// own (letters.go), whose strokes are thicker and whose shapes differ more.

//go:embed headline.txt
var headlineFile string

// The heights of a headline's parts, in pixels.
const (
	letterPixels  = 7 // from the top of the capitals to the base line
	descentPixels = 2 // below it
	markPixels    = 2 // a mark above a letter
	spacePixels   = 3 // width of a blank, beside the gaps of one pixel on either side
)

type headlineAlphabet struct {
	letters map[rune]bitmap // letterPixels rows, or with descentPixels more
	marks   map[rune]bitmap // markPixels rows
}

// belowMarks are the marks that are below a letter: cedilla and ogonek.
var belowMarks = []rune{0x0327, 0x0328}

var headlineLetters = sync.OnceValue(func() headlineAlphabet {
	a := headlineAlphabet{letters: map[rune]bitmap{}, marks: map[rune]bitmap{}}
	for name, b := range parseBitmaps(headlineFile) {
		if code, isMark := strings.CutPrefix(name, "U+"); isMark {
			n, _ := strconv.ParseUint(code, 16, 32) // embedded and tested
			a.marks[rune(n)] = b
			continue
		}
		a.letters[firstRune(name)] = b
	}
	return a
})

// glyph returns a grapheme as a bitmap of markPixels+letterPixels+descentPixels rows; ok is false if the alphabet lacks it.
func (a headlineAlphabet) glyph(grapheme string) (b bitmap, ok bool) {
	letter, marks := firstRune(grapheme), []rune(nil)
	base, known := a.letters[letter]
	if !known || len(grapheme) > utf8.RuneLen(letter) {
		parts := []rune(norm.NFD.String(grapheme))
		letter, marks = parts[0], parts[1:]
		if base, known = a.letters[letter]; !known {
			return nil, false
		}
	}
	small := strings.TrimSpace(base[0]+base[1]) == "" || letter == 'i' || letter == 'j'
	if len(marks) > 0 && letter == 'i' {
		base = a.letters['ı']
	}
	wide := len(base[0])
	if len(marks) > 0 {
		wide = max(wide, 3) // the width of a mark
	}
	for y := range markPixels + letterPixels + descentPixels {
		row := blankRow(wide)
		if i := y - markPixels; i >= 0 && i < len(base) {
			gap := (wide - len(base[0])) / 2
			row = blankRow(gap) + base[i] + blankRow(wide-gap-len(base[0]))
		}
		b = append(b, row)
	}
	for _, m := range marks {
		mark, known := a.marks[m]
		switch {
		case !known:
			return nil, false
		case slices.Contains(belowMarks, m):
			b.overlay(mark, markPixels+letterPixels)
		case small:
			b.overlay(mark, markPixels)
		default:
			b.overlay(mark, 0)
		}
	}
	return b, true
}

// word returns a word without blanks as a bitmap; ok is false if the alphabet lacks a letter.
func (a headlineAlphabet) word(text string) (b bitmap, ok bool) {
	for _, c := range toCells(text, Text) {
		g, known := a.glyph(c.Text)
		if !known {
			return nil, false
		}
		if b == nil {
			b = g
			continue
		}
		b = b.beside(g)
	}
	return b, b != nil
}

// headline returns a text in pixel letters, wrapped between words, at most w columns wide; nil if it does not fit or the
// alphabet lacks a letter. With double, letters are twice as large.
func headline(text string, w int, double bool) []line {
	if double {
		w /= 2
	}
	var lines []bitmap
	for _, f := range strings.Fields(text) {
		b, ok := headlineLetters().word(f)
		if !ok || len(b[0]) > w {
			return nil
		}
		last := len(lines) - 1
		if last >= 0 && len(lines[last][0])+2+spacePixels+len(b[0]) <= w {
			gap := make(bitmap, len(b))
			for y := range gap {
				gap[y] = blankRow(spacePixels)
			}
			lines[last] = lines[last].beside(gap).beside(b)
			continue
		}
		lines = append(lines, b)
	}
	var rows []line
	for i, b := range lines {
		rows = append(rows, headlineRows(b, double, i == len(lines)-1)...)
	}
	return rows
}

// headlineRows returns one line of a headline as rows of cells. Space above the capitals is left out if no mark is there, and
// space below the base line on the last line.
func headlineRows(b bitmap, double, last bool) []line {
	inked := func(row string) bool { return strings.TrimSpace(row) != "" }
	if !slices.ContainsFunc(b[:markPixels], inked) {
		b = b[markPixels:]
	}
	descent := b[len(b)-descentPixels:]
	switch {
	case !slices.ContainsFunc(descent, inked) && last:
		b = b[:len(b)-descentPixels]
	case !double && len(b)%2 == 1:
		b = append(slices.Clone(b), blankRow(len(b[0]))) // a gap to the next line
	}
	return b.rows(double, func(byte) Style { return Headline })
}
