package tui

import (
	"errors"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// fonts is what is known of a Linux console's font. It belongs to the painter, but for
// the beginning. Which font is loaded can change at any time: a graphics driver that
// comes late brings its own.
type fonts struct {
	device string // empty: no console
	file   string
	keep   bool
	last   []rune
}

// load loads a font if one is needed and wished.
func (f *fonts) load() (missing []rune, err error) {
	if f.device == "" || f.keep {
		return nil, nil
	}
	return font.Provide(f.device, f.file, font.Dir)
}

// check asks what the font has, and has it completed if it has lost something.
func (f *fonts) check(o layout.Options) layout.Options {
	if f.device == "" {
		return o
	}
	has, ok := characters(f.device)
	if ok && !f.keep && f.hasLost(has) {
		f.last, _ = f.load() // if that fails, what there is will do
		has, ok = characters(f.device)
	}
	if !ok {
		return o
	}
	o.Font, o.HalfBlocks = has, has['▀'] && has['▄']
	return o
}

// hasLost says whether the console's font lacks what it had after the last attempt to
// complete it.
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

// characters lists what a console can draw; false for what is no console.
func characters(device string) (map[rune]bool, bool) {
	c, err := font.OpenConsole(device)
	if err != nil {
		return nil, false
	}
	defer c.Close()
	return c.Characters()
}

// FontProblem says what is wrong with the console's font, for a technician: nil if
// nothing is. What is missing is drawn as something else meanwhile.
func (s *Screen) FontProblem() error {
	switch {
	case s.fontErr != nil:
		return s.fontErr
	case len(s.lacks) > 0:
		return errors.New("console font: it lacks " + string(s.lacks))
	}
	return nil
}
