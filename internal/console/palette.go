package console

import (
	"encoding/hex"
	"errors"
	"image/color"
)

// Palette is the sixteen colours of the virtual terminals, by number. It belongs to all of them and outlives the program
// that set it.
type Palette [16]color.RGBA

// Colours reads and sets the palette.
type Colours interface {
	Palette() (Palette, error)
	SetPalette(p Palette) error
}

// packed returns a palette as the kernel has it: red, green and blue for each colour.
func (p Palette) packed() (raw [48]byte) {
	for i, c := range p {
		raw[3*i], raw[3*i+1], raw[3*i+2] = c.R, c.G, c.B
	}
	return raw
}

func unpackPalette(raw [48]byte) (p Palette) {
	for i := range p {
		p[i] = color.RGBA{raw[3*i], raw[3*i+1], raw[3*i+2], 255}
	}
	return p
}

// String returns the palette as it is saved: 96 hexadecimal digits.
func (p Palette) String() string {
	raw := p.packed()
	return hex.EncodeToString(raw[:])
}

// parsePalette reads what String returns.
func parsePalette(text string) (Palette, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 48 {
		return Palette{}, errors.New("palette: want 96 hexadecimal digits")
	}
	return unpackPalette([48]byte(b)), nil
}
