package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// colour is one of the eight colours of a Linux console. Eight are all there are,
// and a bright one exists only as a bold foreground.
type colour uint8

const (
	black colour = iota
	red
	green
	brown
	blue
	magenta
	cyan
	white // grey, in truth; bold makes it white
)

// paint is how one style looks.
type paint struct {
	fg, bg colour
	bold   bool
}

// theme gives every style a look. Every pair has a contrast of 7:1 or more with
// the console's own palette (WCAG 1.4.6; a test computes it), except the empty part
// of the gauge, which is a ground.
type theme map[layout.Style]paint

var themes = map[string]theme{
	"dark": {
		layout.Text: {white, black, false}, layout.Strong: {white, black, true}, layout.Dim: {cyan, black, false},
		layout.Title: {white, blue, true}, layout.TitleGood: {black, cyan, false}, layout.TitleBad: {white, red, true}, layout.TitleAlert: {brown, blue, true},
		layout.Good: {green, black, true}, layout.Bad: {white, red, true}, layout.Alert: {brown, black, true},
		layout.Key: {black, white, false}, layout.KeyText: {white, black, true}, layout.Field: {white, blue, true},
		layout.Code: {white, black, true}, layout.Site: {black, white, false},
		layout.Bar: {cyan, black, true}, layout.BarRest: {cyan, black, false},
		layout.QRHalf: {white, black, true}, layout.QRLight: {black, white, false}, layout.QRDark: {white, black, false},
		layout.Overlay: {white, blue, true}, layout.OverlayTitle: {brown, blue, true},
	},
	"light": {
		// No bold black: the console shows it as dark grey, which is hard to read on grey.
		layout.Text: {black, white, false}, layout.Strong: {black, white, false}, layout.Dim: {black, white, false},
		layout.Title: {white, blue, true}, layout.TitleGood: {black, cyan, false}, layout.TitleBad: {white, red, true}, layout.TitleAlert: {brown, black, true},
		layout.Good: {black, cyan, false}, layout.Bad: {white, red, true}, layout.Alert: {brown, black, true},
		layout.Key: {white, blue, true}, layout.KeyText: {black, white, false}, layout.Field: {white, blue, true},
		layout.Code: {black, white, false}, layout.Site: {white, black, true},
		layout.Bar: {black, white, false}, layout.BarRest: {black, white, false},
		layout.QRHalf: {white, black, true}, layout.QRLight: {black, white, false}, layout.QRDark: {white, black, false},
		layout.Overlay: {white, blue, true}, layout.OverlayTitle: {brown, blue, true},
	},
	"mono": {
		layout.Text: {white, black, false}, layout.Strong: {white, black, true}, layout.Dim: {white, black, false},
		layout.Title: {black, white, false}, layout.TitleGood: {black, white, false}, layout.TitleBad: {black, white, false}, layout.TitleAlert: {black, white, false},
		layout.Good: {white, black, true}, layout.Bad: {black, white, false}, layout.Alert: {white, black, true},
		layout.Key: {black, white, false}, layout.KeyText: {white, black, true}, layout.Field: {white, black, true},
		layout.Code: {white, black, true}, layout.Site: {white, black, true},
		layout.Bar: {white, black, true}, layout.BarRest: {white, black, false},
		layout.QRHalf: {white, black, true}, layout.QRLight: {black, white, false}, layout.QRDark: {white, black, false},
		layout.Overlay: {black, white, false}, layout.OverlayTitle: {black, white, false},
	},
}

// Themes are the names of the themes, in order.
func Themes() []string {
	var names []string
	for n := range themes {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func themeNamed(name string) (theme, error) {
	if name == "" {
		name = "dark"
	}
	th, ok := themes[name]
	if !ok {
		return nil, fmt.Errorf("theme: %q is not one of %s", name, strings.Join(Themes(), ", "))
	}
	return th, nil
}

// style is a look in tcell's terms. On a terminal with sixteen colours or more
// a bold foreground is also asked for as a bright one, as emulators may show bold
// as weight only.
func (s *Screen) style(st layout.Style) tcell.Style {
	p := s.theme[st]
	fg := p.fg
	if p.bold && s.scr.Colors() >= 16 {
		fg += 8
	}
	return tcell.StyleDefault.Foreground(tcell.PaletteColor(int(fg))).Background(tcell.PaletteColor(int(p.bg))).Bold(p.bold)
}
