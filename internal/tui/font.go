package tui

import (
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// fonts tracks the font of a Linux console. Only the painter uses it, except during Open. The font can change at any
// time: a graphics driver that loads late brings its own.
type fonts struct {
	device string // empty: no console
	file   string
	keep   bool
	last   []rune
}

// load loads a font if one is needed and allowed.
func (f *fonts) load() (missing []rune, err error) {
	if f.device == "" || f.keep {
		return nil, nil
	}
	return font.Provide(f.device, f.file, font.Dir)
}

// check returns options for the present font, and has the font completed if it has lost characters.
func (f *fonts) check(o layout.Options) layout.Options {
	if f.device == "" {
		return o
	}
	has, ok := characters(f.device)
	if ok && !f.keep && f.hasLost(has) {
		f.last, _ = f.load() // if that fails, the present font is used
		has, ok = characters(f.device)
	}
	if !ok {
		return o
	}
	o.Font, o.HalfBlocks = has, has['▀'] && has['▄']
	return o
}

// hasLost reports whether the font lacks characters that it had after the last attempt to complete it.
func (f *fonts) hasLost(has map[rune]bool) bool {
	expected := map[rune]bool{}
	for _, r := range f.last {
		expected[r] = true
	}
	for _, r := range font.RequiredCharacters {
		if !has[r] && !expected[r] {
			return true
		}
	}
	return false
}

// characters returns the characters that a console can draw; false if it is no console.
func characters(device string) (map[rune]bool, bool) {
	c, err := font.OpenConsole(device)
	if err != nil {
		return nil, false
	}
	defer c.Close()
	return c.Characters()
}

// FontProblem returns which characters the console's font lacks, for a technician, or nil. Replacements are drawn
// meanwhile.
func (s *Screen) FontProblem() error {
	switch {
	case s.fontErr != nil:
		return s.fontErr
	case len(s.lacks) > 0:
		return errors.New("console font: missing characters: " + string(s.lacks))
	}
	return nil
}
