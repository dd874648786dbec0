package layout

import (
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/qr"
)

// An address is drawn as a QR code beside the text if there is room, else below it, else only as text. Half blocks make it a
// quarter of the size; without them it is drawn in background colours, which need no glyphs.

const (
	besideGap  = 3  // columns between text and code
	besideText = 30 // usual width of the text beside a code
	narrowText = 22 // its least width: every word of the first screen fits in each language
)

// codeBesideText is a QR code to the right of the text.
type codeBesideText struct {
	rows      []line
	x, y      int
	textWidth int
}

// codeBeside finds a place for the QR code to the right of the text, between rows top and end; nil if there is none.
func (d *drawing) codeBeside(top, end int) *codeBesideText {
	if d.address == "" {
		return nil
	}
	for _, least := range []int{besideText, narrowText} {
		if found := d.codeBesideOf(top, end, least); found != nil {
			return found
		}
	}
	return nil
}

// codeBesideOf leaves the text at least a number of columns.
func (d *drawing) codeBesideOf(top, end, least int) *codeBesideText {
	right := d.f.W - max(d.left/2, 1)
	var found *codeBesideText
	for _, rows := range d.codes() {
		w, h := len(rows[0]), len(rows)
		text := right - w - besideGap - d.left
		if text < least || h > end-top {
			continue
		}
		b := &codeBesideText{rows: rows, x: right - w, y: top, textWidth: min(text, d.col)}
		if d.s.Code == "" || blockLetters(d.s.Code, slimLetters, b.textWidth) != nil {
			return b // the code can be typed as well, so it stays large
		}
		if found == nil {
			found = b
		}
	}
	return found
}

// codes returns the possible drawings of the QR code, best first. They are made once for a frame: a small processor
// takes milliseconds for one.
func (d *drawing) codes() [][]line {
	if d.coded == nil && d.address != "" {
		d.coded = d.encode()
		if d.coded == nil {
			d.address = ""
		}
	}
	return d.coded
}

func (d *drawing) encode() [][]line {
	code, err := qr.Encode(d.address)
	if err != nil {
		return nil // the text is enough
	}
	style := qr.BackgroundColors
	if d.o.HalfBlocks {
		style = qr.HalfBlocks
	}
	return [][]line{qrRows(code.WithQuiet(qr.FullQuiet), style), qrRows(code.WithQuiet(qr.MinQuiet), style)}
}

func qrRows(code qr.Code, style qr.Style) []line {
	var rows []line
	for _, cells := range code.Cells(style) {
		l := make(line, len(cells))
		for x, c := range cells {
			l[x] = Cell{Text: string(c.Glyph), Style: QRHalf, Width: 1}
			switch {
			case style == qr.BackgroundColors && c.Light:
				l[x].Style = QRLight
			case style == qr.BackgroundColors:
				l[x].Style = QRDark
			}
		}
		rows = append(rows, l)
	}
	return rows
}

// linkPiece returns the caption, the QR code unless it is beside the text, and the address as text.
func (d *drawing) linkPiece(p plan, w int) piece {
	var rows []line
	if p.linkCode && d.address != "" {
		for _, r := range d.codes() {
			if len(r[0]) <= w {
				rows = append(rows, r...)
				break
			}
		}
	}
	switch {
	case d.s.Link.Optional:
		if d.beside && p.linkText || len(rows) > 0 { // it refers to the picture
			rows = append(d.wrapText(d.s.Link.Caption, w, Text), rows...)
		}
	case p.linkText:
		rows = append(d.wrapText(d.s.Link.Caption, w, Text), append(rows, wrapAddress(d.s.Link.URL, w, Dim)...)...)
	}
	return piece{rows: rows}
}

// HasQRCode reports whether a QR code is drawn.
func (f Frame) HasQRCode() bool {
	return slices.ContainsFunc(f.Cells, func(c Cell) bool { return c.Style == QRHalf || c.Style == QRLight || c.Style == QRDark })
}
