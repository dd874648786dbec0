// Package picture draws a laid-out screen as a Linux console shows it: in the console's sixteen colours and with one of
// its fonts, pixel by pixel. It is for documentation and tests. Fonts are read from the system, because those of
// Debian's console-setup-linux have their own licenses.
package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
)

// Palette is the Linux console's (drivers/tty/vt/vt.c: default_red, _grn, _blu), with one more colour for the space
// between screens.
var Palette = color.Palette{
	color.RGBA{A: 255}, color.RGBA{R: 170, A: 255}, color.RGBA{G: 170, A: 255}, color.RGBA{R: 170, G: 85, A: 255},
	color.RGBA{B: 170, A: 255}, color.RGBA{R: 170, B: 170, A: 255}, color.RGBA{G: 170, B: 170, A: 255}, color.RGBA{R: 170, G: 170, B: 170, A: 255},
	color.RGBA{R: 85, G: 85, B: 85, A: 255}, color.RGBA{R: 255, G: 85, B: 85, A: 255}, color.RGBA{R: 85, G: 255, B: 85, A: 255}, color.RGBA{R: 255, G: 255, B: 85, A: 255},
	color.RGBA{R: 85, G: 85, B: 255, A: 255}, color.RGBA{R: 255, G: 85, B: 255, A: 255}, color.RGBA{R: 85, G: 255, B: 255, A: 255}, color.RGBA{R: 255, G: 255, B: 255, A: 255},
	color.RGBA{R: 64, G: 64, B: 96, A: 255},
}

const between = 16 // index in Palette of the space between screens

// Options returns what layout can draw on a console with this font.
func Options(f *font.Font) layout.Options {
	o := layout.Options{Font: make(map[rune]bool)}
	for r := range f.Runes {
		o.Font[r] = true
	}
	o.HalfBlocks = o.Font['▀'] && o.Font['▄']
	return o
}

// Draw returns the picture of a frame in a theme. The cursor is an underline, as on a console. An unknown theme is an
// error.
func Draw(f layout.Frame, theme string, with *font.Font) (*image.Paletted, error) {
	var looks [layout.Styles][2]int
	for st := range looks {
		fg, bg, err := tui.Look(theme, layout.Style(st))
		if err != nil {
			return nil, fmt.Errorf("picture: %w", err)
		}
		looks[st] = [2]int{fg, bg}
	}
	img := image.NewPaletted(image.Rect(0, 0, f.W*with.Width, f.H*with.Height), Palette)
	for y := range f.H {
		for x := range f.W {
			c := f.At(x, y)
			fg, bg := looks[c.Style][0], looks[c.Style][1]
			glyph := glyphOf(c.Text, with)
			for py := range with.Height {
				for px := range with.Width {
					ink := bg
					if glyph != nil && glyph[py*((with.Width+7)/8)+px/8]&(0x80>>(px%8)) != 0 {
						ink = fg
					}
					if f.Cursor && x == f.CursorX && y == f.CursorY && py >= with.Height-2 {
						ink = fg
					}
					img.SetColorIndex(x*with.Width+px, y*with.Height+py, uint8(ink))
				}
			}
		}
	}
	return img, nil
}

// glyphOf returns what a console shows for a cell's text: the font's replacement for a missing character, or nil.
func glyphOf(text string, f *font.Font) []byte {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return nil
	}
	for _, r := range []rune{first, '\ufffd', '?'} {
		if i, ok := f.Runes[r]; ok {
			return f.Glyphs[i]
		}
	}
	return nil
}

// Sheet arranges pictures in columns.
func Sheet(all []*image.Paletted, columns int) *image.Paletted {
	const gap = 6
	w, h := 0, 0
	for _, p := range all {
		w, h = max(w, p.Bounds().Dx()), max(h, p.Bounds().Dy())
	}
	columns = max(min(columns, len(all)), 1)
	rows := (len(all) + columns - 1) / columns
	sheet := image.NewPaletted(image.Rect(0, 0, columns*(w+gap)+gap, rows*(h+gap)+gap), Palette)
	for i := range sheet.Pix {
		sheet.Pix[i] = between
	}
	for i, p := range all {
		at := image.Pt(gap+i%columns*(w+gap), gap+i/columns*(h+gap))
		draw.Draw(sheet, p.Bounds().Add(at), p, image.Point{}, draw.Src)
	}
	return sheet
}
