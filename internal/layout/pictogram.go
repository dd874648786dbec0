package layout

import (
	_ "embed"
	"sync"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

//go:embed pictures.txt
var pictureFile string

var pictures = sync.OnceValue(func() map[string]bitmap { return parseBitmaps(pictureFile) })

// pixelStyles are the styles of the pixels of a picture.
var pixelStyles = map[byte]Style{'#': Picture, 'a': PictureAccent, 'g': PictureGood, 'b': PictureBad, 'w': PictureAlert}

// pictureRows returns a screen's picture; nil if it has none, if a QR code needs its place, or if the font has no half blocks
// and double is not set.
func (d *drawing) pictureRows(double bool) []line {
	if rows := d.logoRows(double); rows != nil {
		return rows
	}
	b := pictures()[string(d.s.Picture)]
	if b == nil || !double && !d.o.HalfBlocks || d.s.Picture == screen.NoPicture || d.s.Link != nil {
		return nil
	}
	return b.rows(double, func(pixel byte) Style { return pixelStyles[pixel] })
}

// logoRows returns the owner's logo in one of two sizes, if the screen shows it; else nil.
func (d *drawing) logoRows(double bool) (rows []line) {
	size := 0
	if double {
		size = 1
	}
	if !d.s.Logo || size >= len(d.o.Logos) || d.s.Link != nil {
		return nil
	}
	for _, r := range d.o.Logos[size] {
		rows = append(rows, r)
	}
	return rows
}
