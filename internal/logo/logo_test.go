package logo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
)

func encode(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// plain returns a picture of one colour.
func plain(w, h int, c color.Color) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	return img
}

// withSize changes the size that a PNG file declares.
func withSize(file []byte, w, h uint32) []byte {
	out := bytes.Clone(file)
	binary.BigEndian.PutUint32(out[16:], w)
	binary.BigEndian.PutUint32(out[20:], h)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

func chunk(name string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, name...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func TestHostilePicturesAreRefused(t *testing.T) {
	good := encode(t, plain(40, 20, color.RGBA{200, 0, 0, 255}))
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file []byte
		says string
	}{
		"nothing":                   {nil, "not a PNG"},
		"text":                      {[]byte("<svg/>"), "not a PNG"},
		"a bomb":                    {withSize(good, 60000, 60000), "at most a million"},
		"a long line":               {withSize(good, 1<<20, 1), "at most a million"},
		"a size beyond 31 bits":     {withSize(good, 1<<31, 1<<31), "PNG"},
		"no pixels":                 {withSize(good, 0, 10), "PNG"},
		"cut off":                   {good[:len(good)/2], "damaged"},
		"cut off in the header":     {good[:20], "damaged"},
		"larger than its data":      {withSize(good, 400, 400), "damaged"},
		"animated":                  {append(append(bytes.Clone(good[:33]), chunk("acTL", make([]byte, 8))...), good[33:]...), "animated"},
		"a file of a few megabytes": {append(bytes.Clone(good), make([]byte, MaxFile)...), "KiB"},
	} {
		if _, err := Parse(tc.file); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func palette() Palette {
	p := Palette{Free: []int{9, 10, 11, 12, 13, 14}, Backgrounds: 8}
	for i := range p.Colours {
		p.Colours[i] = color.RGBA{uint8(i), uint8(i), uint8(i), 255} // almost black
	}
	p.Colours[15] = color.RGBA{255, 255, 255, 255}
	return p
}

func TestPictureKeepsItsShapeAndColours(t *testing.T) {
	img := plain(80, 40, color.RGBA{220, 20, 60, 255})
	for y := range 20 {
		for x := range 80 {
			img.Set(x, y, color.RGBA{0, 120, 220, 255})
		}
	}
	w, h := Fit(img, 24, 8)
	if w != 24 || h != 6 {
		t.Fatalf("%d x %d cells, want 24 x 6: a cell is twice as high as it is wide", w, h)
	}
	cells, p := Draw(img, w, h, palette())
	at := func(y int) color.RGBA {
		c := cells[y][5]
		if c.Glyph == ' ' {
			return p.Colours[c.Background]
		}
		return p.Colours[c.Foreground]
	}
	if got := at(0); got != (color.RGBA{0, 120, 220, 255}) {
		t.Errorf("the upper half is %v", got)
	}
	if got := at(5); got != (color.RGBA{220, 20, 60, 255}) {
		t.Errorf("the lower half is %v", got)
	}
	for i, c := range p.Colours {
		if i < 9 && c != palette().Colours[i] || i == 15 && c.R != 255 {
			t.Errorf("colour %d has changed to %v", i, c)
		}
	}
}

func TestTransparentPartsShowTheBackground(t *testing.T) {
	cells, p := Draw(image.NewRGBA(image.Rect(0, 0, 10, 10)), 10, 5, palette())
	for _, row := range cells {
		for _, c := range row {
			if c.Glyph != ' ' || int(c.Background) != p.Ground {
				t.Fatalf("%+v", c)
			}
		}
	}
}

func TestFit(t *testing.T) {
	for _, tc := range []struct{ w, h, columns, rows, wantW, wantH int }{
		{100, 100, 24, 8, 16, 8}, {1000, 10, 24, 8, 24, 1}, {1, 1000, 24, 8, 1, 8}, {1, 1, 24, 8, 16, 8},
	} {
		if w, h := Fit(image.NewRGBA(image.Rect(0, 0, tc.w, tc.h)), tc.columns, tc.rows); w != tc.wantW || h != tc.wantH {
			t.Errorf("%d x %d pixels: %d x %d cells, want %d x %d", tc.w, tc.h, w, h, tc.wantW, tc.wantH)
		}
	}
}

// No file makes the reader panic or take long, and every cell can be shown.
func FuzzParse(f *testing.F) {
	good := encode(f, plain(4, 4, color.RGBA{1, 2, 3, 255}))
	f.Add(good)
	f.Add(withSize(good, 1000, 1000))
	f.Fuzz(func(t *testing.T, file []byte) {
		img, err := Parse(file)
		if err != nil {
			return
		}
		w, h := Fit(img, 24, 8)
		cells, p := Draw(img, w, h, palette())
		for _, row := range cells {
			for _, c := range row {
				if int(c.Background) >= p.Backgrounds || c.Foreground > 15 || !strings.ContainsRune(" █▀▄", c.Glyph) {
					t.Fatalf("%+v", c)
				}
			}
		}
	})
}

// BenchmarkLogo is what a logo of the largest allowed size adds to a start.
func BenchmarkLogo(b *testing.B) {
	img := image.NewRGBA(image.Rect(0, 0, 1024, 1024))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7919 >> 5)
	}
	file := encode(b, img)
	for b.Loop() {
		img, err := Parse(file)
		if err != nil {
			b.Fatal(err)
		}
		for _, size := range [][2]int{{24, 8}, {48, 16}} {
			w, h := Fit(img, size[0], size[1])
			Draw(img, w, h, palette())
		}
	}
}
