package screen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
)

// The names of colours in the goldens: of a console's own sixteen, and of a theme's.
var (
	consoleColours = [...]string{"black", "red", "green", "brown", "blue", "magenta", "cyan", "grey",
		"dark", "bright red", "bright green", "yellow", "bright blue", "bright magenta", "bright cyan", "white"}
	themeColours = [...]string{0: "ground", 1: "surface", 2: "cap", 3: "good", 4: "accent", 5: "bad", 6: "warning", 7: "muted", 8: "edge", 15: "text"}
)

// themedScenes show every tone and every part of a screen.
var themedScenes = []string{"identify-problem", "identify-keypad-phone", "waiting-connection-lost", "checking", "shown-page-2", "ended-declined", "shown-idle-prompt"}

// TestThemes compares the colours of each row with golden files, one for each theme and one for its form in eight colours; the
// goldens of screens have no colours.
func TestThemes(t *testing.T) {
	all := languages(t)
	for _, theme := range tui.Themes() {
		for form, plain := range map[string]bool{"": false, "-eight": true} {
			palette, looks, err := tui.Theme(theme, plain)
			if err != nil {
				t.Fatal(err)
			}
			names := themeColours
			if plain {
				names = consoleColours
			}
			var out strings.Builder
			if !plain {
				for i, name := range names {
					if name != "" {
						fmt.Fprintf(&out, "%s #%02x%02x%02x\n", name, palette[i].R, palette[i].G, palette[i].B)
					}
				}
			}
			for _, name := range themedScenes {
				sc, err := scenes.Named(name)
				if err != nil {
					t.Fatal(err)
				}
				f := layout.Draw(sc.View(all, 0), 40, 12, layout.Options{HalfBlocks: true})
				fmt.Fprintf(&out, "== %s\n", name)
				for y := range f.H {
					if runs := colourRuns(f, y, looks, names); runs != "" {
						fmt.Fprintf(&out, "%2d %s\n", y, runs)
					}
				}
			}
			golden(t, "../themes/"+theme+form+".txt", out.String())
		}
	}
}

// colourRuns describes row y of a frame: its texts and their colours. A blank row on the background of plain text is empty.
func colourRuns(f layout.Frame, y int, looks [layout.Styles]tui.Look, names [16]string) string {
	plainBackground := looks[layout.Text].Background
	type run struct {
		text   string
		fg, bg int // fg is -1 for blanks
	}
	var runs []run
	for x := range f.W {
		c := f.At(x, y)
		fg, bg := looks[c.Style].Foreground, looks[c.Style].Background
		text := c.Text
		if strings.TrimSpace(text) == "" {
			fg, text = -1, " "
		}
		if n := len(runs) - 1; n >= 0 && runs[n].bg == bg && (fg < 0 || runs[n].fg < 0 || runs[n].fg == fg) {
			runs[n].text += text
			runs[n].fg = max(runs[n].fg, fg)
			continue
		}
		runs = append(runs, run{text, fg, bg})
	}
	var descriptions []string
	for _, r := range runs {
		switch text := strings.Join(strings.Fields(r.text), " "); {
		case text != "":
			descriptions = append(descriptions, fmt.Sprintf("%q %s on %s", text, names[r.fg], names[r.bg]))
		case r.bg != plainBackground:
			descriptions = append(descriptions, fmt.Sprintf("%d blanks on %s", len(r.text), names[r.bg]))
		}
	}
	return strings.Join(descriptions, ", ")
}
