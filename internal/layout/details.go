package layout

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// The customer's data: label and value side by side in a wide column, else one below the other; in pages if necessary.

// fieldRows returns the rows of one field.
func (d *drawing) fieldRows(i, w int) []line {
	f := d.s.Details[i]
	if rows := d.bigRows(i, w); rows != nil {
		return rows
	}
	if w < wideColumn {
		rows := d.wrapText(f.Label, w, Dim)
		value := d.wrapText(f.Value, w, Strong)
		// Short ones share a row, so that three fields fit on twelve rows.
		if len(rows) == 1 && len(value) == 1 && len(rows[0])+2+len(value[0]) <= w && w < 30 {
			return []line{join(rows[0], blanks(2, Text), value[0])}
		}
		return append(rows, value...)
	}
	lw := d.labelWidth(w)
	label, value := d.wrapText(f.Label, lw, Dim), d.wrapText(f.Value, w-lw-3, Strong)
	rows := make([]line, max(len(label), len(value)))
	for y := range rows {
		if y < len(label) {
			rows[y] = label[y]
		}
		if y < len(value) {
			rows[y] = join(rows[y].pad(lw+3, Text), value[y])
		}
	}
	return rows
}

// bigRows returns a big field: its label above its value in letters of pixels; nil if it is none, or if they do not fit.
func (d *drawing) bigRows(i, w int) []line {
	f := d.s.Details[i]
	if !f.Big || !d.o.HalfBlocks || d.f.H < roomyRows {
		return nil
	}
	value := headline(f.Value, w, false)
	if value == nil || len(value) > maxBigRows {
		return nil
	}
	return slices.Concat(d.wrapText(f.Label, w, Dim), []line{nil}, value)
}

// maxBigRows is the height of one line of pixel letters with a mark above and a descender below.
const maxBigRows = 6

// labelWidth returns the width of the widest label, at most a third of the column.
func (d *drawing) labelWidth(w int) int {
	lw := 0
	for _, f := range d.s.Details {
		if !f.Big {
			lw = max(lw, width(f.Label))
		}
	}
	return min(lw, w/3)
}

// leastDetails returns the minimum of rows for the details: the tallest field, within reason, and the page number.
func (d *drawing) leastDetails(w int, p plan) int {
	if len(d.s.Details) == 0 {
		return 0
	}
	all, tallest := 0, 0
	for i := range d.s.Details {
		n := len(d.fieldRows(i, w))
		all, tallest = all+n, max(tallest, n)
	}
	if p.gap == 0 {
		return min(all, tallest+1, 4)
	}
	return min(all, 8) // with gaps between the pieces, a page has at least eight rows
}

// detailsPiece returns the selected page: on a card if there is room.
func (d *drawing) detailsPiece(p plan, w, room int) piece {
	if !d.detailsOnCard(p, w) {
		return d.details(p, w, room)
	}
	pc := d.details(p, w-2*cardMargin, room-2)
	if len(pc.rows) > 0 {
		pc.rows = card(pc.rows, w)
	}
	return pc
}

func (d *drawing) detailsOnCard(p plan, w int) bool {
	return p.boxed && d.f.H >= roomyRows && w-2*cardMargin >= wideColumn && len(d.s.Details) > 0
}

// onePageHeight returns the rows of all details together.
func (d *drawing) onePageHeight(p plan, w int) int {
	if d.detailsOnCard(p, w) {
		return len(d.pages(w-2*cardMargin, math.MaxInt32, p.lineGap)[0]) + 2
	}
	return len(d.pages(w, math.MaxInt32, p.lineGap)[0])
}

// details returns the selected page with its number.
func (d *drawing) details(p plan, w, room int) piece {
	if len(d.s.Details) == 0 || room < 1 {
		return piece{}
	}
	for _, air := range []int{p.lineGap, 0} {
		if pages := d.pages(w, room, air); len(pages) == 1 {
			return piece{rows: pages[0]}
		}
	}
	d.paged = true
	foot := 1 + p.gap
	if room <= foot {
		foot = 0
	}
	pages := d.pages(w, room-foot, 0)
	page := d.s.Page % len(pages)
	if page < 0 {
		page += len(pages)
	}
	rows := pages[page]
	if foot > 0 {
		// The page number has the same position on the last, shorter page.
		for len(rows) < room-1 {
			rows = append(rows, nil)
		}
		rows = append(rows, toCells(truncate(d.paging(page, len(pages)), w), Dim))
	}
	return piece{rows: rows}
}

func (d *drawing) paging(page, pages int) string {
	text := d.s.Paging
	if text == "" {
		text = "{page} / {pages}"
	}
	return strings.NewReplacer("{page}", strconv.Itoa(page+1), "{pages}", strconv.Itoa(pages)).Replace(text)
}

// pages fills pages of room rows with whole fields. A field taller than a page continues on the next. There is at least
// one page.
func (d *drawing) pages(w, room, air int) [][]line {
	room = max(room, 1)
	var pages [][]line
	var cur []line
	turn := func() {
		if len(cur) > 0 {
			pages = append(pages, cur)
		}
		cur = nil
	}
	for i := range d.s.Details {
		rows := d.fieldRows(i, w)
		gap := air
		if len(cur) == 0 {
			gap = 0
		}
		if len(cur)+gap+len(rows) > room {
			turn()
			gap = 0
		}
		for range gap {
			cur = append(cur, nil)
		}
		for len(rows) > room {
			pages = append(pages, rows[:room:room])
			rows = rows[room:]
		}
		cur = append(cur, rows...)
	}
	turn()
	if len(pages) == 0 {
		return [][]line{nil}
	}
	return pages
}
