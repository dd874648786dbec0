package screen_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// consoleColours are the console's sixteen, as they are called in the goldens of themes.
var consoleColours = [...]string{"black", "red", "green", "brown", "blue", "magenta", "cyan", "grey",
	"dark", "bright red", "bright green", "yellow", "bright blue", "bright magenta", "bright cyan", "white"}

// themedScenes show every mood and every kind of thing on a screen.
var themedScenes = []string{"identify-problem", "identify-keypad-phone", "waiting-lost", "checking", "shown-page-2", "ended-declined", "shown-still-there"}

// TestThemes is where themes differ, which the goldens of screens do not show: what stands
// in which colours, row by row. One file a theme. Runs of blanks count to their ground.
func TestThemes(t *testing.T) {
	all, names := translations(t)
	colour := map[string]string{}
	for _, theme := range tui.Themes() {
		var out strings.Builder
		for _, name := range themedScenes {
			i := slices.IndexFunc(scenes(), func(sc scene) bool { return sc.name == name })
			if i < 0 {
				t.Fatalf("there is no scene %q", name)
			}
			sc := scenes()[i]
			sc.at.Languages, sc.s.Rules.Languages = names, len(all)
			f := layout.Draw(screen.View(sc.s, noon, all[0], sc.p, sc.at), 40, 12, layout.Options{HalfBlocks: true})
			fmt.Fprintf(&out, "== %s\n", name)
			for y := range f.H {
				if runs := lookRuns(t, theme, f, y); runs != "" {
					fmt.Fprintf(&out, "%2d %s\n", y, runs)
				}
			}
		}
		colour[theme] = out.String()
		golden(t, "../themes/"+theme+".txt", out.String())
	}
	for a, x := range colour {
		for b, y := range colour {
			if a < b && x == y {
				t.Errorf("themes %s and %s look the same", a, b)
			}
		}
	}
}

// lookRuns is row y of a frame: its texts and what colours they are in. Nothing is said of
// a blank row in the ground of plain text.
func lookRuns(t *testing.T, theme string, f layout.Frame, y int) string {
	t.Helper()
	look := func(st layout.Style) (fg, bg int) {
		fg, bg, err := tui.Look(theme, st)
		if err != nil {
			t.Fatal(err)
		}
		return fg, bg
	}
	_, plainGround := look(layout.Text)
	type run struct {
		text   string
		fg, bg int // fg is -1 while there is nothing but blanks
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
	var said []string
	for _, r := range runs {
		switch text := strings.Join(strings.Fields(r.text), " "); {
		case text != "":
			said = append(said, fmt.Sprintf("%q %s on %s", text, consoleColours[r.fg], consoleColours[r.bg]))
		case r.bg != plainGround:
			said = append(said, fmt.Sprintf("%d blanks on %s", len(r.text), consoleColours[r.bg]))
		}
	}
	return strings.Join(said, ", ")
}
