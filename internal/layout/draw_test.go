package layout

import (
	"image"
	"image/color"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/rivo/uniseg"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// rowsOf returns the text of a frame, row by row.
func rowsOf(f Frame) []string {
	rows := make([]string, f.H)
	for y := range rows {
		for x := range f.W {
			rows[y] += f.At(x, y).Text
		}
		rows[y] = strings.TrimRight(rows[y], " ")
	}
	return rows
}

// joinedText returns the text of a frame with single blanks, so that wrapped sentences can be found.
func joinedText(f Frame) string {
	return strings.Join(strings.Fields(strings.Join(rowsOf(f), " ")), " ")
}

// checkFrame fails unless a frame is valid for a painter.
func checkFrame(t *testing.T, f Frame, w, h int, o Options) {
	t.Helper()
	if f.W != max(w, 0) || f.H != max(h, 0) || len(f.Cells) != f.W*f.H {
		t.Fatalf("%dx%d with %d cells, want %dx%d", f.W, f.H, len(f.Cells), w, h)
	}
	for i, c := range f.Cells {
		x := i % f.W
		switch {
		case c.Width == 0:
			if x == 0 || f.Cells[i-1].Width != 2 {
				t.Fatalf("cell %d: half of a wide character is missing", i)
			}
			continue
		case c.Width == 2 && (x == f.W-1 || f.Cells[i+1].Width != 0):
			t.Fatalf("cell %d: %q is cut in half", i, c.Text)
		case uniseg.StringWidth(c.Text) != c.Width:
			t.Fatalf("cell %d: %q is not %d wide", i, c.Text, c.Width)
		case uniseg.GraphemeClusterCount(c.Text) != 1:
			t.Fatalf("cell %d: %q is not one grapheme", i, c.Text)
		case int(c.Style) >= Styles:
			t.Fatalf("cell %d: style %d", i, c.Style)
		}
		for _, r := range c.Text {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("cell %d: U+%04X reaches the terminal", i, r)
			}
			if !o.FullGlyphs && !o.canDraw(r) && !(o.HalfBlocks && (r == '▀' || r == '▄')) {
				t.Fatalf("cell %d: the console font has no %q", i, r)
			}
		}
	}
	if f.Cursor && (f.CursorX < 0 || f.CursorX >= f.W || f.CursorY < 0 || f.CursorY >= f.H) {
		t.Fatalf("cursor at %d,%d", f.CursorX, f.CursorY)
	}
}

var sizes = [][2]int{{40, 12}, {40, 15}, {60, 16}, {80, 24}, {80, 25}, {100, 30}, {128, 48}, {200, 60}}

var fonts = []Options{{}, {HalfBlocks: true}, {HalfBlocks: true, FullGlyphs: true}, {Font: map[rune]bool{'█': true, 'ł': true}}}

// From 40 by 12 on, every sentence, label and key is complete.
func TestFramesContainEverySentenceAndKey(t *testing.T) {
	for name, s := range samples() {
		for _, size := range sizes {
			for _, o := range fonts {
				f := Draw(s, size[0], size[1], o)
				checkFrame(t, f, size[0], size[1], o)
				text := joinedText(f) + " " + f.Headline
				want := []string{s.Site, s.Title, s.Aside, s.Languages}
				if s.Notice == nil {
					want = append(want, s.Lines...)
					want = append(want, s.Warning, s.SpelledCode)
					for _, st := range s.Steps {
						want = append(want, st.Text)
					}
				} else {
					text = strings.Join(strings.Fields(strings.ReplaceAll(text, "│", " ")), " ")
					want = append(want, s.Notice.Title)
				}
				if s.Gauge != nil {
					want = append(want, s.Gauge.Text)
				}
				if e := s.Entry; e != nil {
					want = append(want, e.Label, e.Text, e.Problem)
				}
				for _, k := range s.Keys {
					want = append(want, k.Cap+" "+k.Text)
				}
				if s.Link != nil && size[0] == 40 {
					want = append(want, s.Link.URL)
				}
				for _, wanted := range want {
					if !strings.Contains(text, strings.Join(strings.Fields(wanted), " ")) && !spansQR(s, wanted, f) {
						t.Errorf("%s at %dx%d %+v: %q is missing in\n%s", name, size[0], size[1], o, wanted, strings.Join(rowsOf(f), "\n"))
					}
				}
			}
		}
	}
}

// spansQR reports whether all words of a sentence beside a QR code are in a frame.
func spansQR(s screen.Screen, wanted string, f Frame) bool {
	if s.Link == nil {
		return false
	}
	text := joinedText(f)
	for _, w := range strings.Fields(wanted) {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func TestPositionsAreTheSameOnEveryScreen(t *testing.T) {
	for _, size := range sizes {
		keys := map[int]bool{}
		for name, s := range samples() {
			f := Draw(s, size[0], size[1], Options{})
			rows := rowsOf(f)
			if !strings.Contains(rows[0]+rows[1], s.Site) {
				t.Errorf("%s: no site at the top", name)
			}
			for y := size[1] - 1; y >= 0 && len(s.Keys) > 0; y-- {
				if slices.ContainsFunc(f.Cells[y*f.W:(y+1)*f.W], func(c Cell) bool { return c.Style == Key }) {
					keys[y] = true
					break
				}
			}
		}
		if len(keys) != 1 {
			t.Errorf("%v: last key row at %v", size, keys)
		}
	}
}

func TestDrawIsDeterministic(t *testing.T) {
	for name, s := range samples() {
		if a, b := Draw(s, 80, 24, fonts[1]), Draw(s, 80, 24, fonts[1]); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: two frames differ", name)
		}
	}
}

func TestTinyScreensShowTitleAndKeys(t *testing.T) {
	for name, s := range samples() {
		for _, size := range [][2]int{{20, 6}, {24, 8}, {30, 10}} {
			f := Draw(s, size[0], size[1], Options{})
			checkFrame(t, f, size[0], size[1], Options{})
			first := strings.Fields(s.Title)[0]
			if s.Notice != nil {
				first = strings.Fields(s.Notice.Title)[0]
			}
			if !strings.Contains(joinedText(f), first) {
				t.Errorf("%s at %v: no title in\n%s", name, size, strings.Join(rowsOf(f), "\n"))
			}
			for _, k := range s.Keys {
				if !strings.Contains(joinedText(f), k.Cap) {
					t.Errorf("%s at %v: no key %q in\n%s", name, size, k.Cap, strings.Join(rowsOf(f), "\n"))
				}
			}
		}
	}
}

func TestDrawAtEverySize(t *testing.T) {
	for name, s := range samples() {
		for w := -1; w < 45; w += 1 + max(w, 0)/6 { // all small sizes, some larger ones
			for h := -1; h < 20; h += 1 + max(h, 0)/4 {
				o := fonts[(w+h+2)%3]
				f := Draw(s, w, h, o)
				if t.Failed() {
					t.Fatalf("%s at %dx%d", name, w, h)
				}
				checkFrame(t, f, w, h, o)
			}
		}
	}
}

func TestCursorIsInTheFieldOnly(t *testing.T) {
	for name, s := range samples() {
		f := Draw(s, 80, 24, Options{})
		if f.Cursor != (s.Entry != nil) {
			t.Errorf("%s: cursor %v", name, f.Cursor)
		}
		if f.Cursor && f.At(f.CursorX, f.CursorY).Style != Field {
			t.Errorf("%s: the cursor is on %q", name, f.At(f.CursorX, f.CursorY).Style)
		}
	}
	long := samples()["entry typed"]
	long.Entry = &screen.Entry{Label: "Name", Text: strings.Repeat("x", 500) + "end"}
	f := Draw(long, 40, 12, Options{})
	if row := rowsOf(f)[f.CursorY]; !strings.Contains(row, "end") || !strings.Contains(row, "«") {
		t.Errorf("the end of a long entry is invisible: %q", row)
	}
}

func TestPagesContainEachFieldOnce(t *testing.T) {
	s := samples()["many"]
	for _, size := range sizes {
		seen := map[string]int{}
		pages := 0
		for page := range 40 {
			s.Page = page
			text := joinedText(Draw(s, size[0], size[1], Options{}))
			if page > 0 && pages == 0 && text == joinedText(Draw(samples()["many"], size[0], size[1], Options{})) {
				pages = page
				break
			}
			for _, f := range s.Details {
				if strings.Contains(text, f.Label) && strings.Contains(text, f.Value) {
					seen[f.Label]++
				}
			}
		}
		if pages == 0 {
			t.Errorf("%v: the first page does not follow the last", size)
		}
		for _, f := range s.Details {
			if seen[f.Label] != 1 {
				t.Errorf("%v: %s is on %d of %d pages", size, f.Label, seen[f.Label], pages)
			}
		}
		s.Page = -1
		back := joinedText(Draw(s, size[0], size[1], Options{}))
		s.Page = pages - 1
		if back != joinedText(Draw(s, size[0], size[1], Options{})) {
			t.Errorf("%v: the page before the first is not the last", size)
		}
	}
}

func TestLongValueContinuesOnTheNextPage(t *testing.T) {
	s := samples()["many"]
	s.Details = []kiosk.Field{{Label: "Terms", Value: strings.Repeat("word ", 300) + "END"}}
	found := false
	for page := range 60 {
		s.Page = page
		found = found || strings.Contains(joinedText(Draw(s, 40, 12, Options{})), "END")
	}
	if !found {
		t.Error("the end of a long value is on no page")
	}
}

func TestGaugeBarIsProportional(t *testing.T) {
	nan := 0.0
	nan /= nan
	for part, want := range map[float64]int{0: 0, 1: 30, 0.5: 15, 0.001: 1, 7: 30, -3: 0, nan: 0} {
		got := 0
		for _, c := range gaugeBar(part, 30) {
			if c.Style == Bar {
				got++
			}
		}
		if got != want {
			t.Errorf("part %v fills %d of 30, want %d", part, got, want)
		}
	}
}

// readCode reads the QR code of a frame.
func readCode(f Frame) (string, error) {
	const w, h = 8, 16
	img := image.NewGray(image.Rect(0, 0, f.W*w, f.H*h))
	for y := range f.H {
		for x := range f.W {
			c := f.At(x, y)
			for py := range h {
				for px := range w {
					lit := c.Style == QRLight
					if c.Style == QRHalf {
						lit = c.Text == "█" || c.Text == "▀" && py < h/2 || c.Text == "▄" && py >= h/2
					}
					if lit {
						img.SetGray(x*w+px, y*h+py, color.Gray{255})
					}
				}
			}
		}
	}
	bmp, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	res, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]interface{}{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return res.GetText(), nil
}

func TestQRCodeIsReadableWhereItFits(t *testing.T) {
	s := samples()["ready with a QR code"]
	for _, tc := range []struct {
		name string
		w, h int
		o    Options
		qr   bool
	}{
		{"a usual console with half blocks", 80, 24, Options{HalfBlocks: true}, true},
		{"one row more", 80, 25, Options{HalfBlocks: true}, true},
		{"a 7-inch panel", 100, 30, Options{HalfBlocks: true}, true},
		{"a large console without half blocks", 128, 48, Options{}, true},
		{"a usual console without half blocks has the address", 80, 24, Options{}, false},
		{"a small console has the address", 40, 12, Options{HalfBlocks: true}, false},
	} {
		f := Draw(s, tc.w, tc.h, tc.o)
		got, err := readCode(f)
		if tc.qr && (err != nil || got != s.Link.URL) {
			t.Errorf("%s: read %q, %v", tc.name, got, err)
		}
		if !tc.qr && (err == nil || !strings.Contains(joinedText(f), s.Link.URL)) {
			t.Errorf("%s: code %q, text\n%s", tc.name, got, strings.Join(rowsOf(f), "\n"))
		}
	}
}

// With and without half blocks. Where a code does not fit, caption and address are shown as text.
func TestQRCodeIsReadableAtEverySize(t *testing.T) {
	s := samples()["ready with a QR code"]
	read, written := 0, 0
	for w := 40; w <= 140; w += 5 {
		for h := 12; h <= 50; h += 3 {
			for _, o := range []Options{{}, {HalfBlocks: true}} {
				f := Draw(s, w, h, o)
				if !slices.ContainsFunc(f.Cells, func(c Cell) bool { return c.Style == QRHalf || c.Style == QRLight }) {
					written++
					if text := strings.ReplaceAll(joinedText(f), " ", ""); !strings.Contains(text, strings.ReplaceAll(s.Link.URL, " ", "")) ||
						!strings.Contains(joinedText(f), s.Link.Caption) {
						t.Errorf("%dx%d: neither QR code nor address:\n%s", w, h, strings.Join(rowsOf(f), "\n"))
					}
					continue
				}
				read++
				if got, err := readCode(f); err != nil || got != s.Link.URL {
					t.Errorf("%dx%d, half blocks %v: read %q, %v", w, h, o.HalfBlocks, got, err)
				}
			}
		}
	}
	if read < 50 || written < 50 {
		t.Errorf("%d codes, %d texts", read, written)
	}
	t.Logf("%d codes read, %d times the address", read, written)
}

func TestInvalidAddressHasNoQRCode(t *testing.T) {
	s := samples()["ready with a QR code"]
	s.Link = &screen.Link{URL: "https://x/\x1b[2Jy", Caption: "Scan"}
	f := Draw(s, 80, 24, Options{HalfBlocks: true})
	checkFrame(t, f, 80, 24, Options{HalfBlocks: true})
	if _, err := readCode(f); err == nil {
		t.Error("an address with a control sequence has a QR code")
	}
}

func FuzzDraw(f *testing.F) {
	f.Add("Title", "Line of words", "K7-4F9Q", "https://kiosk.example/", 40, 12, uint8(0))
	f.Add("\x1b[2J\u009b31m", "\u202eevil\u200b", "ÄÖ\x00", "\xff\xfe", 20, 6, uint8(7))
	f.Add("日本語のタイトル", "e\u0301\u0301\u0301\u0301", "", "x", 3, 3, uint8(255))
	f.Add("👩‍👩‍👧‍👦🇩🇪", strings.Repeat("W", 300), "----------", "", 80, 24, uint8(14))
	f.Add("narrow", "e", "Ä", "", 3, 60, uint8(7))                                   // once: a cursor outside
	f.Add("日本語タイトル", "e\u0301", "k9", "x", 105, 51, uint8(0xd9))                     // once: a wide character cut by the overlay
	f.Add("long", strings.Repeat("\xf7", 5000), "K7-4F9Q", "x", 95, 12, uint8(0x1d)) // once: seconds of work
	f.Fuzz(func(t *testing.T, title, text, code, url string, w, h int, bits uint8) {
		w, h = min(max(w, 0), 150), min(max(h, 0), 60)
		s := screen.Screen{Tone: screen.Tone(bits % 5), Site: text, Title: title, Code: code, SpelledCode: title, Lines: []string{text, title},
			Warning: title, Paging: text, Page: int(int8(bits)), Keys: []screen.Key{{Cap: title, Text: text}, {Cap: code, Text: title}}}
		if bits&1 != 0 {
			s.Entry = &screen.Entry{Label: title, Text: text, Problem: code}
		}
		if bits&2 != 0 {
			s.Link = &screen.Link{URL: url, Caption: text}
		}
		if bits&4 != 0 {
			s.Details = []kiosk.Field{{Label: title, Value: text}, {Label: text, Value: title}, {}}
		}
		if bits&8 != 0 {
			s.Notice = &screen.Notice{Title: title, Text: text}
		}
		if bits&16 != 0 {
			s.Gauge = &screen.Gauge{Part: float64(bits), Text: text}
			s.Steps = []screen.ListStep{{Text: title, State: screen.StepState(bits)}, {Text: text, State: screen.Done}}
		}
		o := Options{HalfBlocks: bits&32 != 0, FullGlyphs: bits&64 != 0}
		checkFrame(t, Draw(s, w, h, o), w, h, o)
	})
}

// TestQRCodeAtEveryWidth: from 60 columns on, the first screen of a usual console has its QR code.
func TestQRCodeAtEveryWidth(t *testing.T) {
	for w := 60; w <= 132; w++ {
		if !Draw(samples()["ready with a QR code"], w, 25, Options{HalfBlocks: true}).HasQRCode() {
			t.Errorf("no QR code on %d columns", w)
		}
	}
}
