package scenes

import (
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
)

// Frame returns a frame as lines without trailing blanks, each ended by a line feed. Signs replace colours: a key's cap
// is in square brackets, and the light modules of a QR code are full blocks.
func Frame(f layout.Frame) string {
	var out strings.Builder
	for y := range f.H {
		var row strings.Builder
		for x := range f.W {
			c := f.At(x, y)
			switch {
			case c.Width == 0:
			case c.Style == layout.QRLight:
				row.WriteString("█")
			case c.Style == layout.Key && c.Text == " " && f.At(x-1, y).Style != layout.Key:
				row.WriteByte('[')
			case c.Style == layout.Key && c.Text == " " && f.At(x+1, y).Style != layout.Key:
				row.WriteByte(']')
			default:
				row.WriteString(c.Text)
			}
		}
		out.WriteString(strings.TrimRight(row.String(), " "))
		out.WriteByte('\n')
	}
	return out.String()
}
