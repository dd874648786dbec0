package font

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Dir is where Debian's console-setup-linux keeps fonts.
const Dir = "/usr/share/consolefonts"

// The least screen that a font of our choice leaves: complete with some air, in
// letters that are read from an arm's length.
const (
	minColumnsChosen = 50
	minRowsChosen    = 15
)

// choices are the fonts that are looked for, the largest first: the family that has
// every letter of the shipped languages.
var choices = []struct {
	file          string
	width, height int
}{
	{"Uni2-Terminus32x16.psf.gz", 16, 32}, {"Uni2-Terminus28x14.psf.gz", 14, 28}, {"Uni2-Terminus24x12.psf.gz", 12, 24},
	{"Uni2-Terminus22x11.psf.gz", 11, 22}, {"Uni2-Terminus20x10.psf.gz", 10, 20}, {"Uni2-Terminus16.psf.gz", 8, 16},
	{"Uni2-Fixed16.psf.gz", 8, 16}, {"Uni2-VGA16.psf.gz", 8, 16},
}

// Provide sees to it that the console at path can draw what is required. With a file it
// loads that one; else, where something is missingFrom, the largest of the fonts in dir
// that leaves a complete screen, or the one that is there. What each of them lacks and
// can be computed is added. It returns what is missingFrom after that, and an error if
// something was missingFrom and nothing could be loaded. What is no console is left alone.
func Provide(path, file, dir string) (missing []rune, err error) {
	c, err := OpenConsole(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	lacks, console := c.lacks()
	if !console || file == "" && len(lacks) == 0 {
		return nil, nil
	}
	f, err := c.choose(file, dir)
	if err != nil {
		return lacks, err
	}
	if f.Complete(); file == "" && len(f.Missing()) >= len(lacks) {
		return lacks, errors.New("console font: none is better than the one that is loaded")
	}
	if err := c.Set(f); err != nil {
		return lacks, err
	}
	lacks, _ = c.lacks()
	return lacks, nil
}

// lacks is what the console cannot draw; false if it is no console.
func (c *Console) lacks() ([]rune, bool) {
	has, ok := c.Characters()
	return missingFrom(func(r rune) bool { return has[r] }), ok
}

func (c *Console) choose(file, dir string) (*Font, error) {
	if file != "" {
		return open(file)
	}
	present, err := c.Get()
	wide, high := 8, 16
	if err == nil {
		wide, high = present.Width, present.Height
	}
	columns, rows, sizeErr := c.Size()
	if sizeErr != nil {
		return nil, fmt.Errorf("console font: %w", sizeErr)
	}
	for _, name := range fittingFonts(columns*wide, rows*high) {
		if f, err := open(filepath.Join(dir, name)); err == nil {
			return f, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return present, nil
}

// fittingFonts are the files that fit a screen of so many points, the best first.
func fittingFonts(wide, high int) (names []string) {
	for _, c := range choices {
		// The smallest is there for every screen.
		if c.height == 16 || wide/c.width >= minColumnsChosen && high/c.height >= minRowsChosen {
			names = append(names, c.file)
		}
	}
	return names
}

func open(file string) (*Font, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("console font: %w", err)
	}
	defer f.Close()
	return Read(f)
}
