package layout

import "strings"

// Codes are drawn in block letters, to be compared with a phone at arm's length. One pixel alphabet is drawn in four ways:
// wide (two columns for an upright stroke, so that strokes are as wide as they are high), narrow (one column), tall (each
// pixel has two columns and two rows), and as half blocks in three rows. Long codes use an alphabet of three columns. With
// three rows and no half blocks, letters of box lines are used: in three rows of full blocks, B looks like 8.

// pixels has five rows for each character; '#' is ink.
var pixels = map[rune]string{
	'A': " ## |#  #|####|#  #|#  #", 'B': "### |#  #|### |#  #|### ", 'C': " ###|#   |#   |#   | ###",
	'D': "### |#  #|#  #|#  #|### ", 'E': "####|#   |### |#   |####", 'F': "####|#   |### |#   |#   ",
	'G': " ###|#   |# ##|#  #| ###", 'H': "#  #|#  #|####|#  #|#  #", 'I': "###| # | # | # |###",
	'J': "  ##|   #|   #|#  #| ## ", 'K': "#  #|# # |##  |# # |#  #", 'L': "#   |#   |#   |#   |####",
	'M': "#   #|## ##|# # #|#   #|#   #", 'N': "#  #|## #|# ##|#  #|#  #", 'O': " ## |#  #|#  #|#  #| ## ",
	'P': "### |#  #|### |#   |#   ", 'Q': " ## |#  #|#  #|# # | # #", 'R': "### |#  #|### |# # |#  #",
	'S': " ###|#   | ## |   #|### ", 'T': "###| # | # | # | # ", 'U': "#  #|#  #|#  #|#  #| ## ",
	'V': "#   #|#   #| # # | # # |  #  ", 'W': "#   #|#   #|# # #|## ##|#   #", 'X': "#   #| # # |  #  | # # |#   #",
	'Y': "#   #| # # |  #  |  #  |  #  ", 'Z': "####|   #| ## |#   |####",
	'0': " ## |#  #|#  #|#  #| ## ", '1': " # |## | # | # |###", '2': "### |   #| ## |#   |####",
	'3': "### |   #| ## |   #|### ", '4': "#  #|#  #|####|   #|   #", '5': "####|#   |### |   #|### ",
	'6': " ## |#   |### |#  #| ## ", '7': "####|   #|  # | #  | #  ", '8': " ## |#  #| ## |#  #| ## ",
	'9': " ## |#  #| ###|   #| ## ", '-': "  |  |##|  |  ",
}

// slim is the same in three columns.
var slim = map[rune]string{
	'A': " # |# #|###|# #|# #", 'B': "## |# #|## |# #|## ", 'C': " ##|#  |#  |#  | ##", 'D': "## |# #|# #|# #|## ",
	'E': "###|#  |## |#  |###", 'F': "###|#  |## |#  |#  ", 'G': " ##|#  |# #|# #| ##", 'H': "# #|# #|###|# #|# #",
	'I': "###| # | # | # |###", 'J': "  #|  #|  #|# #| # ", 'K': "# #|# #|## |# #|# #", 'L': "#  |#  |#  |#  |###",
	'M': "###|###|# #|# #|# #", 'N': "## |# #|# #|# #|# #", 'O': " # |# #|# #|# #| # ", 'P': "## |# #|## |#  |#  ",
	'Q': " # |# #|# #|## | ##", 'R': "## |# #|## |## |# #", 'S': " ##|#  | # |  #|## ", 'T': "###| # | # | # | # ",
	'U': "# #|# #|# #|# #|###", 'V': "# #|# #|# #|# #| # ", 'W': "# #|# #|# #|###|###", 'X': "# #|# #| # |# #|# #",
	'Y': "# #|# #| # | # | # ", 'Z': "###|  #| # |#  |###",
	'0': " # |# #|# #|# #| # ", '1': " # |## | # | # |###", '2': "## |  #| # |#  |###", '3': "## |  #| # |  #|## ",
	'4': "# #|# #|###|  #|  #", '5': "###|#  |## |  #|## ", '6': " ##|#  |## |# #| # ", '7': "###|  #|  #| # | # ",
	'8': " # |# #| # |# #| # ", '9': " # |# #| ##|  #|## ", '-': "  |  |##|  |  ",
}

// strokes has three rows of box lines for each character.
var strokes = map[rune]string{
	'A': "┌─┐|├─┤|│ │", 'B': "─┬─┐| ├─┤|─┴─┘", 'C': "┌──|│  |└──", 'D': "─┬─┐| │ │|─┴─┘", 'E': "┌──|├─ |└──", 'F': "┌──|├─ |│  ",
	'G': "┌──|│ ┐|└─┘", 'H': "│ │|├─┤|│ │", 'I': "─┬─| │ |─┴─", 'J': "  ┬|  │|└─┘", 'K': "│ /|├─ |│ \\", 'L': "│  |│  |└──",
	'M': "┌┬┐|│││|│ │", 'N': "│\\ │|│ \\│|│  │", 'O': "┌─┐|│ │|└─┘", 'P': "┌─┐|├─┘|│  ", 'Q': "┌─┐ |│ │ |└─┼─", 'R': "┌─┐|├┬┘|│└─",
	'S': "┌─┐|└─┐|└─┘", 'T': "─┬─| │ | │ ", 'U': "│ │|│ │|└─┘", 'V': "│ │|\\ /| V ", 'W': "│ │|│││|└┴┘", 'X': "\\ /| X |/ \\",
	'Y': "\\ /| │ | │ ", 'Z': "──┐| / |└──",
	'0': "┌─┐|│/│|└─┘", '1': "─┐ | │ |─┴─", '2': "┌─┐|┌─┘|└──", '3': "──┐| ─┤|──┘", '4': "│ │|└─┤|  │", '5': "┌──|└─┐|──┘",
	'6': "┌──|├─┐|└─┘", '7': "──┐|  │|  │", '8': "┌─┐|├─┤|└─┘", '9': "┌─┐|└─┤|──┘", '-': "  |──|  ",
}

// lettering is a way of drawing a code.
type lettering uint8

const (
	plainLetters    lettering = iota // one row, as typed
	lineLetters                      // three rows of box lines
	slimHalfLetters                  // three rows of half blocks, three columns for a letter
	halfLetters                      // three rows of half blocks
	slimLetters                      // five rows of full blocks, three columns for a letter
	narrowLetters                    // five rows of full blocks
	wideLetters                      // the same with double upright strokes
	tallLetters                      // ten rows: each pixel is two columns and two rows
)

// blockLetters draws a code in one of the larger letterings, at most w columns wide; nil if it does not fit or contains
// another character.
func blockLetters(code string, how lettering, w int) []line {
	if len(code) > w {
		return nil
	}
	code = strings.ToUpper(code)
	rows := make([]string, 0, 10)
	for i, r := range code {
		glyph, ok := glyphOf(r, how)
		if !ok {
			return nil
		}
		for y, part := range glyph {
			if i == 0 {
				rows = append(rows, part)
				continue
			}
			rows[y] += gaps[how] + part
		}
	}
	if len(rows) == 0 || width(rows[0]) > w {
		return nil
	}
	out := make([]line, len(rows))
	for y, r := range rows {
		out[y] = toCells(r, Code)
	}
	return out
}

// gaps separate two letters by the width of an upright stroke.
var gaps = [...]string{lineLetters: " ", slimHalfLetters: " ", halfLetters: " ", slimLetters: " ", narrowLetters: " ", wideLetters: "  ", tallLetters: "  "}

func glyphOf(r rune, how lettering) ([]string, bool) {
	if how == lineLetters {
		g, ok := strokes[r]
		return strings.Split(g, "|"), ok
	}
	shapes := pixels
	if how == slimHalfLetters || how == slimLetters {
		shapes = slim
	}
	g, ok := shapes[r]
	rows := strings.Split(g, "|")
	switch how {
	case halfLetters, slimHalfLetters:
		rows = halfBlockRows(rows)
	case tallLetters:
		rows = doublePixels(rows)
		fallthrough
	case wideLetters:
		if how == wideLetters {
			for y := range rows {
				rows[y] = widen(rows[y])
			}
		}
		fallthrough
	default:
		for y := range rows {
			rows[y] = strings.ReplaceAll(rows[y], "#", "█")
		}
	}
	return rows, ok
}

// widen doubles the outer columns of a row of pixels, where the upright strokes are, or all columns of a letter with
// three or fewer.
func widen(row string) string {
	var b strings.Builder
	for x := range len(row) {
		b.WriteByte(row[x])
		if x == 0 || x == len(row)-1 || len(row) <= 3 {
			b.WriteByte(row[x])
		}
	}
	return b.String()
}

// doublePixels makes four pixels of each.
func doublePixels(rows []string) []string {
	var out []string
	for _, row := range rows {
		var b strings.Builder
		for _, p := range row {
			b.WriteRune(p)
			b.WriteRune(p)
		}
		out = append(out, b.String(), b.String())
	}
	return out
}

// halfBlockRows combines two rows of pixels into one of half blocks.
func halfBlockRows(rows []string) []string {
	ink := func(x, y int) bool { return y < len(rows) && rows[y][x] == '#' }
	var out []string
	for y := 0; y < len(rows); y += 2 {
		var b strings.Builder
		for x := range len(rows[0]) {
			switch up, low := ink(x, y), ink(x, y+1); {
			case up && low:
				b.WriteRune('█')
			case up:
				b.WriteRune('▀')
			case low:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		out = append(out, b.String())
	}
	return out
}
