package tui

import (
	"image"

	"github.com/ciba-kiosk/ciba-kiosk/internal/console"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/logo"
)

// logoSizes are the largest sizes of a logo in columns and rows, as those of the pictures: for usual and for huge screens.
var logoSizes = [...][2]int{{26, 8}, {52, 16}}

// Logos returns the owner's logo in the sizes that package layout can place, and the palette with the logo's own colours. With
// plain it is drawn in the colours that every console has.
func Logos(img image.Image, p Palette, plain bool) ([][][]layout.Cell, Palette) {
	use := logo.Palette{Colours: p, Backgrounds: backgrounds, Ground: int(roles["ground"])}
	if !plain {
		use.Free = LogoColours[:]
	}
	var all [][][]layout.Cell
	for _, size := range logoSizes {
		w, h := logo.Fit(img, size[0], size[1])
		var rows [][]layout.Cell
		var cells [][]logo.Cell
		cells, use = logo.Draw(img, w, h, use)
		use.Free = nil // both sizes share the colours of the first
		for _, from := range cells {
			var row []layout.Cell
			for _, c := range from {
				row = append(row, layout.Cell{Text: string(c.Glyph), Style: layout.Logo, Width: 1, Foreground: c.Foreground, Background: c.Background})
			}
			rows = append(rows, row)
		}
		all = append(all, rows)
	}
	return all, use.Colours
}

// drawLogo prepares the owner's logo, if there is one and the font has half blocks. On a console it sets the logo's colours in the
// palette.
func (s *Screen) drawLogo(img image.Image) {
	if img == nil || !s.opts.HalfBlocks {
		return
	}
	if s.depth == plainDepth {
		s.opts.Logos, _ = Logos(img, ConsolePalette, true)
		return
	}
	s.opts.Logos, s.theme.palette = Logos(img, s.theme.palette, false)
	if s.depth == paletteDepth {
		if terminal, err := console.OpenTerminal(s.device); err == nil {
			_ = terminal.SetPalette(console.Palette(s.theme.palette))
			_ = terminal.Close()
		}
	}
}
