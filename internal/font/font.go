// Package font makes sure that a Linux console can draw what the kiosk shows: the letters of all languages, box lines,
// and the half blocks of QR codes. Debian's usual fonts lack half blocks, the kernel's own font lacks letters.
//
// It reads console fonts (PSF), adds glyphs that can be computed, asks the kernel which characters a console has, and
// loads a font. Package layout replaces characters that are still missing. PSF files are read by our own code: the
// format is two small tables, and no Go library for it was found.
package font

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// RequiredCharacters are used on screens besides ASCII: the letters and signs of all languages, and what layout draws
// with. A test compares them with every catalogue.
const RequiredCharacters = "ÄÖÜäöüß" + // German
	"ÀÂÆÇÈÉÊËÎÏÔŒÙÛŸàâæçèéêëîïôœùûÿ" + // French
	"ÁÍÑÓÚáíñóú¡¿ªº" + // Spanish
	"ÌÒìò" + // Italian
	"ĄĆĘŁŃŚŹŻąćęłńśźż" + // Polish
	"ÃÕãõ" + // Portuguese; Dutch has no others
	"€£§°«»„“”‘’–—…·•×" +
	"█▀▄░▒■─│┌┐└┘├┤┬┴┼←↑→↓"

// Font is a console font. Each glyph has Height rows of (Width+7)/8 bytes; the leftmost pixel is the highest bit.
type Font struct {
	Width, Height int
	Glyphs        [][]byte
	Runes         map[rune]int // index of each character's glyph
}

const (
	// maxGlyphs is the most that a console can hold.
	maxGlyphs = 512
	// maxHeight is the most that every kernel accepts.
	maxHeight = 32
	maxWidth  = 32
	// maxFile is more than the largest such font with its table.
	maxFile = 256 << 10
)

// Read reads a font in the format PSF 1 or 2, plain or compressed with gzip, with a table of its characters. It accepts
// the sizes that a console can hold.
func Read(r io.Reader) (*Font, error) {
	b, err := readAll(r)
	if err == nil && bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
			b, err = readAll(z)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("console font: %w", err)
	}
	f, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("console font: %w", err)
	}
	return f, nil
}

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errors.New("file too large")
	}
	return b, err
}

func parse(b []byte) (*Font, error) {
	switch {
	case len(b) >= 4 && b[0] == 0x36 && b[1] == 0x04: // PSF 1
		n := 256
		if b[2]&1 != 0 {
			n = 512
		}
		if b[2]&6 == 0 {
			return nil, errors.New("no character table")
		}
		return build(b[4:], n, int(b[3]), 8, int(b[3]), runes16)
	case len(b) >= 32 && binary.LittleEndian.Uint32(b) == 0x864ab572: // PSF 2
		word := func(i int) int { return int(min(binary.LittleEndian.Uint32(b[4*i:]), maxFile)) }
		if word(3)&1 == 0 {
			return nil, errors.New("no character table")
		}
		return build(b[min(max(word(2), 32), len(b)):], word(4), word(5), word(7), word(6), runes8)
	}
	return nil, errors.New("not a PSF file")
}

// build splits glyphs and table; runes reads the characters of one glyph.
func build(b []byte, n, size, w, h int, runes func([]byte) ([]rune, []byte, bool)) (*Font, error) {
	if n < 1 || n > maxGlyphs || w < 1 || w > maxWidth || h < 1 || h > maxHeight || size != h*((w+7)/8) {
		return nil, fmt.Errorf("%d glyphs of %dx%d; a console supports %d of %dx%d", n, w, h, maxGlyphs, maxWidth, maxHeight)
	}
	if len(b) < n*size {
		return nil, errors.New("file truncated")
	}
	f := &Font{Width: w, Height: h, Runes: map[rune]int{}}
	for i := range n {
		f.Glyphs = append(f.Glyphs, slices.Clone(b[i*size:(i+1)*size]))
	}
	b = b[n*size:]
	for i := range n {
		list, rest, ok := runes(b)
		if !ok {
			return nil, errors.New("character table truncated")
		}
		for _, r := range list {
			if _, taken := f.Runes[r]; !taken {
				f.Runes[r] = i
			}
		}
		b = rest
	}
	return f, nil
}

// runes8 reads an entry of PSF 2: UTF-8 until 0xff, combinations after 0xfe.
func runes8(b []byte) (list []rune, rest []byte, ok bool) {
	end := bytes.IndexByte(b, 0xff)
	if end < 0 {
		return nil, nil, false
	}
	single, _, _ := bytes.Cut(b[:end], []byte{0xfe})
	for _, r := range string(single) {
		if r != utf8.RuneError {
			list = append(list, r)
		}
	}
	return list, b[end+1:], true
}

// runes16 reads an entry of PSF 1: 16-bit values until 0xffff, combinations after 0xfffe.
func runes16(b []byte) (list []rune, rest []byte, ok bool) {
	for single := true; len(b) >= 2; b = b[2:] {
		switch r := rune(binary.LittleEndian.Uint16(b)); {
		case r == 0xffff:
			return list, b[2:], true
		case r == 0xfffe:
			single = false
		case single && utf8.ValidRune(r):
			list = append(list, r)
		}
	}
	return nil, nil, false
}

// Missing returns the required characters that the font lacks.
func (f *Font) Missing() []rune {
	return missingFrom(func(r rune) bool { _, ok := f.Runes[r]; return ok })
}

func missingFrom(has func(rune) bool) (list []rune) {
	for _, r := range RequiredCharacters {
		if !has(r) {
			list = append(list, r)
		}
	}
	return list
}

// Complete adds the required characters that can be computed: blocks, shades and box lines. In a full font they replace
// glyphs that are not used.
func (f *Font) Complete() {
	var spare []int
	for _, r := range f.Missing() {
		glyph := f.draw(r)
		if glyph == nil {
			continue
		}
		if len(f.Glyphs) < maxGlyphs {
			f.Glyphs = append(f.Glyphs, glyph)
			f.Runes[r] = len(f.Glyphs) - 1
			continue
		}
		if spare == nil {
			spare = f.spareGlyphs()
		}
		if len(spare) == 0 {
			return
		}
		at := spare[0]
		spare = spare[1:]
		for old, i := range f.Runes {
			if i == at {
				delete(f.Runes, old)
			}
		}
		f.Glyphs[at], f.Runes[r] = glyph, at
	}
	// The kernel accepts 256 or 512 glyphs.
	for want := 256 * ((len(f.Glyphs) + 255) / 256); len(f.Glyphs) < want; {
		f.Glyphs = append(f.Glyphs, make([]byte, f.size()))
	}
}

// CapitalRows returns how many of a glyph's Height rows a capital H fills; 0 without one.
func (f *Font) CapitalRows() (rows int) {
	i, ok := f.Runes['H']
	if !ok {
		return 0
	}
	row := (f.Width + 7) / 8
	for y := range f.Height {
		if slices.ContainsFunc(f.Glyphs[i][y*row:(y+1)*row], func(b byte) bool { return b != 0 }) {
			rows++
		}
	}
	return rows
}

func (f *Font) size() int { return f.Height * ((f.Width + 7) / 8) }

// spareGlyphs returns the glyphs that may be replaced: first those without a character, then those farthest from Latin.
func (f *Font) spareGlyphs() (list []int) {
	highest := make([]rune, len(f.Glyphs))
	keep := make([]bool, len(f.Glyphs))
	keep[' '] = true // the kernel clears the screen with it
	for r, i := range f.Runes {
		highest[i] = max(highest[i], r)
		// Latin letters stay: names and addresses can contain them.
		keep[i] = keep[i] || r < 0x250 || r == utf8.RuneError || slices.Contains(required, r)
	}
	for i := range f.Glyphs {
		if !keep[i] {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int {
		if (highest[a] == 0) != (highest[b] == 0) {
			return int(min(highest[a], 1)) - int(min(highest[b], 1))
		}
		return int(highest[b] - highest[a])
	})
	return list
}

var required = []rune(RequiredCharacters)
