package qr

import (
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/check"
)

// A phone reads a code from a distance of ten times the code's side; people hold it about 300 mm away.
const (
	distancePerSide = 10
	phoneDistance   = 300 // millimetres
)

// Check examines whether a QR code of text fits on a terminal and can be scanned from it. Without half blocks a module
// takes two cells. isDrawn says whether the screen with its other texts shows it. panelHeight is in millimetres; 0 is not known.
func Check(text string, columns, rows int, halfBlocks, isDrawn bool, panelHeight float64) check.Outcome {
	c, err := Encode(text)
	if err != nil {
		return check.Warn("the address is too long for a QR code", "shorten KIOSK_READY_LINK")
	}
	n := c.WithQuiet(MinQuiet).Size()
	high, wide := (n+1)/2, n
	if !halfBlocks {
		high, wide = n, 2*n
	}
	if high > rows || wide > columns || !isDrawn {
		return check.Warn(fmt.Sprintf("a QR code of %dx%d cells does not fit into %dx%d beside the texts: the screen shows the address as text", wide, high, columns, rows),
			"load a smaller console font, or shorten the address")
	}
	if side := panelHeight * float64(high) / float64(rows); side > 0 && side*distancePerSide < phoneDistance {
		return check.Warn(fmt.Sprintf("a QR code is %.0f mm wide: phones must come closer than %d mm", side, phoneDistance), "load a larger console font, or shorten the address")
	}
	return check.Pass("%dx%d of %dx%d cells", wide, high, columns, rows)
}
