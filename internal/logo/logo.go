// Package logo turns an owner's picture into cells of a console: half blocks in the sixteen colours of a palette. It knows
// nothing of terminals; package tui draws the cells.
package logo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
)

// Limits of a picture. A megapixel is far more than the cells of any console, and a Pi Zero decodes it in half a second.
const (
	MaxFile   = 1 << 20 // bytes
	maxSide   = 4096    // pixels
	maxPixels = 1 << 20
)

// pngHeader begins every PNG file.
const pngHeader = "\x89PNG\r\n\x1a\n"

// Parse reads a PNG picture. It reads the declared size first, so a small file cannot become a large picture. An animated
// picture is refused: nothing moves while somebody reads.
func Parse(file []byte) (image.Image, error) {
	if len(file) > MaxFile {
		return nil, fmt.Errorf("the file has over %d KiB", MaxFile>>10)
	}
	if !bytes.HasPrefix(file, []byte(pngHeader)) {
		return nil, errors.New("not a PNG picture")
	}
	size, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, errors.New("damaged PNG picture")
	}
	if size.Width > maxSide || size.Height > maxSide || size.Width*size.Height > maxPixels {
		return nil, fmt.Errorf("the picture has %d x %d pixels; at most a million are allowed", size.Width, size.Height)
	}
	if isAnimated(file) {
		return nil, errors.New("the picture is animated")
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, errors.New("damaged PNG picture")
	}
	return img, nil
}

// isAnimated reports whether a PNG file has the chunk of an animation before its data (APNG, acTL).
func isAnimated(file []byte) bool {
	const overhead = 12 // length, type and checksum of a chunk
	for at := len(pngHeader); at+overhead <= len(file); {
		length := binary.BigEndian.Uint32(file[at:])
		switch string(file[at+4 : at+8]) {
		case "acTL":
			return true
		case "IDAT":
			return false
		}
		if uint64(length) > uint64(len(file)) {
			return false
		}
		at += int(length) + overhead
	}
	return false
}

// Cell is one position: a half block, or a blank, in two colours of the palette.
type Cell struct {
	Glyph                  rune
	Foreground, Background uint8
}

// Palette says which colours a logo may use. Its own colours replace those with the numbers in Free.
type Palette struct {
	Colours     [16]color.RGBA
	Free        []int // numbers that the logo may fill
	Backgrounds int   // the first numbers, which can be backgrounds
	Ground      int   // number of the background, shown where the picture is transparent
}

// Fit returns the size in cells of a picture that is as large as possible in a rectangle of cells. A cell is twice as high as
// it is wide.
func Fit(img image.Image, columns, rows int) (w, h int) {
	size := img.Bounds().Size()
	w, h = columns, rows
	if size.X*2*rows > size.Y*columns { // limited by the width
		h = max((size.Y*columns/max(size.X, 1)+1)/2, 1)
	} else {
		w = max(size.X*2*rows/max(size.Y, 1), 1)
	}
	return min(w, columns), min(h, rows)
}

// Draw returns a picture in w columns and h rows of cells, and the palette with the picture's own colours.
func Draw(img image.Image, w, h int, p Palette) ([][]Cell, Palette) {
	pixels := shrink(img, w, 2*h, p.Colours[p.Ground])
	p = p.fill(pixels)
	all := make([]int, len(p.Colours))
	for i := range all {
		all[i] = i
	}
	cells := make([][]Cell, h)
	for y := range cells {
		for x := range w {
			cells[y] = append(cells[y], p.cell(pixels[2*y][x], pixels[2*y+1][x], all))
		}
	}
	return cells, p
}

// cell returns the cell whose halves are nearest to two colours. Only some colours can be a background, so the half block is the
// upper or the lower one, whichever comes closer.
func (p Palette) cell(up, low color.RGBA, all []int) Cell {
	u, l := p.nearest(up, all), p.nearest(low, all)
	if u == l && u < p.Backgrounds {
		return Cell{' ', uint8(u), uint8(u)}
	}
	if u == l {
		return Cell{'█', uint8(u), uint8(p.Ground)}
	}
	backs := all[:p.Backgrounds]
	lowBack, upBack := p.nearest(low, backs), p.nearest(up, backs)
	if distance(low, p.Colours[lowBack]) <= distance(up, p.Colours[upBack]) {
		return Cell{'▀', uint8(u), uint8(lowBack)}
	}
	return Cell{'▄', uint8(l), uint8(upBack)}
}

// nearest returns the number of the colour that is nearest to c among the given numbers.
func (p Palette) nearest(c color.RGBA, among []int) int {
	best := among[0]
	for _, n := range among {
		if distance(c, p.Colours[n]) < distance(c, p.Colours[best]) {
			best = n
		}
	}
	return best
}

// distance returns how different two colours look: the square of the weighted difference, with red and blue weighted by the mean
// red ("redmean", an approximation of CIE 1976 that needs no roots).
func distance(a, b color.RGBA) int {
	mean := (int(a.R) + int(b.R)) / 2
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return ((512+mean)*r*r)>>8 + 4*g*g + ((767-mean)*bl*bl)>>8
}

// shrink returns a picture in w x h pixels, each the mean of the pixels that it stands for, on a background.
func shrink(img image.Image, w, h int, ground color.RGBA) [][]color.RGBA {
	size := img.Bounds().Size()
	flat := image.NewRGBA(image.Rect(0, 0, size.X, size.Y))
	draw.Draw(flat, flat.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), img, img.Bounds().Min, draw.Over)
	out := make([][]color.RGBA, h)
	for y := range out {
		for x := range w {
			r := image.Rect(x*size.X/w, y*size.Y/h, max((x+1)*size.X/w, x*size.X/w+1), max((y+1)*size.Y/h, y*size.Y/h+1))
			out[y] = append(out[y], mean(flat, r.Intersect(flat.Bounds())))
		}
	}
	return out
}

func mean(img *image.RGBA, r image.Rectangle) color.RGBA {
	var red, green, blue, n int
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):img.PixOffset(r.Max.X, y)]
		for ; len(row) >= 4; row = row[4:] {
			red, green, blue, n = red+int(row[0]), green+int(row[1]), blue+int(row[2]), n+1
		}
	}
	if n == 0 {
		return color.RGBA{A: 255}
	}
	return color.RGBA{uint8(red / n), uint8(green / n), uint8(blue / n), 255}
}

// fill puts the colours of a picture that the palette lacks most into its free places, one after the other.
func (p Palette) fill(pixels [][]color.RGBA) Palette {
	var taken []int
	for n := range p.Colours {
		free := false
		for _, f := range p.Free {
			free = free || f == n
		}
		if !free {
			taken = append(taken, n)
		}
	}
	for _, n := range p.Free {
		worst, found := 0, color.RGBA{}
		for _, row := range pixels {
			for _, c := range row {
				if d := distance(c, p.Colours[p.nearest(c, taken)]); d > worst {
					worst, found = d, c
				}
			}
		}
		if worst == 0 {
			break
		}
		p.Colours[n] = found
		taken = append(taken, n)
	}
	return p
}
