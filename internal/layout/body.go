package layout

import (
	"slices"
	"strings"
)

// piece is a part of the body: rows, and perhaps the cursor in one of them.
type piece struct {
	rows       []line
	cursor     bool
	cx, cy     int
	withoutGap bool     // follows the piece before it without a gap
	targets    []Target // touch targets, relative to the piece
}

// plan is the space and the content of the body. It is tightened until everything fits.
type plan struct {
	gap      int // blank rows between pieces
	lineGap  int // blank rows between sentences
	letters  lettering
	spelt    speltAt
	gauge    int  // rows: 2 bar above words, 1 side by side, 0 none
	boxed    bool // a frame around the entry field
	label    bool // the label above the entry field
	example  bool // the example below it
	pad      int  // size of the keypad's keys
	lines    int  // number of sentences
	flowing  bool // sentences form one paragraph
	warning  bool
	steps    bool
	linkCode bool // QR code below the text
	linkText bool // the address as text
}

type speltAt uint8

const (
	speltNowhere   speltAt = iota
	speltWithGauge         // on one row with the words of the gauge, without its bar
	speltTied              // directly below the block letters
	speltBelow             // below them with a gap
)

func (d *drawing) fullPlan() plan {
	p := plan{gap: 1, letters: d.smallLetters(), spelt: speltTied, gauge: 1, lines: len(d.s.Lines), warning: true, steps: true,
		linkCode: true, linkText: true, label: true, example: true, pad: len(padSizes) - 1}
	if d.f.H >= airyRows {
		p.boxed, p.letters = true, wideLetters
	}
	if d.f.H >= largeRows {
		p.letters = tallLetters
	}
	if d.f.H >= roomyRows {
		p.gauge, p.lineGap, p.spelt = 2, 1, speltBelow
	}
	return p
}

func (d *drawing) smallLetters() lettering {
	if d.o.HalfBlocks {
		return halfLetters
	}
	return lineLetters
}

// tightenings are in the order from what is pleasant to what is needed most. Content is dropped in the order of
// screen.Screen from the bottom, except that the warning outlives all sentences but the first: it must not be missed.
var tightenings = []func(p *plan, d *drawing) bool{
	func(p *plan, _ *drawing) bool { return clearFlag(&p.linkCode) },
	func(p *plan, _ *drawing) bool { return p.pad > 1 && decrement(&p.pad) },
	func(p *plan, _ *drawing) bool { return decrement(&p.lineGap) },
	func(p *plan, _ *drawing) bool { return p.gauge == 2 && decrement(&p.gauge) },
	func(p *plan, _ *drawing) bool { return lower(&p.spelt, speltTied) },
	func(p *plan, d *drawing) bool { return d.s.Keypad != nil && setZero(&p.lines) }, // the keys need room between them
	func(p *plan, _ *drawing) bool { return decrement(&p.gap) },
	func(p *plan, _ *drawing) bool { return lower(&p.letters, wideLetters) },
	func(p *plan, d *drawing) bool { return lower(&p.letters, d.smallLetters()) },
	func(p *plan, _ *drawing) bool { return clearFlag(&p.boxed) },
	func(p *plan, d *drawing) bool { return d.timeFitsBesideCode() && lower(&p.spelt, speltWithGauge) },
	func(p *plan, d *drawing) bool {
		was := p.flowing
		p.flowing = true
		return !was
	},
	func(p *plan, _ *drawing) bool { return decrement(&p.pad) },
	func(p *plan, _ *drawing) bool { return clearFlag(&p.linkText) },
	func(p *plan, _ *drawing) bool { return clearFlag(&p.steps) },
	func(p *plan, _ *drawing) bool { return p.lines > 1 && decrement(&p.lines) },
	func(p *plan, _ *drawing) bool { return clearFlag(&p.warning) },
	func(p *plan, _ *drawing) bool { return decrement(&p.lines) },
	func(p *plan, d *drawing) bool { return d.s.Keypad != nil && clearFlag(&p.example) },
	func(p *plan, d *drawing) bool { return d.s.Keypad != nil && clearFlag(&p.label) },
	func(p *plan, _ *drawing) bool { return decrement(&p.gauge) },
	func(p *plan, _ *drawing) bool { return lower(&p.spelt, speltNowhere) },
	func(p *plan, _ *drawing) bool { return lower(&p.letters, plainLetters) },
}

// relaxations restore, the most useful first, what a later tightening has made room for.
var relaxations = []func(p *plan, full plan){
	func(p *plan, full plan) { p.letters = full.letters },
	func(p *plan, full plan) { p.pad = full.pad },
	func(p *plan, full plan) { p.boxed = full.boxed },
	func(p *plan, full plan) { p.gap = full.gap },
	func(p *plan, full plan) { p.gauge = full.gauge },
	func(p *plan, full plan) { p.lineGap = full.lineGap },
	func(p *plan, full plan) { p.spelt = full.spelt },
}

// choosePlan returns the most comfortable plan that fits into room rows.
func (d *drawing) choosePlan(w, room int) plan {
	full := d.fullPlan()
	p := full
	for i := 0; d.bodyHeight(p, w) > room && i < len(tightenings); {
		if !tightenings[i](&p, d) {
			i++
		}
	}
	for _, relax := range relaxations {
		q := p
		relax(&q, full)
		if d.bodyHeight(q, w) <= room {
			p = q
		}
	}
	return p
}

func lower[T ~uint8](v *T, to T) bool {
	if *v <= to {
		return false
	}
	*v = to
	return true
}

func clearFlag(b *bool) bool { was := *b; *b = false; return was }

func setZero(n *int) bool { was := *n; *n = 0; return was != 0 }

func decrement(n *int) bool {
	if *n == 0 {
		return false
	}
	*n--
	return true
}

// drawBody draws title and content between the bar and the keys, in the optical middle: two fifths of the free rows are above.
func (d *drawing) drawBody() {
	y, end := d.top, d.bottom
	if d.f.H >= airyRows {
		end-- // a gap above the keys
	}
	w := d.col
	if side := d.codeBeside(y, end); side != nil {
		w = side.textWidth
		for i, r := range side.rows {
			d.f.put(side.x, side.y+i, r)
		}
		d.address, d.beside = "", true
	}
	end = d.drawLanguages(w, end)
	room := end - y - d.reserve()
	h := d.chooseHead(w, room)
	if h.headline {
		d.f.Headline = d.s.Headline
	}
	p := d.choosePlan(h.width, room-len(h.rows))
	if d.s.Notice == nil { // else the title stays above it
		y += max(room-len(h.rows)-d.steadyHeight(p, h.width), 0) * 2 / 5
	}
	d.drawPicture(h.picture, y, end, len(h.rows)+d.bodyHeight(p, h.width))
	for i, r := range h.rows[:min(len(h.rows), max(end-y, 1))] {
		d.f.put(d.left, y+i, r)
	}
	d.drawPieces(p, h.width, y+len(h.rows), end)
}

// reserve returns the rows that are kept free while somebody waits, so that nothing moves when the warning appears.
func (d *drawing) reserve() int {
	if d.s.Gauge == nil || d.s.Warning != "" || d.f.H < roomyRows {
		return 0
	}
	return 2
}

// drawLanguages draws the names of the languages above the keys, and returns the row where the body ends. On a small screen
// they are a line of the body.
func (d *drawing) drawLanguages(w, end int) int {
	if d.s.Languages == "" {
		return end
	}
	if d.f.H < airyRows {
		d.s.Lines = append(slices.Clip(d.s.Lines), d.s.Languages)
		return end
	}
	rows := d.wrapText(d.s.Languages, w, Dim)
	for i, r := range rows {
		d.f.put(d.left, end-len(rows)+i, r)
	}
	return end - len(rows) - 1
}

// steadyHeight returns the rows of the body without what comes and goes while somebody types: nothing moves then.
func (d *drawing) steadyHeight(p plan, w int) int {
	if e := d.s.Entry; e != nil {
		steady := *d
		entry := *e
		entry.Problem = ""
		steady.s.Entry = &entry
		d = &steady
	}
	n := d.bodyHeight(p, w)
	if len(d.s.Details) > 0 {
		n += d.onePageHeight(p, w) - d.leastDetails(w, p)
	}
	return n
}

// withSign returns a paragraph with a hanging sign.
func (d *drawing) withSign(sign line, text string, st Style, w int) []line {
	sign = join(sign, blanks(1, st))
	if w-len(sign) < 8 {
		return d.wrapText(text, w, st)
	}
	rows := slices.Clone(d.wrapText(text, w-len(sign), st))
	for i := range rows {
		if i == 0 {
			rows[i] = join(sign, rows[i])
			continue
		}
		rows[i] = join(blanks(len(sign), st), rows[i])
	}
	return rows
}

// fixedPieces returns the pieces other than details and warning, from top to bottom. Details come between sentences and link
// and take the remaining room.
func (d *drawing) fixedPieces(p plan, w int) (above, below []piece) {
	add := func(to *[]piece, pc piece) {
		if len(pc.rows) > 0 {
			*to = append(*to, pc)
		}
	}
	if d.s.Entry != nil {
		add(&above, d.entryPiece(*d.s.Entry, w, p))
	}
	if d.s.Keypad != nil {
		add(&above, padPiece(*d.s.Keypad, padSizes[p.pad], w))
	}
	for _, pc := range d.codePieces(p, w) {
		add(&above, pc)
	}
	if d.s.Gauge != nil && p.gauge > 0 && p.spelt != speltWithGauge {
		add(&above, piece{rows: d.gaugeRows(*d.s.Gauge, w, p.gauge)})
	}
	for _, pc := range d.sentences(d.s.Lines[:min(p.lines, len(d.s.Lines))], p, w) {
		add(&above, pc)
	}
	if p.steps {
		add(&above, piece{rows: d.stepRows(d.s.Steps, w, p.lineGap)})
	}
	if d.s.Link != nil {
		add(&below, d.linkPiece(p, w))
	}
	return above, below
}

// totalHeight returns the rows of pieces with the gaps between them.
func totalHeight(ps []piece, gap int) int {
	n := 0
	for _, pc := range ps {
		n += len(pc.rows)
		if !pc.withoutGap {
			n += gap
		}
	}
	return n
}

// sentences returns the screen's lines. Only the first is strong.
func (d *drawing) sentences(lines []string, p plan, w int) []piece {
	w = min(w, maxText)
	if p.flowing && len(lines) > 1 {
		all := lines[0]
		for _, t := range lines[1:] {
			if !strings.HasSuffix(all, ".") && !strings.HasSuffix(all, "!") && !strings.HasSuffix(all, "?") {
				all += " -"
			}
			all += " " + t
		}
		return []piece{{rows: emphasized(d.wrapText(all, w, Text), lines[0])}}
	}
	var ps []piece
	for i, t := range lines {
		st := Text
		if i == 0 {
			st = Strong
		}
		ps = append(ps, piece{rows: d.wrapText(t, w, st), withoutGap: i > 0 && p.lineGap == 0})
	}
	return ps
}

// emphasized returns a copy of a paragraph in which the first sentence is strong. Line breaks do not matter: only what
// is not blank is compared.
func emphasized(rows []line, first string) []line {
	left := 0
	for _, c := range toCells(first, Text) {
		if c.Text != " " {
			left++
		}
	}
	out := make([]line, len(rows))
	for y, r := range rows {
		out[y] = slices.Clone(r)
		for x := range out[y] {
			if left > 0 && out[y][x].Text != " " {
				out[y][x].Style = Strong
				left--
			}
		}
	}
	return out
}

// bodyHeight returns the rows of the body below the title with a plan. Details count with their minimum, because they have
// pages.
func (d *drawing) bodyHeight(p plan, w int) int {
	above, below := d.fixedPieces(p, w)
	n := totalHeight(above, p.gap) + totalHeight(below, p.gap)
	if least := d.leastDetails(w, p); least > 0 {
		n += least + p.gap
	}
	if warn := d.warningRows(p, w); len(warn) > 0 {
		n += len(warn) + p.gap
	}
	return n
}

// warningRows returns the warning with its sign.
func (d *drawing) warningRows(p plan, w int) []line {
	if !p.warning || d.s.Warning == "" {
		return nil
	}
	return d.withSign(toCells(" ! ", Alert), d.s.Warning, Alert, w)
}

// drawPieces draws the body from row y to row end. The warning is always at the bottom, so that nothing moves when it
// appears.
func (d *drawing) drawPieces(p plan, w, y, end int) {
	if warn := d.warningRows(p, w); len(warn) > 0 {
		end -= len(warn)
		for i, r := range warn {
			if end+i >= y {
				d.f.put(d.left, end+i, r)
			}
		}
		end -= p.gap
	}
	above, below := d.fixedPieces(p, w)
	rest := end - y - totalHeight(above, p.gap) - totalHeight(below, p.gap) - p.gap
	for _, pc := range slices.Concat(above, []piece{d.detailsPiece(p, w, rest)}, below) {
		if len(pc.rows) == 0 {
			continue
		}
		if !pc.withoutGap {
			y += p.gap
		}
		for _, t := range pc.targets {
			if t.Y += y; t.Y < end {
				t.X += d.left
				d.f.Targets = append(d.f.Targets, t)
			}
		}
		for i, r := range pc.rows {
			if y >= end {
				return
			}
			d.f.put(d.left, y, r)
			if pc.cursor && pc.cy == i && d.s.Notice == nil {
				d.f.Cursor, d.f.CursorX, d.f.CursorY = true, min(d.left+pc.cx, d.f.W-1), y
			}
			y++
		}
	}
}
