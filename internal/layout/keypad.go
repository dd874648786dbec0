package layout

import (
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// padSize is the size of the keypad's keys in cells. In a row of few keys they are half as wide again.
type padSize struct{ wide, high, gapX, gapY int }

// padSizes begin with the one that fits 40x12. Keys are at least three columns wide, with one between them.
var padSizes = [...]padSize{
	{3, 1, 1, 0},
	{5, 1, 1, 1},
	{5, 2, 2, 1},
	{6, 3, 2, 1},
}

// fewKeys is how many keys of a row can be wider.
const fewKeys = 4

// padPiece returns the keypad. The selected key is in brackets, so that it is recognizable without colour.
func padPiece(k screen.Keypad, size padSize, w int) piece {
	var pc piece
	most := 0
	for _, keys := range k.Rows {
		most = max(most, len(keys))
	}
	if most <= fewKeys {
		size.wide += size.wide/2 + 1
	}
	for size.wide > 3 && most*(size.wide+size.gapX)-size.gapX > w {
		size.wide--
	}
	for r, keys := range k.Rows {
		if r > 0 {
			pc.rows = append(pc.rows, make([]line, size.gapY)...)
		}
		top := len(pc.rows)
		pc.rows = append(pc.rows, make([]line, size.high)...)
		for c, key := range keys {
			st, open, shut := Key, " ", " "
			if k.Selected && k.Row == r && k.Column == c {
				st, open, shut = Title, "[", "]"
			}
			x := len(pc.rows[top])
			for y := range size.high {
				face := blanks(size.wide, st)
				if y == (size.high-1)/2 {
					face = toCells(centreCap(key.Cap, open, shut, size.wide), st)
				}
				pc.rows[top+y] = join(pc.rows[top+y], face, blanks(size.gapX, Text))
			}
			pc.targets = append(pc.targets, Target{X: x, Y: top, W: size.wide, H: size.high, Key: key})
		}
	}
	return pc
}

// centreCap puts a cap of one to three characters into the middle of its key.
func centreCap(cap, open, shut string, w int) string {
	if n := utf8.RuneCountInString(cap); n+2 <= w {
		cap = open + cap + shut
	} else if n < w {
		cap = open + cap
	}
	for left := true; utf8.RuneCountInString(cap) < w; left = !left {
		if left {
			cap += " "
		} else {
			cap = " " + cap
		}
	}
	return cap
}
