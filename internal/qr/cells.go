package qr

// Style is a way of showing modules as character cells.
type Style uint8

// The styles.
const (
	// HalfBlocks shows two modules in one cell, one above the other: Size columns by half as many rows. The glyphs
	// (U+2580, U+2584, U+2588) are the light modules, because bright white exists on a Linux console only as a
	// foreground. Most Debian console fonts lack two of the three glyphs.
	HalfBlocks Style = iota
	// BackgroundColors needs no glyph: two blanks for each module that differ in background colour only. Twice Size
	// columns by Size rows.
	BackgroundColors
)

// Cell is one character cell of a code.
type Cell struct {
	Glyph rune // ' ', '▀', '▄' or '█'; the glyph is light
	Light bool // with BackgroundColors: whether the background is light
}

// Extent returns the columns and rows of Cells in the given style.
func (c Code) Extent(s Style) (columns, rows int) {
	n := c.Size()
	if s == BackgroundColors {
		return 2 * n, n
	}
	return n, (n + 1) / 2
}

// Cells returns the code as rows of cells. With HalfBlocks and an odd number of module rows, the lower half of the last
// row is dark, like the ground around it.
func (c Code) Cells(s Style) [][]Cell {
	columns, rows := c.Extent(s)
	out := make([][]Cell, rows)
	for y := range out {
		row := make([]Cell, columns)
		for x := range row {
			if s == BackgroundColors {
				row[x] = Cell{Glyph: ' ', Light: !c.Dark(x/2, y)}
				continue
			}
			row[x].Glyph = halfBlock(!c.Dark(x, 2*y), 2*y+1 < c.Size() && !c.Dark(x, 2*y+1))
		}
		out[y] = row
	}
	return out
}

func halfBlock(upper, lower bool) rune {
	switch {
	case upper && lower:
		return '█'
	case upper:
		return '▀'
	case lower:
		return '▄'
	}
	return ' '
}
