// Package layout turns a screen.Screen into a grid of cells of a given size. It is pure, so screens of any size are
// tested without a terminal.
//
// Every text is cleaned here (Clean): a frame contains no control, direction or invisible character, and none that the
// console's font lacks. Package tui chooses colours and reads keys; package plain makes lines of text.
package layout

import (
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// Options say what the console can draw.
type Options struct {
	// HalfBlocks says that the font has U+2580 and U+2584, which QR codes and small block letters use. A Linux
	// console's font may lack them.
	HalfBlocks bool
	// FullGlyphs says that the font has all of Unicode, as in a terminal emulator. Otherwise texts use what every
	// console font has.
	FullGlyphs bool
	// Font is the set of characters of the console's font, beside ASCII; nil if unknown.
	Font map[rune]bool
	// Logos are the owner's logo in cells, in ascending sizes; nil without one.
	Logos [][][]Cell
}

// Draw lays a screen out on w columns and h rows. It accepts any size and content. From 40
// columns and 12 rows on, everything that the customer needs is there; below that, the title and the keys are.
func Draw(s screen.Screen, w, h int, o Options) Frame {
	f := newFrame(w, h)
	if w < 1 || h < 1 {
		return f
	}
	all := cleanScreen(s, o)
	once := all
	once.Keys = slices.DeleteFunc(slices.Clone(all.Keys), func(k screen.Key) bool { return k.TurnsPages })
	d := &drawing{f: f, s: once, o: o}
	d.draw(s)
	if d.paged { // draw again, with the key that turns pages
		d = &drawing{f: newFrame(w, h), s: all, o: o}
		d.draw(s)
	}
	d.f.replaceMissing(o)
	return d.f
}

func (d *drawing) draw(raw screen.Screen) {
	if raw.Link != nil {
		d.address = raw.Link.URL // replacements must not get into the QR code
	}
	d.measure()
	d.drawBar()
	d.drawKeys()
	d.drawBody()
	d.drawNotice()
}

// drawing is one call of Draw.
type drawing struct {
	f Frame
	s screen.Screen // cleaned
	o Options

	address string   // the address before cleaning, for the QR code only; empty if there is none or it is already drawn
	coded   [][]line // the QR code in several sizes
	beside  bool     // the QR code is to the right of the text

	paras map[paragraph][]line
	paged bool // the details have more than one page

	left, col int // first column and width of the text
	top       int // first row below the bar
	bottom    int // first row of the keys
}

// Sizes from which on there is more space. Twelve rows are the least for a complete screen: a 7-inch panel has 10 to 12
// rows if capitals are 4.9 mm high (EN 301 549 5.1.4, at 400 mm).
const (
	hugeRows   = 34 // from here: headlines and pictures twice as large
	largeRows  = 28 // from here: ten-row letters
	roomyRows  = 20 // from here: blank rows around the bar and the keys, five-row letters
	airyRows   = 16 // from here: a blank row above the keys
	barRows    = 8  // from here: the site's bar
	wideColumn = 56 // from here: labels beside values, wide letters
	maxText    = 72 // longer lines of text are hard to read
	maxColumn  = 132
)

func (d *drawing) measure() {
	w, h := d.f.W, d.f.H
	margin := 0
	switch {
	case w >= 100:
		margin = w / 12
	case w >= 72:
		margin = 6
	case w >= 30:
		margin = 1
	}
	d.col = min(w-2*margin, maxColumn)
	d.left = (w - d.col) / 2
	switch {
	case h >= roomyRows:
		d.top = 3
	case h >= barRows:
		d.top = 1
	}
	d.bottom = h
}

// drawBar draws the site's name, and the aside beside it: on row 0 or, with a blank row around it, on row 1. If the two do not
// fit, the aside becomes a line of the body.
func (d *drawing) drawBar() {
	asLine := d.s.Aside != "" && (d.top == 0 || width(d.s.Site)+besideGap+width(d.s.Aside) > d.col)
	if asLine {
		d.s.Lines = append(slices.Clip(d.s.Lines), d.s.Aside)
	}
	if d.top == 0 {
		return
	}
	row := d.top / 2
	d.f.fill(0, 0, d.f.W, row+1, Site)
	d.f.put(d.left, row, toCells(truncate(d.s.Site, d.col), Site))
	if !asLine {
		aside := toCells(d.s.Aside, Site)
		d.f.put(d.left+d.col-len(aside), row, aside)
	}
}

// drawKeys draws the keys on a band on the last rows, in the given order.
func (d *drawing) drawKeys() {
	rows, spots := d.keyRows(d.s.Keys, d.col)
	// On a small screen one row is kept for the title.
	if most := max(d.f.H-d.top-1, 1); len(rows) > most {
		rows = rows[:most]
	}
	foot := 0
	if d.f.H >= roomyRows {
		foot = 1 // many screens hide their last row
	}
	d.bottom = d.f.H - len(rows) - foot
	first := d.bottom
	if d.f.H >= airyRows && len(rows) > 0 {
		d.bottom--
	}
	if len(rows) > 0 {
		d.f.fill(0, d.bottom, d.f.W, d.f.H-d.bottom, KeyText)
	}
	for i, r := range rows {
		d.f.put(d.left, first+i, r)
	}
	for _, t := range spots {
		if t.Y < len(rows) {
			t.X, t.Y = t.X+d.left, t.Y+first
			d.f.Targets = append(d.f.Targets, t)
		}
	}
}

func rule(w int) line {
	l := make(line, max(w, 0))
	for i := range l {
		l[i] = Cell{Text: "─", Style: Dim, Width: 1}
	}
	return l
}

// keyColumns is the width from which on each key has its own place.
const keyColumns = 36

// keyRows returns the rows of keys and their touch targets. Each key has the same place on every screen: help at the
// bottom left, cancel at the bottom right, the main key above on the left, the language above on the right. On a narrow
// screen they follow one another.
func (d *drawing) keyRows(keys []screen.Key, w int) (rows []line, spots []Target) {
	if w < keyColumns {
		return d.keyFlow(keys, w)
	}
	var help, out, language *screen.Key
	var on []*screen.Key
	for i := range keys {
		switch k := &keys[i]; k.Does {
		case kiosk.HelpKey:
			help = k
		case kiosk.EscapeKey:
			out = k
		case kiosk.TabKey:
			language = k
		default:
			on = append(on, k)
		}
	}
	var pairs [][2]*screen.Key
	for ; len(on) > 1; on = on[2:] {
		pairs = append(pairs, [2]*screen.Key{on[0], on[1]})
	}
	if len(on) > 0 {
		pairs = append(pairs, [2]*screen.Key{on[0], language})
	} else {
		pairs = append(pairs, [2]*screen.Key{nil, language})
	}
	pairs = append(pairs, [2]*screen.Key{help, out})
	const apart = 1     // the next key's cap separates them as well
	right := w * 7 / 12 // texts on the left are usually longer
	for _, p := range pairs {
		if p[0] == nil && p[1] == nil {
			continue
		}
		if d.f.H >= roomyRows && len(rows) > 0 {
			rows = append(rows, nil) // a gap between caps makes them easier to touch
		}
		var row line
		for i, k := range p {
			if k == nil {
				continue
			}
			one, x := keyLine(*k, w), i*right
			x = max(min(x, w-len(one)), 0)
			if len(row) > 0 && len(row)+apart > x { // they do not fit side by side
				rows, row = append(rows, row), nil
			}
			if len(one) > w { // wider than the screen: its text continues below
				folded := d.keyFolded(*k, w)
				spots = append(spots, Target{Y: len(rows), W: w, H: len(folded), Key: *k})
				rows = append(rows, folded...)
				continue
			}
			spots = append(spots, Target{X: x, Y: len(rows), W: len(one), H: 1, Key: *k})
			row = join(row.pad(x, KeyText), one)
		}
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	return rows, spots
}

// keyLine returns a key with its text.
func keyLine(k screen.Key, w int) line {
	return join(toCells(" "+truncate(k.Cap, w-2)+" ", Key), toCells(" ", KeyText), toCells(k.Text, KeyText))
}

// keyFlow fills rows with keys in the given order, three columns apart.
func (d *drawing) keyFlow(keys []screen.Key, w int) (rows []line, spots []Target) {
	const apart = 3
	var cur line
	for _, k := range keys {
		one := keyLine(k, w)
		switch {
		case len(cur) > 0 && len(cur)+apart+len(one) <= w:
			spots = append(spots, Target{X: len(cur) + apart, Y: len(rows), W: len(one), H: 1, Key: k})
			cur = join(cur, blanks(apart, KeyText), one)
			continue
		case len(cur) > 0:
			rows = append(rows, cur)
			cur = nil
		}
		if len(one) <= w {
			spots = append(spots, Target{Y: len(rows), W: len(one), H: 1, Key: k})
			cur = one
			continue
		}
		// A key wider than the screen: its text continues below.
		folded := d.keyFolded(k, w)
		spots = append(spots, Target{Y: len(rows), W: w, H: len(folded), Key: k})
		rows = append(rows, folded...)
	}
	if len(cur) > 0 {
		rows = append(rows, cur)
	}
	return rows, spots
}

func (d *drawing) keyFolded(k screen.Key, w int) []line {
	cap := toCells(" "+truncate(k.Cap, w-2)+" ", Key)
	indent := len(cap) + 1
	if w-indent < 8 { // too narrow for a hanging indent
		indent = 0
	}
	var rows []line
	for i, l := range d.wrapText(k.Text, w-indent, KeyText) {
		switch {
		case indent == 0:
			if i == 0 {
				rows = append(rows, cap)
			}
			rows = append(rows, l)
		case i == 0:
			rows = append(rows, join(cap, blanks(1, KeyText), l))
		default:
			rows = append(rows, join(blanks(indent, KeyText), l))
		}
	}
	return rows
}

// cleanScreen returns a copy of a screen in which every string is clean.
func cleanScreen(s screen.Screen, o Options) screen.Screen {
	clean := func(t string) string { return clean(t, o) }
	s.Aside, s.Headline, s.Languages = clean(s.Aside), clean(s.Headline), clean(s.Languages)
	s.Site, s.Title, s.Code, s.SpelledCode = clean(s.Site), clean(s.Title), clean(s.Code), clean(s.SpelledCode)
	s.Warning, s.Paging = clean(s.Warning), clean(s.Paging)
	if s.Notice != nil {
		s.Notice = &screen.Notice{Title: clean(s.Notice.Title), Text: clean(s.Notice.Text)}
	}
	if e := s.Entry; e != nil {
		s.Entry = &screen.Entry{Label: clean(e.Label), Text: clean(e.Text), Example: clean(e.Example), Problem: clean(e.Problem)}
	}
	if s.Gauge != nil {
		s.Gauge = &screen.Gauge{Part: s.Gauge.Part, Text: clean(s.Gauge.Text)}
	}
	if s.Link != nil {
		s.Link = &screen.Link{URL: clean(s.Link.URL), Caption: clean(s.Link.Caption), Optional: s.Link.Optional}
	}
	lines := make([]string, 0, len(s.Lines))
	for _, l := range s.Lines {
		lines = append(lines, clean(l))
	}
	steps := make([]screen.ListStep, 0, len(s.Steps))
	for _, st := range s.Steps {
		steps = append(steps, screen.ListStep{Text: clean(st.Text), State: st.State})
	}
	details := make([]kiosk.Field, 0, len(s.Details))
	for _, f := range s.Details {
		details = append(details, kiosk.Field{Label: clean(f.Label), Value: clean(f.Value), Big: f.Big})
	}
	keys := make([]screen.Key, 0, len(s.Keys))
	for _, k := range s.Keys {
		k.Cap, k.Text = clean(k.Cap), clean(k.Text)
		keys = append(keys, k)
	}
	s.Lines, s.Steps, s.Details, s.Keys = lines, steps, details, keys
	return s
}
