package screen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
)

// consoleColours names the console's sixteen colours in the goldens of themes.
var consoleColours = [...]string{"black", "red", "green", "brown", "blue", "magenta", "cyan", "grey",
	"dark", "bright red", "bright green", "yellow", "bright blue", "bright magenta", "bright cyan", "white"}

// themedScenes show every tone and every part of a screen.
var themedScenes = []string{"identify-problem", "identify-keypad-phone", "waiting-connection-lost", "checking", "shown-page-2", "ended-declined", "shown-idle-prompt"}

// TestThemes compares the colours of each row with one golden file for each theme; the goldens of screens have no colours.
func TestThemes(t *testing.T) {
	all := languages(t)
	colours := map[string]string{}
	for _, theme := range tui.Themes() {
		var out strings.Builder
		for _, name := range themedScenes {
			sc, err := scenes.Named(name)
			if err != nil {
				t.Fatal(err)
			}
			f := layout.Draw(sc.View(all, 0), 40, 12, layout.Options{HalfBlocks: true})
			fmt.Fprintf(&out, "== %s\n", name)
			for y := range f.H {
				if runs := colourRuns(t, theme, f, y); runs != "" {
					fmt.Fprintf(&out, "%2d %s\n", y, runs)
				}
			}
		}
		colours[theme] = out.String()
		golden(t, "../themes/"+theme+".txt", out.String())
	}
	for a, x := range colours {
		for b, y := range colours {
			if a < b && x == y {
				t.Errorf("themes %s and %s look the same", a, b)
			}
		}
	}
}

// colourRuns describes row y of a frame: its texts and their colours. A blank row on the background of plain text is empty.
func colourRuns(t *testing.T, theme string, f layout.Frame, y int) string {
	t.Helper()
	look := func(st layout.Style) (fg, bg int) {
		fg, bg, err := tui.Look(theme, st)
		if err != nil {
			t.Fatal(err)
		}
		return fg, bg
	}
	_, plainBackground := look(layout.Text)
	type run struct {
		text   string
		fg, bg int // fg is -1 for blanks
	}
	var runs []run
	for x := range f.W {
		c := f.At(x, y)
		fg, bg := look(c.Style)
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
			descriptions = append(descriptions, fmt.Sprintf("%q %s on %s", text, consoleColours[r.fg], consoleColours[r.bg]))
		case r.bg != plainBackground:
			descriptions = append(descriptions, fmt.Sprintf("%d blanks on %s", len(r.text), consoleColours[r.bg]))
		}
	}
	return strings.Join(descriptions, ", ")
}
