package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// testPainter draws with a font whose characters have no shape, only some pixels: no console font has to be installed.
func testPainter(t *testing.T) *painter {
	t.Helper()
	f := &font.Font{Width: 8, Height: 16, Glyphs: [][]byte{make([]byte, 16)}, Runes: map[rune]int{' ': 0}}
	for r := '!'; r <= '~'; r++ {
		f.Runes[r] = len(f.Glyphs)
		f.Glyphs = append(f.Glyphs, []byte{8: byte(r), 15: 0})
	}
	f.Complete()
	all, err := scenes.Languages()
	if err != nil {
		t.Fatal(err)
	}
	return &painter{font: f, theme: "dark", languages: all}
}

func TestEverySceneCanBeDrawn(t *testing.T) {
	p := testPainter(t)
	for _, sc := range scenes.All() {
		img, err := p.draw(sc, 0, 40, 12, "mono")
		if err != nil {
			t.Fatalf("%s: %v", sc.Name, err)
		}
		const grey, white = 7, 15
		if sc.State.Phase != kiosk.Clearing && !slices.Contains(img.Pix, white) && !slices.Contains(img.Pix, grey) {
			t.Errorf("%s is black", sc.Name)
		}
	}
}

func TestPicturesAreWritten(t *testing.T) {
	p, dir := testPainter(t), t.TempDir()
	if err := p.drawVisit(filepath.Join(dir, "docs", "visit.png")); err != nil {
		t.Fatal(err)
	}
	if err := p.drawThemes(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"docs/visit.png", "theme-dark.png", "theme-mono.png"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := png.Decode(f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRunReportsMistakes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.psf")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"-x"}, 2, "-x"},
		{"nothing to write", nil, 1, "-out"},
		{"no font", []string{"-out", t.TempDir(), "-font", missing}, 1, missing},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := run(c.args, &stderr); code != c.code || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit code %d, want %d; %q does not contain %q", code, c.code, stderr.String(), c.want)
			}
		})
	}
}
