package layout

import (
	"github.com/rivo/uniseg"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Style is the meaning of a cell. A theme gives it colours.
type Style uint8

// The styles.
const (
	Text          Style = iota // ordinary sentences and empty cells
	Strong                     // what matters within the text
	Dim                        // examples, labels
	Headline                   // pixel letters
	Title                      // the title as text
	TitleGood                  // the same after a success
	TitleBad                   // the same after an ending without a result
	TitleAlert                 // the same if something needs attention
	Good                       // a step that is done
	Bad                        // the sign of a problem with the entry
	Alert                      // a warning
	Picture                    // a picture's lines
	PictureAccent              // its part in the accent colour
	PictureGood                // its part that says: good
	PictureBad                 // its part that says: not good
	PictureAlert               // its part that says: attention
	Logo                       // the owner\'s logo, in the colours of each cell
	Key                        // the cap of a key, with a blank on either side
	KeyText                    // what a key does, and the band of keys
	CardText                   // text on a card
	CardStrong                 // what matters on a card
	Field                      // the inside of the entry field
	Code                       // the code's block letters
	Site                       // the bar at the top
	Bar                        // the filled part of the gauge
	BarRest                    // its empty part
	QRHalf                     // QR code in half blocks: light glyphs on a dark ground
	QRLight                    // QR code without glyphs: a blank on a light ground
	QRDark                     // the same on a dark ground
	Overlay                    // the notice that covers everything
	OverlayTitle               // its title

	// Styles is the number of styles.
	Styles int = iota
)

var styles = [Styles]string{"text", "strong", "dim", "headline", "title", "titlegood", "titlebad", "titlealert", "good", "bad", "alert",
	"picture", "pictureaccent", "picturegood", "picturebad", "picturealert", "logo", "key", "keytext", "cardtext", "cardstrong", "field", "code",
	"site", "bar", "barrest", "qrhalf", "qrlight", "qrdark", "overlay", "overlaytitle"}

// String returns the name of the style, for tests and themes.
func (s Style) String() string {
	if int(s) >= Styles {
		return "style?"
	}
	return styles[s]
}

// Cell is one position on the screen.
type Cell struct {
	Text  string // one grapheme without control characters; a blank if empty
	Style Style
	Width int // columns: 1 or 2; 0 is the right half of the wide cell before it

	// With the style Logo: the numbers of two colours of the palette.
	Foreground, Background uint8
}

// Frame is a whole screen, ready to be painted. Every row has exactly W columns.
type Frame struct {
	W, H  int
	Cells []Cell // row by row

	// Headline is the text that is drawn in letters of pixels; empty if none is.
	Headline string

	// Targets can be touched, see Hit.
	Targets []Target

	// Cursor says whether a cursor is visible, in column CursorX of row CursorY.
	Cursor           bool
	CursorX, CursorY int
}

// Target is the rectangle of cells in which a touch means a key.
type Target struct {
	X, Y, W, H int
	Key        screen.Key
}

// A touch this many columns and rows beside a target still hits it. A row of a small panel is three millimetres high, a
// fingertip ten.
const (
	besideColumns = 2
	besideRows    = 1
)

// Hit returns the key at column x of row y, or the nearest one beside it.
func (f Frame) Hit(x, y int) (screen.Key, bool) {
	best, found := 0, -1
	for i, t := range f.Targets {
		dx, dy := distanceOutside(x, t.X, t.W), distanceOutside(y, t.Y, t.H)
		if dx > besideColumns || dy > besideRows {
			continue
		}
		// A cell is about twice as high as it is wide.
		if far := dx + 2*dy; found < 0 || far < best {
			best, found = far, i
		}
	}
	if found < 0 {
		return screen.Key{}, false
	}
	return f.Targets[found].Key, true
}

// distanceOutside returns the distance of v from the n positions that begin at from; 0 inside.
func distanceOutside(v, from, n int) int { return max(from-v, v-(from+n-1), 0) }

// At returns the cell in column x of row y; a blank outside the frame.
func (f Frame) At(x, y int) Cell {
	if x < 0 || y < 0 || x >= f.W || y >= f.H {
		return blank(Text)
	}
	return f.Cells[y*f.W+x]
}

// Nearest is At; outside the frame it is a blank of the nearest cell's style, so that bands reach the edge.
func (f Frame) Nearest(x, y int) Cell {
	inX, inY := min(max(x, 0), f.W-1), min(max(y, 0), f.H-1)
	if inX == x && inY == y || f.W < 1 || f.H < 1 {
		return f.At(x, y)
	}
	return blank(f.At(inX, inY).Style)
}

func newFrame(w, h int) Frame {
	f := Frame{W: max(w, 0), H: max(h, 0)}
	f.Cells = make([]Cell, f.W*f.H)
	for i := range f.Cells {
		f.Cells[i] = blank(Text)
	}
	return f
}

func blank(s Style) Cell { return Cell{Text: " ", Style: s, Width: 1} }

// put writes a line at column x of row y. Cells outside are dropped; a wide cell that does not fit becomes a blank.
func (f *Frame) put(x, y int, l line) {
	if y < 0 || y >= f.H {
		return
	}
	for _, c := range l {
		switch {
		case x < 0 || x >= f.W:
		case c.Width == 2 && x+1 >= f.W, c.Width == 0 && x == 0:
			f.set(x, y, blank(c.Style))
		default:
			f.set(x, y, c)
		}
		x++
	}
}

// set writes one cell. If it overwrites half of a wide cell, the other half becomes a blank.
func (f *Frame) set(x, y int, c Cell) {
	i := y*f.W + x
	switch old := f.Cells[i]; {
	case old.Width == 0 && x > 0:
		f.Cells[i-1] = blank(f.Cells[i-1].Style)
	case old.Width == 2 && x+1 < f.W:
		f.Cells[i+1] = blank(old.Style)
	}
	f.Cells[i] = c
}

// fill fills a rectangle with blanks.
func (f *Frame) fill(x, y, w, h int, s Style) {
	for row := y; row < y+h; row++ {
		f.put(x, row, blanks(w, s))
	}
}

// line is a row of cells; its length is its width in columns.
type line []Cell

// toCells converts a clean string to cells.
func toCells(s string, st Style) line {
	var l line
	state := -1
	for s != "" {
		var g string
		var w int
		g, s, w, state = uniseg.FirstGraphemeClusterInString(s, state)
		if w < 1 { // cleaning leaves none
			continue
		}
		l = append(l, Cell{Text: g, Style: st, Width: min(w, 2)})
		if w > 1 {
			l = append(l, Cell{Style: st})
		}
	}
	return l
}

func blanks(n int, st Style) line {
	l := make(line, max(n, 0))
	for i := range l {
		l[i] = blank(st)
	}
	return l
}

// join concatenates lines.
func join(parts ...line) line {
	var l line
	for _, p := range parts {
		l = append(l, p...)
	}
	return l
}

// pad fills a line with blanks up to a width.
func (l line) pad(w int, st Style) line { return join(l, blanks(w-len(l), st)) }
