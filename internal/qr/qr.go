// Package qr turns a short text into a QR code, and the code into character cells for a text console. It wraps
// github.com/skip2/go-qrcode, which panics on its own faults; here these are errors, so that a screen can show the text
// instead. The cells are our own code: libraries draw pixels, or cells with glyphs that console fonts lack.
package qr

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	qrcode "github.com/skip2/go-qrcode"
)

const (
	// MaxText is the longest text in bytes. 300 bytes make a code of 69 modules, more than a console can show; an
	// address with a user code has about forty.
	MaxText = 300
	// FullQuiet is the light margin in modules that ISO/IEC 18004 requires.
	FullQuiet = 4
	// MinQuiet is the narrowest margin that scans well from a dark screen.
	MinQuiet = 2
)

// Code is a QR code: a square of modules with a light margin. The zero Code has no modules.
type Code struct {
	modules []bool // row by row, true is dark, without the margin
	side    int    // modules per side, without the margin
	quiet   int
}

// Encode returns the smallest code for text, with as much error correction as fits at that size, up to level M (15 %).
// The margin is FullQuiet. An empty text, one longer than MaxText, and one with control characters or invalid UTF-8 are
// errors. No error contains the text.
func Encode(text string) (Code, error) {
	if err := validate(text); err != nil {
		return Code{}, fmt.Errorf("qr code: %w", err)
	}
	code, err := encode(text, qrcode.Low)
	if err != nil {
		return Code{}, err
	}
	// A screen does not get torn or dirty, so size comes first. Level M helps against reflections if it costs nothing.
	if better, err := encode(text, qrcode.Medium); err == nil && better.side == code.side {
		return better, nil
	}
	return code, nil
}

func validate(text string) error {
	switch {
	case text == "":
		return errors.New("empty text")
	case len(text) > MaxText:
		return fmt.Errorf("text has %d bytes; the maximum is %d", len(text), MaxText)
	case !utf8.ValidString(text):
		return errors.New("text is not UTF-8")
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("text contains U+%04X", r)
		}
	}
	return nil
}

func encode(text string, level qrcode.RecoveryLevel) (code Code, err error) {
	defer func() {
		if p := recover(); p != nil { // go-qrcode panics; the value may contain the text
			code, err = Code{}, errors.New("qr code: encoder failed")
		}
	}()
	q, err := qrcode.New(text, level)
	if err != nil {
		return Code{}, errors.New("qr code: text does not fit")
	}
	q.DisableBorder = true // before Bitmap, or it is ignored
	rows := q.Bitmap()
	code = Code{modules: make([]bool, 0, len(rows)*len(rows)), side: len(rows), quiet: FullQuiet}
	for _, row := range rows {
		if len(row) != len(rows) {
			return Code{}, errors.New("qr code: encoder returned no square")
		}
		code.modules = append(code.modules, row...)
	}
	return code, nil
}

// WithQuiet returns the same code with a margin of n modules, at least MinQuiet.
func (c Code) WithQuiet(n int) Code {
	c.quiet = max(n, MinQuiet)
	return c
}

// Size returns the number of modules on each side, with the margin.
func (c Code) Size() int {
	if c.side == 0 {
		return 0
	}
	return c.side + 2*c.quiet
}

// Dark reports whether the module in column x of row y is dark, counted from the outer corner of the margin. Everything
// outside is light.
func (c Code) Dark(x, y int) bool {
	x, y = x-c.quiet, y-c.quiet
	if x < 0 || y < 0 || x >= c.side || y >= c.side {
		return false
	}
	return c.modules[y*c.side+x]
}
