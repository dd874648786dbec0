// Package picture draws a laid-out screen as a Linux console shows it: in the console's sixteen colours, with one of its fonts,
// pixel by pixel. Characters that the font lacks look as they do there.
//
// It is for documentation and tests (tools/pictures). The caller supplies the font: those of Debian's console-setup-linux have
// licences of their own and are not part of this module.
package picture

import (
	"image"
	"image/color"
	"image/draw"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
)

// gapColour is the number of the colour between the screens of a sheet, after the sixteen of the palette.
const gapColour = 16

var gap = color.RGBA{R: 64, G: 64, B: 96, A: 255}

// Options returns the layout options of a console with this font.
func Options(f *font.Font) layout.Options {
	o := layout.Options{Font: make(map[rune]bool)}
	for r := range f.Runes {
		o.Font[r] = true
	}
	o.HalfBlocks = o.Font['▀'] && o.Font['▄']
	return o
}

// Draw returns the picture of a frame in a palette, with the look of each style in it (tui.Theme). The cursor is an underline, as
// on a console.
func Draw(frame layout.Frame, colours tui.Palette, looks [layout.Styles]tui.Look, f *font.Font) *image.Paletted {
	var palette color.Palette
	for _, c := range colours {
		palette = append(palette, c)
	}
	palette = append(palette, gap)
	img := image.NewPaletted(image.Rect(0, 0, frame.W*f.Width, frame.H*f.Height), palette)
	bytesPerRow := (f.Width + 7) / 8
	for y := range frame.H {
		for x := range frame.W {
			c := frame.At(x, y)
			fg, bg := looks[c.Style].Foreground, looks[c.Style].Background
			if c.Style == layout.Logo {
				fg, bg = int(c.Foreground), int(c.Background)
			}
			glyph := glyphOf(c.Text, f)
			for py := range f.Height {
				for px := range f.Width {
					colour := bg
					if glyph != nil && glyph[py*bytesPerRow+px/8]&(0x80>>(px%8)) != 0 {
						colour = fg
					}
					if frame.Cursor && x == frame.CursorX && y == frame.CursorY && py >= f.Height-2 {
						colour = fg
					}
					img.SetColorIndex(x*f.Width+px, y*f.Height+py, uint8(colour))
				}
			}
		}
	}
	return img
}

// glyphOf returns the glyph of a cell's text. If the font lacks the character, it is the font's replacement character; without one,
// or for an empty text, it is nil.
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

// Sheet puts pictures of one theme side by side in columns, in one picture.
func Sheet(all []*image.Paletted, columns int) *image.Paletted {
	const space = 6
	w, h := 0, 0
	for _, p := range all {
		w, h = max(w, p.Bounds().Dx()), max(h, p.Bounds().Dy())
	}
	columns = max(min(columns, len(all)), 1)
	rows := (len(all) + columns - 1) / columns
	sheet := image.NewPaletted(image.Rect(0, 0, columns*(w+space)+space, rows*(h+space)+space), all[0].Palette)
	for i := range sheet.Pix {
		sheet.Pix[i] = gapColour
	}
	for i, p := range all {
		at := image.Pt(space+i%columns*(w+space), space+i/columns*(h+space))
		draw.Draw(sheet, p.Bounds().Add(at), p, image.Point{}, draw.Src)
	}
	return sheet
}
