package tui

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// colour is one of the eight colours of a Linux console. A bright colour exists only as a bold foreground.
type colour uint8

const (
	black colour = iota
	red
	green
	brown
	blue
	magenta
	cyan
	white // grey; bold makes it white
)

// colourNames are the names in theme files.
var colourNames = [...]string{"black", "red", "green", "brown", "blue", "magenta", "cyan", "grey"}

// colours are the colours of one style.
type colours struct {
	fg, bg colour
	bold   bool
}

// theme has a look for every style, each with a contrast of 7:1 or more in the console's palette (WCAG 1.4.6; a test
// computes it).
//
// The palette could be changed by an escape sequence (OSC P), but that would outlive a killed program, change the login
// prompts of other consoles, and block terminals that do not know it. Eight colours are enough for 7:1.
type theme map[layout.Style]colours

// themeFiles has a file for each theme, with a line for each layout.Style.
//
//go:embed themes/*.json
var themeFiles embed.FS

// Themes returns the names of the themes, in order.
func Themes() []string {
	files, _ := themeFiles.ReadDir("themes") // embedded: it cannot fail
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".json")
	}
	slices.Sort(names)
	return names
}

// themeNamed returns a theme; the empty name is "dark".
func themeNamed(name string) (theme, error) {
	if name == "" {
		name = "dark"
	}
	b, err := themeFiles.ReadFile("themes/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("theme: %q is not one of %s", name, strings.Join(Themes(), ", "))
	}
	return parseTheme(name, b)
}

// parseTheme reads looks such as "white on blue" by the names of their styles. Every style must have one.
func parseTheme(name string, b []byte) (theme, error) {
	var looks map[string]string
	if err := json.Unmarshal(b, &looks); err != nil {
		return nil, fmt.Errorf("theme %q: %w", name, err)
	}
	th := make(theme, layout.Styles)
	for st := range layout.Style(layout.Styles) {
		look, ok := looks[st.String()]
		if !ok {
			return nil, fmt.Errorf("theme %q: style %q is missing", name, st)
		}
		p, err := parseColours(look)
		if err != nil {
			return nil, fmt.Errorf("theme %q: %s: %w", name, st, err)
		}
		th[st] = p
	}
	if len(looks) > len(th) {
		return nil, fmt.Errorf("theme %q: unknown style", name)
	}
	return th, nil
}

// parseColours reads "FOREGROUND on BACKGROUND". A foreground may be bright; "white" is bright grey and "yellow" bright
// brown.
func parseColours(look string) (colours, error) {
	fore, back, ok := strings.Cut(look, " on ")
	if !ok {
		return colours{}, fmt.Errorf("%q is not of the form \"white on blue\"", look)
	}
	var p colours
	switch fore {
	case "white":
		fore = "bright grey"
	case "yellow":
		fore = "bright brown"
	}
	fore, p.bold = strings.CutPrefix(fore, "bright ")
	for _, c := range []struct {
		name string
		to   *colour
	}{{fore, &p.fg}, {back, &p.bg}} {
		i := slices.Index(colourNames[:], c.name)
		if i < 0 {
			return colours{}, fmt.Errorf("%q: a console has no %q; allowed: %s, and as a foreground white, yellow or a bright one", look, c.name, strings.Join(colourNames[:], ", "))
		}
		*c.to = colour(i)
	}
	return p, nil
}

// Look returns how a theme shows a style on a Linux console, as the numbers of two of its sixteen colours, for
// pictures. An unknown theme is an error.
func Look(name string, st layout.Style) (foreground, background int, err error) {
	th, err := themeNamed(name)
	if err != nil {
		return 0, 0, err
	}
	p := th[st]
	foreground = int(p.fg)
	if p.bold {
		foreground += 8
	}
	return foreground, int(p.bg), nil
}

// style returns a look in tcell's terms. On terminals with sixteen colours or more, a bold foreground is also requested
// as bright, because emulators may show bold as weight only.
func (s *Screen) style(st layout.Style) tcell.Style {
	p := s.theme[st]
	fg := p.fg
	if p.bold && s.tcell.Colors() >= 16 {
		fg += 8
	}
	return tcell.StyleDefault.Foreground(tcell.PaletteColor(int(fg))).Background(tcell.PaletteColor(int(p.bg))).Bold(p.bold)
}
