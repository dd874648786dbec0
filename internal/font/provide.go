package font

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Dir contains the fonts of Debian's console-setup-linux.
const Dir = "/usr/share/consolefonts"

// A chosen font leaves at least this size: a complete screen in letters that are readable at arm's length.
const (
	minColumnsChosen = 50
	minRowsChosen    = 15
)

// choices are the preferred fonts, the largest first: a family with the letters of all languages.
var choices = []struct {
	file          string
	width, height int
}{
	{"Uni2-Terminus32x16.psf.gz", 16, 32}, {"Uni2-Terminus28x14.psf.gz", 14, 28}, {"Uni2-Terminus24x12.psf.gz", 12, 24},
	{"Uni2-Terminus22x11.psf.gz", 11, 22}, {"Uni2-Terminus20x10.psf.gz", 10, 20}, {"Uni2-Terminus16.psf.gz", 8, 16},
	{"Uni2-Fixed16.psf.gz", 8, 16}, {"Uni2-VGA16.psf.gz", 8, 16},
}

// Provide makes the console at path draw the required characters. It loads file if given; else, if characters are
// missing, the largest font in dir that leaves a complete screen, or completes the present one. It returns what is
// still missing, and an error if nothing could be loaded. It does nothing if path is no console.
func Provide(path, file, dir string) (missing []rune, err error) {
	c, err := OpenConsole(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	lacks, console := c.missing()
	if !console || file == "" && len(lacks) == 0 {
		return nil, nil
	}
	f, err := c.chooseFont(file, dir)
	if err != nil {
		return lacks, err
	}
	if f.Complete(); file == "" && len(f.Missing()) >= len(lacks) {
		return lacks, errors.New("console font: no better font found")
	}
	if err := c.Set(f); err != nil {
		return lacks, err
	}
	lacks, _ = c.missing()
	return lacks, nil
}

// missing returns the required characters that the console cannot draw; false if it is no console.
func (c *Console) missing() ([]rune, bool) {
	has, ok := c.Characters()
	return missingFrom(func(r rune) bool { return has[r] }), ok
}

func (c *Console) chooseFont(file, dir string) (*Font, error) {
	if file != "" {
		return openFont(file)
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
		if f, err := openFont(filepath.Join(dir, name)); err == nil {
			return f, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return present, nil
}

// fittingFonts returns the files that fit a screen of the given pixels, the best first.
func fittingFonts(wide, high int) (names []string) {
	for _, c := range choices {
		// The smallest one is used on any screen.
		if c.height == 16 || wide/c.width >= minColumnsChosen && high/c.height >= minRowsChosen {
			names = append(names, c.file)
		}
	}
	return names
}

// CheckFile reports whether a console font can be read from a file.
func CheckFile(file string) error {
	_, err := openFont(file)
	return err
}

func openFont(file string) (*Font, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("console font: %w", err)
	}
	defer f.Close()
	return Read(f)
}
