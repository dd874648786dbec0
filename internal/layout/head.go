package layout

import "github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"

// head is the upper part of the body: the headline in pixel letters and the title, or the title alone; and a picture at the
// right.
type head struct {
	rows     []line
	headline bool
	picture  []line
	width    int // columns that are left for text beside the picture
}

// pictureGap separates the picture from the text, in columns.
const pictureGap = 4

// minBeside is the least width of text beside a picture, in columns.
const minBeside = 34

// size is a way to draw a headline or a picture.
type size uint8

const (
	none size = iota
	single
	double
)

// headSizes are the ways to draw the head, best first. The headline comes before the picture: it says more.
var headSizes = []struct{ headline, picture size }{
	{double, double}, {double, single}, {double, none}, {single, single}, {single, none}, {none, single}, {none, none},
}

// chooseHead returns the largest head beside which the rest of the body still has room to breathe.
func (d *drawing) chooseHead(w, room int) head {
	var h head
	for _, try := range headSizes {
		if (try.headline == double || try.picture == double) && d.f.H < hugeRows {
			continue
		}
		var ok bool
		if h, ok = d.headOf(try.headline, try.picture, w); !ok {
			continue
		}
		body := d.bodyHeight(d.comfortable(), h.width)
		if len(h.rows)+body <= room && len(h.picture) <= room {
			return h
		}
	}
	return h // the title alone: it is always possible
}

// headOf makes a head; ok is false if a part of it is not possible at this width.
func (d *drawing) headOf(headlineSize, pictureSize size, w int) (h head, ok bool) {
	h.width = w
	if pictureSize != none {
		h.picture = d.pictureRows(pictureSize == double)
		if h.picture == nil {
			return h, false
		}
		if h.width -= len(h.picture[0]) + pictureGap; h.width < minBeside {
			return h, false
		}
	}
	if headlineSize != none {
		if d.s.Headline == "" || headlineSize == single && !d.o.HalfBlocks {
			return h, false
		}
		h.rows = headline(d.s.Headline, h.width, headlineSize == double)
		if h.rows == nil {
			return h, false
		}
		h.headline = true
		h.rows = append(h.rows, nil)
		if d.s.Title == d.s.Headline {
			return h, true
		}
	}
	h.rows = append(h.rows, d.titleRows(h.width, h.headline)...)
	return h, true
}

// comfortable is the plan that a head must leave room for: nothing is left out, and nothing is larger than necessary.
func (d *drawing) comfortable() plan {
	p := d.fullPlan()
	p.lineGap, p.linkCode, p.pad = 0, false, min(p.pad, 2)
	p.letters = min(p.letters, wideLetters)
	return p
}

// titleRows returns the title as text. Without a headline the sign of the tone says without colour what the colour says.
func (d *drawing) titleRows(w int, below bool) []line {
	if below {
		return d.wrapText(d.s.Title, min(w, maxText), Strong)
	}
	st, sign := Title, ""
	switch d.s.Tone {
	case screen.Good:
		st, sign = TitleGood, "OK"
	case screen.Bad:
		st, sign = TitleBad, "X"
	case screen.Alert:
		st, sign = TitleAlert, "!"
	}
	if sign == "" {
		return d.wrapText(d.s.Title, min(w, maxText), st)
	}
	return d.withSign(toCells(sign, st), d.s.Title, st, min(w, maxText))
}

// drawPicture draws a picture at the right, in the middle of the rows of the body.
func (d *drawing) drawPicture(rows []line, y, end, height int) {
	if len(rows) == 0 {
		return
	}
	y += max(min(height, end-y)-len(rows), 0) / 2
	x := d.left + d.col - len(rows[0])
	for i, r := range rows {
		d.f.put(x, y+i, r)
	}
}
