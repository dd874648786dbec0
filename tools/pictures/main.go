// Command pictures draws the screens of a visit as a Linux console shows them. It writes PNG files.
//
//	go run ./tools/pictures -out dist/screens                     every screen, in five sizes, and the themes
//	go run ./tools/pictures -visit docs/pictures/visit.png        the picture of the README
//
// It needs a console font, such as those of Debian's package console-setup-linux.
package main

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/logo"
	"github.com/ciba-kiosk/ciba-kiosk/internal/picture"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/internal/words"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("pictures", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "write a picture of every screen into this folder")
	visit := flags.String("visit", "", "write the picture of a visit to this file")
	fontFile := flags.String("font", font.Dir+"/Uni2-Terminus16.psf.gz", "the console font")
	bare := flags.Bool("bare", false, "use the font as it is, without the characters that the kiosk adds")
	theme := flags.String("theme", "dark", "the theme")
	plain := flags.Bool("plain", false, "draw with the console's own eight colours")
	logoFile := flags.String("logo", "", "a PNG picture, as KIOSK_LOGO")
	accent := flags.String("accent", "", "a colour, as KIOSK_ACCENT")
	welcome := flags.String("welcome", "", "a text, as KIOSK_WELCOME in every language")
	languages := flags.String("languages", "en,de,pl", "the languages, separated by commas")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	err := func() error {
		if *out == "" && *visit == "" {
			return errors.New("nothing to write: give -out or -visit")
		}
		p, err := newPainter(*fontFile, *bare, *theme)
		if err != nil {
			return err
		}
		p.plain, p.welcome = *plain, *welcome
		if err := p.setFace(*logoFile, *accent); err != nil {
			return err
		}
		if *visit != "" {
			if err := p.drawVisit(*visit); err != nil {
				return err
			}
		}
		if *out == "" {
			return nil
		}
		if err := p.drawScreens(*out, strings.Split(*languages, ",")); err != nil {
			return err
		}
		return p.drawThemes(*out)
	}()
	if err != nil {
		fmt.Fprintln(stderr, "pictures:", err)
		return 1
	}
	return 0
}

// painter draws scenes with one font and one theme.
type painter struct {
	font      *font.Font
	theme     string
	plain     bool // on a console whose palette is its own
	welcome   string
	logo      image.Image      // nil for none
	accent    string           // empty for the theme\'s
	languages []*words.Catalog // English first
}

func newPainter(fontFile string, bare bool, theme string) (*painter, error) {
	file, err := os.Open(fontFile)
	if err != nil {
		return nil, fmt.Errorf("%w: install a console font (on Debian: console-setup-linux) or name another one with -font", err)
	}
	defer file.Close()
	f, err := font.Read(file)
	if err != nil {
		return nil, err
	}
	if !bare {
		f.Complete()
	}
	all, err := scenes.Languages()
	if err != nil {
		return nil, err
	}
	return &painter{font: f, theme: theme, languages: all}, nil
}

// draw returns the picture of a scene on a terminal of w columns and h rows.
func (p *painter) draw(sc scenes.Scene, language, w, h int, theme string) (*image.Paletted, error) {
	palette, looks, err := tui.Theme(theme, p.plain)
	if err != nil {
		return nil, err
	}
	if p.accent != "" && theme == p.theme { // other themes may refuse it
		accent, err := tui.ParseColour(p.accent)
		if err == nil {
			palette, err = palette.WithAccent(accent)
		}
		if err != nil {
			return nil, err
		}
	}
	o := picture.Options(p.font)
	if p.logo != nil {
		o.Logos, palette = tui.Logos(p.logo, palette, p.plain)
	}
	if p.welcome != "" {
		sc.Device.Welcomes = slices.Repeat([]string{p.welcome}, len(p.languages))
	}
	return picture.Draw(layout.Draw(sc.View(p.languages, language), w, h, o), palette, looks, p.font), nil
}

// setFace reads what an owner sets.
func (p *painter) setFace(logoFile, accent string) error {
	p.accent = accent
	if logoFile == "" {
		return nil
	}
	file, err := os.ReadFile(logoFile)
	if err == nil {
		p.logo, err = logo.Parse(file)
	}
	return err
}

// drawVisit writes the main screens of a visit side by side.
func (p *painter) drawVisit(path string) error {
	device := *p
	device.languages = p.languages[:2] // as many as most devices offer
	var visit []*image.Paletted
	for _, name := range []string{"ready", "identify-typed", "waiting", "checking", "shown-hidden", "shown"} {
		sc, err := scenes.Named(name)
		if err != nil {
			return err
		}
		img, err := device.draw(sc, 0, 80, 24, p.theme)
		if err != nil {
			return err
		}
		visit = append(visit, img)
	}
	return write(path, picture.Sheet(visit, 2))
}

// drawScreens writes each scene by itself, and sheets of several scenes to be looked at together.
func (p *painter) drawScreens(dir string, languages []string) error {
	for i, c := range p.languages {
		if !slices.Contains(languages, c.Language()) {
			continue
		}
		for _, size := range []struct{ w, h, columns, perSheet int }{{40, 12, 4, 24}, {80, 24, 2, 8}, {100, 30, 2, 6}, {120, 34, 2, 6}, {160, 45, 1, 3}} {
			name := fmt.Sprintf("%dx%d-%s", size.w, size.h, c.Language())
			var pictures []*image.Paletted
			for _, sc := range scenes.All() {
				img, err := p.draw(sc, i, size.w, size.h, p.theme)
				if err != nil {
					return err
				}
				if err := write(filepath.Join(dir, name, sc.Name+".png"), img); err != nil {
					return err
				}
				pictures = append(pictures, img)
			}
			number := 0
			for sheet := range slices.Chunk(pictures, size.perSheet) {
				number++
				if err := write(filepath.Join(dir, fmt.Sprintf("sheet-%s-%02d.png", name, number)), picture.Sheet(sheet, size.columns)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// drawThemes writes one sheet for each theme.
func (p *painter) drawThemes(dir string) error {
	for _, theme := range tui.Themes() {
		var sheet []*image.Paletted
		for _, name := range []string{"identify-typed", "waiting-connection-lost", "checking", "shown", "ended-declined", "shown-idle-prompt"} {
			sc, err := scenes.Named(name)
			if err != nil {
				return err
			}
			img, err := p.draw(sc, 0, 40, 12, theme)
			if err != nil {
				return err
			}
			sheet = append(sheet, img)
		}
		if err := write(filepath.Join(dir, "theme-"+theme+".png"), picture.Sheet(sheet, 3)); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, img image.Image) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	e := png.Encoder{CompressionLevel: png.BestCompression}
	return errors.Join(e.Encode(f, img), f.Close())
}
