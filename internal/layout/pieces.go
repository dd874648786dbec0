package layout

import (
	"math"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// entryPiece returns the field with its label above and one line below: the problem if there is one, else the example.
func (d *drawing) entryPiece(e screen.Entry, w int, p plan) piece {
	var rows []line
	if p.label {
		rows = d.wrapText(e.Label, w, Dim)
	}
	inner := max(w-4, 1)                                 // frame and a blank on each side
	text, cutOff := lastColumns(e.Text, max(inner-1, 1)) // one place for the cursor
	if cutOff {
		text, _ = lastColumns(e.Text, max(inner-2, 1))
		text = "«" + text
	}
	field := join(blanks(1, Field), toCells(text, Field))
	pc := piece{cursor: true, cx: 1 + len(field), cy: len(rows)}
	field = field.pad(inner+2, Field)
	side := line{{Text: "│", Style: Field, Width: 1}}
	if p.boxed {
		pc.cy++
		rows = append(rows, boxEdge(w, "┌", "┐", Field), join(side, field, side), boxEdge(w, "└", "┘", Field))
	} else {
		rows = append(rows, join(side, field, side))
	}
	switch {
	case e.Problem != "":
		rows = append(rows, d.withSign(toCells(" ! ", Bad), e.Problem, Strong, w)...)
	case e.Example != "" && p.example:
		rows = append(rows, d.wrapText(e.Example, w, Dim)...)
	}
	pc.rows = rows
	return pc
}

// cardMargin is how many columns a card has on either side of its text.
const cardMargin = 3

// card puts rows on a surface of their own, w columns wide, with a margin around them.
func card(rows []line, w int) []line {
	out := make([]line, 0, len(rows)+2)
	out = append(out, blanks(w, CardText))
	for _, r := range rows {
		l := blanks(cardMargin, CardText)
		for _, c := range r {
			switch c.Style {
			case Text, Dim:
				c.Style = CardText
			case Strong:
				c.Style = CardStrong
			case Headline:
				c.Style = Code
			}
			l = append(l, c)
		}
		out = append(out, l.pad(w, CardText))
	}
	return append(out, blanks(w, CardText))
}

func boxEdge(w int, l, r string, st Style) line {
	edge := rule(w)
	for i := range edge {
		edge[i].Style = st
	}
	if w >= 2 {
		edge[0].Text, edge[w-1].Text = l, r
	}
	return edge
}

// codePieces returns the code in block letters and letter by letter: on a card if there is room.
func (d *drawing) codePieces(p plan, w int) []piece {
	if d.s.Code == "" {
		return nil
	}
	if p.boxed {
		if rows := d.codeRows(p, w-2*cardMargin); len(rows) >= minCardRows {
			return d.codeCard(rows, p, min(w, maxText))
		}
	}
	rows := d.codeRows(p, w)
	if len(rows) == 1 && p.spelt > speltWithGauge && d.s.SpelledCode != "" && width(d.s.SpelledCode) <= w {
		return []piece{{rows: d.wrapText(d.s.SpelledCode, w, Headline)}} // block letters do not fit: once is enough
	}
	ps := []piece{{rows: inStyle(rows, Headline)}}
	switch p.spelt {
	case speltBelow, speltTied:
		ps = append(ps, piece{rows: d.wrapText(d.spelt(), w, Strong), withoutGap: p.spelt == speltTied})
	case speltWithGauge:
		ps = append(ps, piece{rows: []line{d.codeAndTimeRow(w)}, withoutGap: true})
	}
	return ps
}

// minCardRows is the height from which on letters are on a card; smaller ones need the card's margin themselves.
const minCardRows = 5

// codeCard returns a code in block letters on a card. Letter by letter it is in the card's lower margin.
func (d *drawing) codeCard(rows []line, p plan, w int) []piece {
	rows = card(rows, w)
	if p.spelt == speltWithGauge {
		return []piece{{rows: rows}, {rows: []line{d.codeAndTimeRow(w)}, withoutGap: true}}
	}
	if p.spelt > speltWithGauge {
		below := card(d.wrapText(d.spelt(), w-2*cardMargin, Dim), w)
		rows = slices.Concat(rows[:len(rows)-1], below[1:len(below)-1])
	}
	return []piece{{rows: rows}}
}

// inStyle returns a copy of rows in another style.
func inStyle(rows []line, st Style) []line {
	out := make([]line, len(rows))
	for y, r := range rows {
		out[y] = slices.Clone(r)
		for x := range out[y] {
			out[y][x].Style = st
		}
	}
	return out
}

func (d *drawing) spelt() string {
	if d.s.SpelledCode == "" {
		return d.s.Code
	}
	return d.s.SpelledCode
}

// timeFitsBesideCode reports whether the code letter by letter and the time left fit on one row.
func (d *drawing) timeFitsBesideCode() bool {
	return d.s.Code != "" && d.s.Gauge != nil && width(d.spelt())+3+width(d.s.Gauge.Text) <= d.col
}

// codeAndTimeRow returns the code letter by letter and the time left on one row.
func (d *drawing) codeAndTimeRow(w int) line {
	left, right := toCells(d.spelt(), Strong), toCells(d.s.Gauge.Text, Text)
	return join(left.pad(w-len(right), Text), right)
}

// codeRows returns the code in the largest letters that the plan allows and that fit.
func (d *drawing) codeRows(p plan, w int) []line {
	for how := p.letters; how > plainLetters; how-- {
		if (how == halfLetters || how == slimHalfLetters) && !d.o.HalfBlocks {
			continue
		}
		if rows := blockLetters(d.s.Code, how, w); rows != nil {
			return rows
		}
	}
	if rows := headline(d.s.Code, w, false); rows != nil && p.letters >= wideLetters && d.o.HalfBlocks {
		return inStyle(rows, Code) // words that the server chose
	}
	return d.wrapText(d.s.Code, w, Code)
}

// gaugeRows returns the time left as a bar and as words.
func (d *drawing) gaugeRows(g screen.Gauge, w, rows int) []line {
	st := Text
	if d.s.Code == "" { // the time is the most important part
		st = Strong
	}
	barWidth := min(w, 48)
	if rows == 2 {
		return append([]line{gaugeBar(g.Part, barWidth)}, d.wrapText(g.Text, w, st)...)
	}
	// Side by side. The width of the bar does not depend on the words, or it would grow when the number loses a digit.
	text := toCells(g.Text, st)
	barWidth = w / 3
	if len(text)+2+barWidth > w {
		return d.wrapText(g.Text, w, st)
	}
	return []line{join(gaugeBar(g.Part, barWidth), blanks(2, Text), text)}
}

func gaugeBar(part float64, w int) line {
	if !(part > 0) { // also for NaN
		part = 0
	}
	full := int(math.Ceil(min(part, 1) * float64(w)))
	l := make(line, w)
	for i := range l {
		l[i] = Cell{Text: "░", Style: BarRest, Width: 1}
		if i < full {
			l[i] = Cell{Text: "█", Style: Bar, Width: 1}
		}
	}
	return l
}

// stepRows returns the list of steps. Signs differ, not only colours.
func (d *drawing) stepRows(steps []screen.ListStep, w, air int) []line {
	var rows []line
	for i, s := range steps {
		if i > 0 {
			rows = append(rows, make([]line, air)...)
		}
		sign, st := toCells("· ", Dim), Dim
		switch s.State {
		case screen.Done:
			sign, st = toCells("OK", Good), Text
		case screen.Doing:
			sign, st = toCells("→ ", Strong), Strong
		}
		rows = append(rows, d.withSign(sign, s.Text, st, w)...)
	}
	return rows
}

// drawNotice draws the overlay in the middle of the body; the keys stay visible.
func (d *drawing) drawNotice() {
	n := d.s.Notice
	if n == nil {
		return
	}
	edge, air := 2, 0
	if d.f.H >= roomyRows {
		edge, air = 4, 1
	}
	w := min(d.col, 60)
	inner := max(w-2*edge, 1)
	rows := d.wrapText(n.Title, inner, OverlayTitle)
	if air > 0 && n.Text != "" {
		rows = append(rows, nil)
	}
	rows = append(rows, d.wrapText(n.Text, inner, Overlay)...)
	room := d.bottom - d.top
	framed := room >= len(rows)+2
	high := len(rows)
	if framed {
		high += 2
	}
	if air > 0 && room >= high+2 {
		high += 2
	} else {
		air = 0
	}
	high = min(high, room)
	x, y := d.left+(d.col-w)/2, d.top+(room-high)/2
	d.f.fill(x-2, y-air, w+4, high+2*air, Text) // a margin around the frame
	d.f.fill(x, y, w, high, Overlay)
	if framed {
		side := line{{Text: "│", Style: Overlay, Width: 1}}
		for i := 1; i < high-1; i++ {
			d.f.put(x, y+i, side)
			d.f.put(x+w-1, y+i, side)
		}
		d.f.put(x, y, boxEdge(w, "┌", "┐", Overlay))
		d.f.put(x, y+high-1, boxEdge(w, "└", "┘", Overlay))
		air++
	}
	for i, r := range rows {
		if air+i < high {
			d.f.put(x+edge, y+air+i, r)
		}
	}
}
