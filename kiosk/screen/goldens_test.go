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
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

var update = flag.Bool("update", false, "write the goldens anew")

// goldenSizes are the sizes of screens: the smallest that is complete, two of small
// panels with large letters, and a big one.
var goldenSizes = []struct{ w, h int }{{40, 12}, {64, 18}, {80, 24}, {100, 30}}

// translations are all languages there are, English first, and what they call themselves.
func translations(t *testing.T) (all []*words.Catalogue, names []string) {
	t.Helper()
	codes := words.Languages()
	slices.SortStableFunc(codes, func(a, b string) int {
		switch {
		case a == "en" && b != "en":
			return -1
		case b == "en" && a != "en":
			return 1
		}
		return 0
	})
	for _, code := range codes {
		c, err := words.Open(code)
		if err != nil {
			t.Fatal(err)
		}
		all, names = append(all, c), append(names, c.Name())
	}
	return all, names
}

// Every screen in every language and size, as it stands on a console with the
// kernel's own font; one file a screen. Nothing is cut, every character is one that
// this font has, keys are where they always are, and what is said is what is shown.
func TestScreens(t *testing.T) {
	all, names := translations(t)
	for _, sc := range scenes() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			for _, size := range goldenSizes {
				for i, c := range all {
					sc.at.Languages = names
					sc.s.Language, sc.s.Rules.Languages = i, len(all)
					screen := screen.View(sc.s, noon, c, sc.p, sc.at)
					frame := layout.Draw(screen, size.w, size.h, layout.Options{HalfBlocks: true})
					got := plain.Frame(frame)
					fmt.Fprintf(&out, "== %dx%d %s\n%s", size.w, size.h, c.Language(), got)
					for _, wrong := range slices.Concat(unsaid(screen, got, size.h), undrawable(got), misplaced(frame)) {
						t.Errorf("%dx%d %s: %s\n%s", size.w, size.h, c.Language(), wrong, got)
					}
				}
			}
			golden(t, sc.name+".txt", out.String())
		})
	}
}

// unsaid compares what is said with what is shown, word by word in both directions.
// So it also finds what was cut, or left out for want of room.
func unsaid(sc screen.Screen, frame string, rows int) (wrong []string) {
	must := sc
	if e := sc.Entry; sc.Keypad != nil && rows <= 12 {
		// The keypad takes the room of what is pleasant to know: the sentences, the example,
		// and the label where something is wrong, which says what is wanted, too.
		short := *e
		short.Example = ""
		if short.Problem != "" {
			short.Label = ""
		}
		must.Entry, must.Lines = &short, nil
	}
	wordsOf := func(sc screen.Screen) map[string]bool {
		m := make(map[string]bool)
		for _, w := range strings.Fields(layout.Clean(strings.Join(plain.Say(sc), " "), false)) {
			m[w] = true
		}
		return m
	}
	said := wordsOf(sc)
	frame = strings.NewReplacer("│", " ", "┌", " ", "┐", " ", "└", " ", "┘", " ", "─", " ", "├", " ", "┤", " ", "┬", " ", "┴", " ").Replace(frame)
	shown := make(map[string]bool)
	for _, w := range strings.Fields(strings.NewReplacer("[", " ", "]", " ").Replace(frame)) {
		shown[w] = true
	}
	together := strings.Join(strings.Fields(frame), "")
	paged := len(sc.Details) > 5 // the rest is on other pages
	for w := range wordsOf(must) {
		bare := strings.TrimSuffix(w, ":") // between a label and its value, or a key and its meaning
		switch {
		case shown[w], shown[bare], paged, strings.HasPrefix(w, "["), w == "x]", w == "]", w == ">]":
		case strings.Contains(together, bare): // an address or a long word that was broken
		default:
			wrong = append(wrong, fmt.Sprintf("%q is said but not shown", w))
		}
	}
	if sc.Notice != nil {
		return wrong // what lies under it is partly to be seen, but cannot be read
	}
	aside := make(map[string]bool)
	for _, w := range strings.Fields(layout.Clean(sc.Site, false) + " OK X ! · → - * " + sc.Paging) {
		aside[w] = true
	}
	if sc.Link != nil && sc.Link.Optional { // it speaks of a picture, where there is one
		for _, w := range strings.Fields(layout.Clean(sc.Link.Caption, false)) {
			aside[w] = true
		}
	}
	for _, k := range sc.Keys {
		if k.TurnsPages { // all pages are said at once
			aside[k.Cap], aside[layout.Clean(k.Text, false)] = true, true
		}
	}
	if sc.Keypad != nil {
		for _, row := range sc.Keypad.Rows {
			for _, k := range row {
				aside[k.Cap] = true
			}
		}
	}
	spoken := strings.ReplaceAll(layout.Clean(strings.Join(plain.Say(sc), ""), false), " ", "")
	for w := range shown {
		if said[w] || said[w+":"] || aside[w] || strings.Trim(w, "█▀▄░ ") == "" || sc.Page != 0 && strings.Trim(w, "0123456789") == "" || strings.Contains(spoken, w) {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%q is shown but not said", w))
	}
	return wrong
}

// kernelFont is what the kernel's own console font (code page 437) can draw, of what
// could be meant for people.
const kernelFont = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~" +
	"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥áíóúñÑªº¿¬½¼¡«»ßµ±÷°·²█▀▄▌▐░▒▓■│─┌┐└┘├┤┬┴┼←↑→↓•\n"

func undrawable(frame string) (wrong []string) {
	for _, r := range frame {
		if !strings.ContainsRune(kernelFont, r) {
			wrong = append(wrong, fmt.Sprintf("the kernel's font has no %q", r))
		}
	}
	return wrong
}

// misplaced: help is at the bottom left, the way out at the bottom right, the
// language above it, what leads on at the left.
func misplaced(f layout.Frame) (wrong []string) {
	left, bottom := f.W, -1
	for _, t := range f.Targets {
		left, bottom = min(left, t.X), max(bottom, t.Y)
	}
	var right int
	switch f.W { // as measured, so that a change is noticed
	case 40:
		right = 1 + 22
	case 64:
		right = 1 + 36
	case 80:
		right = 6 + 39
	case 100:
		right = 14 + 42
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
				y-- // there is air between
			}
		default:
			continue
		}
		if t.X != x || t.Y != y {
			wrong = append(wrong, fmt.Sprintf("key %q is at column %d of row %d, its place is column %d of row %d", t.Key.Cap, t.X, t.Y, x, y))
		}
	}
	return wrong
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
	was, is := strings.Split(string(want), "== "), strings.Split(got, "== ")
	for i := range max(len(was), len(is)) {
		var a, b string
		if i < len(was) {
			a = was[i]
		}
		if i < len(is) {
			b = is[i]
		}
		if a != b {
			t.Fatalf("%s has changed (go test ./kiosk -update writes all of them anew), first:\n%s\nwas:\n%s", name, b, a)
		}
	}
}
