package layout

import (
	"strings"
	"unicode/utf8"
)

// A bitmap is a small picture: rows of equal width, a character a pixel, a blank for none. Two pixels above each other make a
// cell, as half blocks, so that a pixel is square on a console. With double each pixel is two columns wide and a row high,
// in full blocks, which every font has.
type bitmap []string

// rows returns a bitmap as rows of cells; style gives a pixel's character its style.
func (b bitmap) rows(double bool, style func(pixel byte) Style) []line {
	if double {
		return b.doubleRows(style)
	}
	var out []line
	for y := 0; y < len(b); y += 2 {
		l := make(line, len(b[y]))
		for x := range l {
			up, low := b[y][x], byte(' ')
			if y+1 < len(b) {
				low = b[y+1][x]
			}
			switch {
			case up != ' ' && low != ' ':
				l[x] = Cell{Text: "█", Style: style(up), Width: 1}
			case up != ' ':
				l[x] = Cell{Text: "▀", Style: style(up), Width: 1}
			case low != ' ':
				l[x] = Cell{Text: "▄", Style: style(low), Width: 1}
			default:
				l[x] = blank(Text)
			}
		}
		out = append(out, l)
	}
	return out
}

func (b bitmap) doubleRows(style func(pixel byte) Style) []line {
	var out []line
	for _, row := range b {
		l := make(line, 0, 2*len(row))
		for x := range len(row) {
			c := blank(Text)
			if row[x] != ' ' {
				c = Cell{Text: "█", Style: style(row[x]), Width: 1}
			}
			l = append(l, c, c)
		}
		out = append(out, l)
	}
	return out
}

// parseBitmaps reads a file of bitmaps: blocks of a name and rows between bars, after an introduction. Rows of a block have
// equal width.
func parseBitmaps(file string) map[string]bitmap {
	all := make(map[string]bitmap)
	for _, block := range strings.Split(file, "\n\n")[1:] {
		lines := strings.Split(strings.TrimRight(block, "\n"), "\n")
		var b bitmap
		for _, l := range lines[1:] {
			b = append(b, strings.Trim(l, "|"))
		}
		all[lines[0]] = b
	}
	return all
}

// blankRow returns a row of n pixels without ink.
func blankRow(n int) string { return strings.Repeat(" ", n) }

// overlay draws the ink of a small bitmap onto rows of b, beginning at row y, centred.
func (b bitmap) overlay(small bitmap, y int) {
	for i, row := range small {
		at := (len(b[0]) - len(row) + 1) / 2
		dest := []byte(b[y+i])
		for x := range len(row) {
			if to := at + x; row[x] != ' ' && to >= 0 && to < len(dest) {
				dest[to] = row[x]
			}
		}
		b[y+i] = string(dest)
	}
}

// beside appends another bitmap of the same height to the right, with a gap of one pixel.
func (b bitmap) beside(right bitmap) bitmap {
	for y := range b {
		b[y] += " " + right[y]
	}
	return b
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
