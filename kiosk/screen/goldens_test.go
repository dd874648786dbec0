package screen_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/plain"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenSizes are terminal sizes in columns and rows: the smallest one that shows everything, two of small panels with large
// letters, and a large one.
var goldenSizes = []struct{ w, h int }{{40, 12}, {64, 18}, {80, 24}, {100, 30}}

// TestScreens draws every scene in every language and size, as a console with the kernel's own font shows it, and compares it
// with one golden file for each scene. It also checks that nothing is cut off, that the font has every character, that keys
// are in their usual places, and that the text read aloud is the text drawn.
func TestScreens(t *testing.T) {
	all := languages(t)
	for _, sc := range scenes.All() {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			for _, size := range goldenSizes {
				for i, c := range all {
					view := sc.View(all, i)
					frame := layout.Draw(view, size.w, size.h, layout.Options{HalfBlocks: true})
					got := scenes.Frame(frame)
					fmt.Fprintf(&out, "== %dx%d %s\n%s", size.w, size.h, c.Language(), got)
					for _, problem := range slices.Concat(spokenDifferences(view, got+frame.Headline, size.h), undrawable(got), misplacedKeys(frame)) {
						t.Errorf("%dx%d %s: %s\n%s", size.w, size.h, c.Language(), problem, got)
					}
				}
			}
			golden(t, sc.Name+".txt", out.String())
		})
	}
}

// spokenDifferences compares the words of plain.Say with the words of a frame, in both directions. So it also finds text that
// was cut off or left out for lack of room.
func spokenDifferences(sc screen.Screen, frame string, rows int) (problems []string) {
	spoken := plain.Say(sc)
	frame = strings.NewReplacer("│", " ", "┌", " ", "┐", " ", "└", " ", "┘", " ", "─", " ", "├", " ", "┤", " ", "┬", " ", "┴", " ").Replace(frame)
	drawn := wordSet(strings.NewReplacer("[", " ", "]", " ").Replace(frame))
	drawnTogether := strings.Join(strings.Fields(frame), "")
	hasMorePages := len(sc.Details) > 5 // the rest is on other pages
	for w := range wordSet(layout.Clean(strings.Join(plain.Say(required(sc, rows)), " "), false)) {
		bare := strings.TrimSuffix(w, ":") // between a label and its value, or a key and its meaning
		switch {
		case drawn[w], drawn[bare], hasMorePages, strings.HasPrefix(w, "["), w == "x]", w == "]", w == ">]":
		case strings.Contains(drawnTogether, bare): // an address or a long word that was broken
		default:
			problems = append(problems, fmt.Sprintf("%q is read aloud but not drawn", w))
		}
	}
	if sc.Notice != nil {
		return problems // parts of the screen below it are still visible
	}
	inSpeech := wordSet(layout.Clean(strings.Join(spoken, " "), false))
	speechTogether := strings.ReplaceAll(layout.Clean(strings.Join(spoken, ""), false), " ", "")
	silent := drawnOnly(sc)
	for w := range drawn {
		isNumber := strings.Trim(w, "0123456789") == ""
		switch {
		case inSpeech[w], inSpeech[w+":"], silent[w], strings.Trim(w, "█▀▄░ ") == "":
		case sc.Page != 0 && isNumber, strings.Contains(speechTogether, w):
		default:
			problems = append(problems, fmt.Sprintf("%q is drawn but not read aloud", w))
		}
	}
	return problems
}

func wordSet(text string) map[string]bool {
	words := make(map[string]bool)
	for _, w := range strings.Fields(text) {
		words[w] = true
	}
	return words
}

// required returns the part of a screen that must be drawn. With a keypad that is without the sentences and, on a small screen,
// without the example and the label of a problem, which itself says what to type.
func required(sc screen.Screen, rows int) screen.Screen {
	if sc.Keypad == nil {
		return sc
	}
	if rows > 12 {
		sc.Lines = nil
		return sc
	}
	entry := *sc.Entry
	entry.Example = ""
	if entry.Problem != "" {
		entry.Label = ""
	}
	sc.Entry, sc.Lines = &entry, nil
	return sc
}

// drawnOnly returns the words that are drawn and not read aloud.
func drawnOnly(sc screen.Screen) map[string]bool {
	only := wordSet(layout.Clean(sc.Site, false) + " OK X ! · → - * " + sc.Paging + " " + layout.Clean(sc.Headline, false))
	if sc.Link != nil && sc.Link.Optional { // the caption is about the QR code
		for w := range wordSet(layout.Clean(sc.Link.Caption, false)) {
			only[w] = true
		}
	}
	for _, k := range sc.Keys {
		if k.TurnsPages { // all pages are read aloud at once
			only[k.Cap], only[layout.Clean(k.Text, false)] = true, true
		}
	}
	if sc.Keypad != nil {
		for _, row := range sc.Keypad.Rows {
			for _, k := range row {
				only[k.Cap] = true
			}
		}
	}
	return only
}

// kernelFont has the characters that the kernel's own console font (code page 437) can draw.
const kernelFont = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~" +
	"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥áíóúñÑªº¿¬½¼¡«»ßµ±÷°·²█▀▄▌▐░▒▓■│─┌┐└┘├┤┬┴┼←↑→↓•\n"

func undrawable(frame string) (problems []string) {
	for _, r := range frame {
		if !strings.ContainsRune(kernelFont, r) {
			problems = append(problems, fmt.Sprintf("the kernel's font has no %q", r))
		}
	}
	return problems
}

// misplacedKeys checks the usual places: help at the bottom left, cancel at the bottom right, the language above it.
func misplacedKeys(f layout.Frame) (problems []string) {
	left, bottom := f.W, -1
	for _, t := range f.Targets {
		left, bottom = min(left, t.X), max(bottom, t.Y)
	}
	var right int
	switch f.W { // measured; a change of the layout must change this table
	case 40:
		right = 1 + 22
	case 64:
		right = 1 + 36
	case 80:
		right = 6 + 39
	case 100:
		right = 8 + 49
	}
	for _, t := range f.Targets {
		var x, y int
		switch t.Key.Does {
		case kiosk.HelpKey:
			x, y = left, bottom
		case kiosk.EscapeKey:
			x, y = right, bottom
		case kiosk.TabKey:
			x, y = right, bottom-1
			if f.H >= 20 {
				y-- // large screens have an empty row between
			}
		default:
			continue
		}
		if t.X != x || t.Y != y {
			problems = append(problems, fmt.Sprintf("key %q is at column %d of row %d, want column %d of row %d", t.Key.Cap, t.X, t.Y, x, y))
		}
	}
	return problems
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "screens", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantParts, gotParts := strings.Split(string(want), "== "), strings.Split(got, "== ")
	for i := range max(len(wantParts), len(gotParts)) {
		var a, b string
		if i < len(wantParts) {
			a = wantParts[i]
		}
		if i < len(gotParts) {
			b = gotParts[i]
		}
		if a != b {
			t.Fatalf("%s has changed (go test ./kiosk/screen -update rewrites all golden files); got:\n%s\nwant:\n%s", name, b, a)
		}
	}
}
