// Package qr turns a short text into a QR code and the code into character
// cells that a text console can show.
//
// It wraps github.com/skip2/go-qrcode, which panics where it finds a fault in
// itself; here that is an error like any other, so that a screen can fall back to
// the text. Choosing a style, a place and a colour is the painter's business.
package qr

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	qrcode "github.com/skip2/go-qrcode"
)

const (
	// MaxText is the longest text in bytes. Three hundred bytes make a code of 69
	// modules, which is more than any console here can show; an address with a
	// user code takes about forty.
	MaxText = 300
	// FullQuiet is the light margin in modules that ISO/IEC 18004 asks for.
	FullQuiet = 4
	// MinQuiet is the narrowest margin that still scans well from a screen,
	// where the code lies on a dark ground.
	MinQuiet = 2
)

// Code is a QR code: a square of modules with a light margin. The zero Code has
// no modules.
type Code struct {
	modules []bool // row by row, true is dark, without the margin
	side    int    // modules per side, without the margin
	quiet   int
}

// Encode makes the smallest code for text, with as much error recovery as fits at
// that size up to level M (15 %). The margin is FullQuiet. It refuses an empty
// text, one longer than MaxText, and one with control characters or broken UTF-8.
// The error never holds the text.
func Encode(text string) (Code, error) {
	if err := validate(text); err != nil {
		return Code{}, fmt.Errorf("qr code: %w", err)
	}
	code, err := encode(text, qrcode.Low)
	if err != nil {
		return Code{}, err
	}
	// A screen does not get torn or dirty, so size comes first; but where level M
	// costs nothing it helps against reflections.
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
		return fmt.Errorf("text of %d bytes, at most %d are allowed", len(text), MaxText)
	case !utf8.ValidString(text):
		return errors.New("text is not UTF-8")
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("text holds U+%04X", r)
		}
	}
	return nil
}

func encode(text string, level qrcode.RecoveryLevel) (code Code, err error) {
	defer func() {
		if p := recover(); p != nil { // its log.Panic; the value may quote the text
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
			return Code{}, errors.New("qr code: encoder gave no square")
		}
		code.modules = append(code.modules, row...)
	}
	return code, nil
}

// WithQuiet is the same code with a margin of n modules, at least MinQuiet.
func (c Code) WithQuiet(n int) Code {
	c.quiet = max(n, MinQuiet)
	return c
}

// Size is the number of modules per side, the margin included.
func (c Code) Size() int {
	if c.side == 0 {
		return 0
	}
	return c.side + 2*c.quiet
}

// Dark tells whether the module in column x of row y is dark, counted from the
// outer corner of the margin. Everything outside the code is light.
func (c Code) Dark(x, y int) bool {
	x, y = x-c.quiet, y-c.quiet
	if x < 0 || y < 0 || x >= c.side || y >= c.side {
		return false
	}
	return c.modules[y*c.side+x]
}
