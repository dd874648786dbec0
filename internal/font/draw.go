package font

// lines are the box lines, by their directions from the middle.
var lines = map[rune]string{
	'─': "lr", '│': "ud", '┌': "rd", '┐': "ld", '└': "ru", '┘': "lu",
	'├': "udr", '┤': "udl", '┬': "lrd", '┴': "lru", '┼': "udlr",
}

// draw computes a glyph; nil if it cannot be computed.
func (f *Font) draw(r rune) []byte {
	w, h := f.Width, f.Height
	var ink func(x, y int) bool
	switch r {
	case '█':
		ink = func(int, int) bool { return true }
	case '▀':
		ink = func(_, y int) bool { return y < h/2 }
	case '▄':
		ink = func(_, y int) bool { return y >= h/2 }
	case '░':
		ink = func(x, y int) bool { return (x+2*(y%2))%4 == 0 }
	case '▒':
		ink = func(x, y int) bool { return (x+y)%2 == 0 }
	case '■':
		ink = func(x, y int) bool { return x > 0 && x < w-1 && y >= h/4 && y < h-h/4 }
	default:
		to, ok := lines[r]
		if !ok {
			return nil
		}
		ink = lineInk(to, w, h)
	}
	row := (w + 7) / 8
	glyph := make([]byte, row*h)
	for y := range h {
		for x := range w {
			if ink(x, y) {
				glyph[y*row+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return glyph
}

// lineInk draws lines from the middle to the edges. They get thicker with the font.
func lineInk(to string, w, h int) func(x, y int) bool {
	thick := max(h/16, 1)
	left, top := (w-thick)/2, (h-thick)/2
	return func(x, y int) bool {
		across, along := y >= top && y < top+thick, x >= left && x < left+thick
		for _, direction := range to {
			switch {
			case direction == 'l' && across && x < left+thick,
				direction == 'r' && across && x >= left,
				direction == 'u' && along && y < top+thick,
				direction == 'd' && along && y >= top:
				return true
			}
		}
		return false
	}
}
