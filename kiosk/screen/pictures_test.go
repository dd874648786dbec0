package screen_test

import (
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/picture"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// What `make screens` says.
var (
	pictures         = flag.String("pictures", "", "write a picture of every screen into this folder")
	pictureFont      = flag.String("font", font.Dir+"/Uni2-Terminus16.psf.gz", "the console font that they are drawn with")
	pictureBare      = flag.Bool("bare", false, "use the font as it is, without the characters that the kiosk adds")
	pictureTheme     = flag.String("theme", "dark", "the theme that they are drawn in")
	pictureLanguages = flag.String("languages", "en,de,pl", "the languages that they are drawn in")
	visitPicture     = flag.String("visit", "", "write the picture of a visit to this file")
)

// The screens of a visit, for the README.
var visitScenes = []string{"ready", "identify-typed", "waiting", "checking", "shown-hidden", "shown"}

// TestPictures draws every screen. With -pictures it writes them; without, it sees that
// they can be drawn.
func TestPictures(t *testing.T) {
	f := consoleFont(t)
	all, names := translations(t)
	o := picture.Options(f)
	drawn := func(sc scene, c *words.Catalogue, w, h int, theme string) *image.Paletted {
		sc.at.Languages = names
		sc.s.Language = slices.Index(all, c)
		img, err := picture.Draw(layout.Draw(screen.View(sc.s, noon, c, sc.p, sc.at), w, h, o), theme, f)
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	if *pictures == "" && *visitPicture == "" {
		for _, sc := range scenes() {
			if img := drawn(sc, all[0], 40, 12, "mono"); sc.s.Phase != kiosk.Clearing && !slices.Contains(img.Pix, 15) && !slices.Contains(img.Pix, 7) {
				t.Errorf("%s is black", sc.name)
			}
		}
		return
	}
	if *visitPicture != "" {
		var visit []*image.Paletted
		for _, name := range visitScenes {
			i := slices.IndexFunc(scenes(), func(sc scene) bool { return sc.name == name })
			visit = append(visit, drawn(scenes()[i], all[0], 64, 18, *pictureTheme))
		}
		write(t, *visitPicture, picture.Sheet(visit, 2))
	}
	if *pictures == "" {
		return
	}
	for _, c := range all {
		if !slices.Contains(strings.Split(*pictureLanguages, ","), c.Language()) {
			continue
		}
		for _, size := range []struct{ w, h, columns, sheet int }{{40, 12, 4, 24}, {80, 24, 2, 8}, {100, 30, 2, 6}} {
			var sheet []*image.Paletted
			for i, sc := range scenes() {
				img := drawn(sc, c, size.w, size.h, *pictureTheme)
				write(t, filepath.Join(*pictures, fmt.Sprintf("%dx%d-%s", size.w, size.h, c.Language()), sc.name+".png"), img)
				sheet = append(sheet, img)
				if len(sheet) == size.sheet || i == len(scenes())-1 {
					write(t, filepath.Join(*pictures, fmt.Sprintf("sheet-%dx%d-%s-%02d.png", size.w, size.h, c.Language(), i/size.sheet+1)), picture.Sheet(sheet, size.columns))
					sheet = nil
				}
			}
		}
	}
	for _, theme := range tui.Themes() {
		var sheet []*image.Paletted
		for _, sc := range scenes() {
			if slices.Contains([]string{"identify-typed", "waiting-lost", "checking", "shown", "ended-declined", "shown-still-there"}, sc.name) {
				sheet = append(sheet, drawn(sc, all[0], 40, 12, theme))
			}
		}
		write(t, filepath.Join(*pictures, "theme-"+theme+".png"), picture.Sheet(sheet, 3))
	}
}

// consoleFont is the font asked for, completed as on a device. Where there is none on
// this machine and no pictures are wanted, a computed one does.
func consoleFont(t *testing.T) *font.Font {
	t.Helper()
	file, err := os.Open(*pictureFont)
	if err != nil {
		if *pictures != "" || *visitPicture != "" {
			t.Fatalf("%v: on Debian, install console-setup-linux, or name another with -font", err)
		}
		f := &font.Font{Width: 8, Height: 16, Glyphs: [][]byte{make([]byte, 16)}, Runes: map[rune]int{' ': 0}}
		for r := '!'; r <= '~'; r++ {
			f.Runes[r] = len(f.Glyphs)
			f.Glyphs = append(f.Glyphs, []byte{8: byte(r), 15: 0}) // no shape, but ink
		}
		f.Complete()
		return f
	}
	defer file.Close()
	f, err := font.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if !*pictureBare {
		f.Complete()
	}
	return f
}

func write(t *testing.T, path string, img image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
