package tui

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"maps"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// Palette is the sixteen colours of a Linux console, by number. Backgrounds can only be the first eight.
type Palette [16]color.RGBA

// ConsolePalette is the Linux console's own (drivers/tty/vt/vt.c: default_red, _grn and _blu).
var ConsolePalette = Palette{
	{0, 0, 0, 255}, {170, 0, 0, 255}, {0, 170, 0, 255}, {170, 85, 0, 255},
	{0, 0, 170, 255}, {170, 0, 170, 255}, {0, 170, 170, 255}, {170, 170, 170, 255},
	{85, 85, 85, 255}, {255, 85, 85, 255}, {85, 255, 85, 255}, {255, 255, 85, 255},
	{85, 85, 255, 255}, {255, 85, 255, 255}, {85, 255, 255, 255}, {255, 255, 255, 255},
}

// colour is the number of a colour in a palette.
type colour uint8

// backgrounds is how many colours can be a background.
const backgrounds = 8

// LogoColours are the numbers of a theme's palette that a logo may fill with its own colours.
var LogoColours = [...]int{9, 10, 11, 12, 13, 14}

// The names of colours in theme files. The consoles' login prompts are colour 7 on colour 0, so these two must be
// readable together.
var (
	roles = map[string]colour{"ground": 0, "surface": 1, "cap": 2, "good": 3, "accent": 4, "bad": 5, "warning": 6, "muted": 7, "edge": 8, "text": 15}
	eight = map[string]colour{"black": 0, "red": 1, "green": 2, "brown": 3, "blue": 4, "magenta": 5, "cyan": 6, "grey": 7,
		"bright red": 9, "bright green": 10, "yellow": 11, "bright blue": 12, "bright magenta": 13, "bright cyan": 14, "white": 15}
)

// colours are the colours of one style.
type colours struct{ fg, bg colour }

// looks are the colours of every style.
type looks map[layout.Style]colours

// theme is how the screens look: in sixteen colours of our choice, where the palette can be set or the terminal has RGB
// colours, and in the eight that every console has. Each pair has a contrast of 7:1 or more (WCAG 1.4.6; a test computes
// it).
type theme struct {
	palette     Palette
	rich, plain looks
}

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
		return theme{}, fmt.Errorf("theme: %q is not one of %s", name, strings.Join(Themes(), ", "))
	}
	return parseTheme(name, b)
}

// parseTheme reads a palette, and looks such as "text on ground" by the names of their styles. Every colour and every style
// must have one.
func parseTheme(name string, b []byte) (theme, error) {
	var file struct {
		Palette map[string]string `json:"palette"`
		Styles  map[string]string `json:"styles"`
		Eight   map[string]string `json:"eight"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return theme{}, fmt.Errorf("theme %q: %w", name, err)
	}
	var th theme
	for role, number := range roles {
		c, err := ParseColour(file.Palette[role])
		if err != nil {
			return theme{}, fmt.Errorf("theme %q: colour %q: %w", name, role, err)
		}
		th.palette[number] = c
	}
	for _, number := range LogoColours {
		th.palette[number] = th.palette[roles["text"]]
	}
	var err error
	if th.rich, err = parseLooks(file.Styles, roles); err != nil {
		return theme{}, fmt.Errorf("theme %q: %w", name, err)
	}
	if th.plain, err = parseLooks(file.Eight, eight); err != nil {
		return theme{}, fmt.Errorf("theme %q: %w", name, err)
	}
	return th, nil
}

func parseLooks(texts map[string]string, names map[string]colour) (looks, error) {
	out := make(looks, layout.Styles)
	for st := range layout.Style(layout.Styles) {
		text, ok := texts[st.String()]
		if !ok {
			return nil, fmt.Errorf("style %q is missing", st)
		}
		c, err := parseColours(text, names)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", st, err)
		}
		out[st] = c
	}
	if len(texts) > len(out) {
		return nil, errors.New("unknown style")
	}
	return out, nil
}

// parseColours reads "FOREGROUND on BACKGROUND".
func parseColours(look string, names map[string]colour) (colours, error) {
	fore, back, ok := strings.Cut(look, " on ")
	if !ok {
		return colours{}, fmt.Errorf("%q is not of the form \"FOREGROUND on BACKGROUND\"", look)
	}
	var c colours
	for _, part := range []struct {
		name  string
		to    *colour
		limit colour
	}{{fore, &c.fg, colour(len(Palette{}))}, {back, &c.bg, backgrounds}} {
		number, ok := names[part.name]
		if !ok || number >= part.limit {
			return colours{}, fmt.Errorf("%q: a console has no %q there; allowed: %s", look, part.name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
		*part.to = number
	}
	return c, nil
}

// ParseColour reads an RGB colour in the form "#rrggbb".
func ParseColour(text string) (color.RGBA, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(text, "#"))
	if err != nil || len(b) != 3 || !strings.HasPrefix(text, "#") {
		return color.RGBA{}, fmt.Errorf("%q is not a colour of the form #rrggbb", text)
	}
	return color.RGBA{b[0], b[1], b[2], 255}, nil
}

// Look is how a theme shows a style: the numbers of its colours in the palette.
type Look struct{ Foreground, Background int }

// Theme returns the palette of a theme and the look of every style in it, for pictures. With plain it is the theme for
// consoles whose palette cannot be set. An unknown name is an error.
func Theme(name string, plain bool) (Palette, [layout.Styles]Look, error) {
	var out [layout.Styles]Look
	th, err := themeNamed(name)
	if err != nil {
		return Palette{}, out, err
	}
	palette, chosen := th.palette, th.rich
	if plain {
		palette, chosen = ConsolePalette, th.plain
	}
	for st, c := range chosen {
		out[st] = Look{int(c.fg), int(c.bg)}
	}
	return palette, out, nil
}
