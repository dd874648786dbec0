package tui

import (
	"image/color"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/console"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// A Linux console's palette is set by ioctl, never by an escape sequence: that would be shown as text by a terminal that does
// not know it. The palette belongs to all virtual terminals and outlives a killed program; the unit's ExecStopPost puts back
// what `kiosk console lock` had saved.

// depth is how colours get to the terminal.
type depth uint8

const (
	plainDepth   depth = iota // the eight colours that every terminal has
	paletteDepth              // sixteen colours, after the console's palette has been set
	rgbDepth                  // the palette's colours as RGB
)

// usePalette sets the console's palette to that of the theme and reports whether it could. It keeps the palette that was
// there for restorePalette.
func (s *Screen) usePalette(device string) bool {
	terminal, err := console.OpenTerminal(device)
	if err != nil {
		return false
	}
	defer terminal.Close()
	before, err := terminal.Palette()
	if err != nil || terminal.SetPalette(console.Palette(s.theme.palette)) != nil {
		return false
	}
	s.before = &before
	return true
}

// restorePalette puts back the palette that usePalette found, if it set one.
func (s *Screen) restorePalette(device string) {
	if s.before == nil {
		return
	}
	if terminal, err := console.OpenTerminal(device); err == nil {
		_ = terminal.SetPalette(*s.before)
		_ = terminal.Close()
	}
}

// style returns a look in tcell's terms.
func (s *Screen) style(st layout.Style) tcell.Style {
	if s.depth == plainDepth {
		return s.inColours(s.theme.plain[st])
	}
	return s.inColours(s.theme.rich[st])
}

// cellStyle returns the style of a cell, whose colours may be its own.
func (s *Screen) cellStyle(c layout.Cell) tcell.Style {
	if c.Style == layout.Logo {
		return s.inColours(colours{colour(c.Foreground), colour(c.Background)})
	}
	return s.style(c.Style)
}

// inColours returns two colours of the palette in tcell's terms. The upper eight are a bold foreground on a console; on
// terminals with sixteen colours or more they are requested as bright as well, because emulators may show bold as weight only.
func (s *Screen) inColours(c colours) tcell.Style {
	if s.depth == rgbDepth {
		return tcell.StyleDefault.Foreground(rgb(s.theme.palette[c.fg])).Background(rgb(s.theme.palette[c.bg]))
	}
	fg, bold := c.fg, c.fg >= backgrounds
	if bold && s.tcell.Colors() < 16 {
		fg -= backgrounds
	}
	return tcell.StyleDefault.Foreground(tcell.PaletteColor(int(fg))).Background(tcell.PaletteColor(int(c.bg))).Bold(bold)
}

func rgb(c color.RGBA) tcell.Color {
	return tcell.NewRGBColor(int32(c.R), int32(c.G), int32(c.B))
}
