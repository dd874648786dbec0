package qr

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// photograph draws cells as a phone sees them: 8 by 16 pixels a cell, with a dark border.
func photograph(cells [][]Cell, s Style) image.Image {
	const w, h, ground = 8, 16, 16
	img := image.NewGray(image.Rect(0, 0, len(cells[0])*w+2*ground, len(cells)*h+2*ground))
	light := func(c Cell, lower bool) bool {
		if s == BackgroundColors {
			return c.Light
		}
		return c.Glyph == '█' || c.Glyph == '▀' && !lower || c.Glyph == '▄' && lower
	}
	for y, row := range cells {
		for x, c := range row {
			for py := range h {
				for px := range w {
					if light(c, py >= h/2) {
						img.SetGray(ground+x*w+px, ground+y*h+py, color.Gray{255})
					}
				}
			}
		}
	}
	return img
}

func scan(t *testing.T, img image.Image) string {
	t.Helper()
	bmp, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	res, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]interface{}{
		gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
	})
	if err != nil {
		t.Fatalf("unreadable QR code: %v", err)
	}
	return res.GetText()
}

func TestEncodedTextIsReadable(t *testing.T) {
	for name, text := range map[string]string{
		"an address":                "https://kiosk.example/a/7F3K-9QZX",
		"an address in capitals":    "HTTPS://KIOSK.EXAMPLE/A/7F3K-9QZX",
		"digits":                    "0123456789012345",
		"one character":             "x",
		"words in another alphabet": "Öffnen: Füße, żółw",
		"the longest text":          strings.Repeat("a1-", MaxText/3),
	} {
		for _, style := range []Style{HalfBlocks, BackgroundColors} {
			for _, quiet := range []int{FullQuiet, MinQuiet} {
				code, err := Encode(text)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				code = code.WithQuiet(quiet)
				cells := code.Cells(style)
				if w, h := code.Extent(style); h != len(cells) || w != len(cells[0]) {
					t.Errorf("%s: extent %dx%d, drawn %dx%d", name, w, h, len(cells[0]), len(cells))
				}
				if got := scan(t, photograph(cells, style)); got != text {
					t.Errorf("%s, style %d, margin %d: read %q, want %q", name, style, quiet, got, text)
				}
			}
		}
	}
}

func TestCapitalsMakeSmallerCodes(t *testing.T) {
	small, _ := Encode("HTTPS://KIOSK.EXAMPLE/A/7F3K-9QZX")
	large, _ := Encode("https://kiosk.example/a/7f3k-9qzx")
	if small.Size() >= large.Size() {
		t.Errorf("capitals take %d modules, small letters %d", small.Size(), large.Size())
	}
}

func TestMarginIsLight(t *testing.T) {
	code, err := Encode("margin")
	if err != nil {
		t.Fatal(err)
	}
	n := code.Size()
	for i := range n {
		for q := range FullQuiet {
			if code.Dark(i, q) || code.Dark(q, i) || code.Dark(i, n-1-q) || code.Dark(n-1-q, i) {
				t.Fatalf("a dark module %d from the edge, margin is %d", q, FullQuiet)
			}
		}
	}
	if !code.Dark(FullQuiet, FullQuiet) {
		t.Error("the corner of the finder pattern is light")
	}
	if code.Dark(-1, 0) || code.Dark(0, n) {
		t.Error("a module outside the code is dark")
	}
	if got, want := code.WithQuiet(0).Size(), n-2*FullQuiet+2*MinQuiet; got != want {
		t.Errorf("without a margin it has %d modules, want %d", got, want)
	}
}

func TestEncodeRejectsInvalidTexts(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":              "",
		"too long":             strings.Repeat("a", MaxText+1),
		"an escape sequence":   "https://x/\x1b[2J",
		"a line break":         "a\nb",
		"not UTF-8":            "a\xffb",
		"a direction override": "a\u202eb",
	} {
		_, err := Encode(text)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if len(text) > 3 && strings.Contains(err.Error(), text[:4]) {
			t.Errorf("%s: the error contains the text: %v", name, err)
		}
	}
}

func TestZeroCodeHasNoCells(t *testing.T) {
	var c Code
	if c.Size() != 0 || c.Dark(0, 0) || len(c.Cells(HalfBlocks)) != 0 || len(c.Cells(BackgroundColors)) != 0 {
		t.Error("a code without modules has cells")
	}
}

func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "a", "https://kiosk.example/", "\x00", "ÄÖÜ", strings.Repeat("9", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, err := Encode(text)
		if err != nil {
			return
		}
		if n := code.Size(); n < 21+2*FullQuiet || len(text) > MaxText {
			t.Errorf("%d modules for %d bytes", n, len(text))
		}
	})
}
