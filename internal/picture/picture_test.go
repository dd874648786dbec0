package picture

import (
	"image"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ciba-kiosk/ciba-kiosk/internal/font"
	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/tui"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// smallFont has an A, a replacement character, and the characters that font.Complete computes.
func smallFont(t *testing.T) *font.Font {
	t.Helper()
	f := &font.Font{Width: 8, Height: 16, Runes: map[rune]int{' ': 0, 'A': 1, '\ufffd': 2}}
	for range 40 {
		f.Glyphs = append(f.Glyphs, make([]byte, 16))
	}
	f.Glyphs[1][3] = 0b01000000
	f.Glyphs[2][7] = 0b00000001
	f.Complete()
	return f
}

func drawn(t *testing.T, frame layout.Frame, theme string, plain bool) *image.Paletted {
	t.Helper()
	palette, looks, err := tui.Theme(theme, plain)
	if err != nil {
		t.Fatal(err)
	}
	return Draw(frame, palette, looks, smallFont(t))
}

func TestDrawLooksLikeAConsole(t *testing.T) {
	frame := layout.Frame{W: 3, H: 1, Cells: []layout.Cell{
		{Text: "A", Style: layout.Title, Width: 1}, {Text: "Ж", Style: layout.Text, Width: 1}, {Text: " ", Style: layout.Key, Width: 1},
	}, Cursor: true, CursorX: 2}
	img := drawn(t, frame, "dark", false)
	if w, h := img.Bounds().Dx(), img.Bounds().Dy(); w != 24 || h != 16 {
		t.Fatalf("%d x %d pixels", w, h)
	}
	for _, c := range []struct {
		what string
		x, y int
		want uint8
	}{
		{"a pixel of a letter", 1, 3, 15}, {"the background beside it", 2, 3, 0},
		{"the replacement character", 15, 7, 7}, {"its background", 14, 7, 0},
		{"a blank", 17, 3, 2}, {"the cursor", 17, 15, 0},
	} {
		if got := img.ColorIndexAt(c.x, c.y); got != c.want {
			t.Errorf("%s: colour %d, want %d", c.what, got, c.want)
		}
	}
}

// TestQRCodesCanBeRead reads the QR code of a picture, in half blocks and in background colours, in four themes.
func TestQRCodesCanBeRead(t *testing.T) {
	const url = "https://kiosk.example/a/7F3K-9QZX"
	f := smallFont(t)
	for name, o := range map[string]layout.Options{"half blocks": Options(f), "background colours": {}} {
		for theme, plain := range map[string]bool{"dark": false, "light": false, "mono": false, "high-contrast": true} {
			s := screen.Screen{Title: "A", Link: &screen.Link{URL: url}}
			img := drawn(t, layout.Draw(s, 128, 48, o), theme, plain)
			bits, err := gozxing.NewBinaryBitmapFromImage(img)
			if err != nil {
				t.Fatal(err)
			}
			got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
			if err != nil || got.GetText() != url {
				t.Errorf("%s, %s: %v %v", name, theme, got, err)
			}
		}
	}
}

func TestSheetHasAllPictures(t *testing.T) {
	img := drawn(t, layout.Draw(screen.Screen{Title: "A"}, 10, 4, layout.Options{}), "dark", false)
	sheet := Sheet([]*image.Paletted{img, img, img}, 2)
	if w, h := sheet.Bounds().Dx(), sheet.Bounds().Dy(); w != 2*80+18 || h != 2*64+18 {
		t.Errorf("%d x %d", w, h)
	}
	if sheet.ColorIndexAt(0, 0) != gapColour || sheet.ColorIndexAt(6, 6) != img.ColorIndexAt(0, 0) {
		t.Error("the pictures are in the wrong places")
	}
}
