package font

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// psf2 returns a PSF 2 file. The bytes of a glyph are its number.
func psf2(w, h int, chars []string) []byte {
	var b bytes.Buffer
	size := h * ((w + 7) / 8)
	for _, v := range []uint32{0x864ab572, 0, 32, 1, uint32(len(chars)), uint32(size), uint32(h), uint32(w)} {
		_ = binary.Write(&b, binary.LittleEndian, v) // into memory
	}
	for i := range chars {
		b.Write(bytes.Repeat([]byte{byte(i)}, size))
	}
	for _, c := range chars {
		b.WriteString(c + "\xff")
	}
	return b.Bytes()
}

// psf1 returns the same in the older format, with 256 glyphs of 8x16.
func psf1(chars []string) []byte {
	b := []byte{0x36, 0x04, 2, 16}
	for i := range 256 {
		b = append(b, bytes.Repeat([]byte{byte(i)}, 16)...)
	}
	for i := range 256 {
		if i < len(chars) {
			for _, r := range chars[i] {
				b = binary.LittleEndian.AppendUint16(b, uint16(r))
			}
		}
		b = append(b, 0xfe, 0xff, 'A', 0, 1, 3, 0xff, 0xff) // a combination of two characters
	}
	return b
}

func read(t *testing.T, b []byte) *Font {
	t.Helper()
	f, err := Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRead(t *testing.T) {
	chars := []string{" ", "AÀ", "é\xfeé", ""}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(psf2(8, 16, chars)) // into memory
	_ = z.Close()
	for name, b := range map[string][]byte{"PSF 2": psf2(8, 16, chars), "packed": packed.Bytes(), "wide": psf2(16, 32, chars), "PSF 1": psf1([]string{" ", "AÀ", "é"})} {
		f := read(t, b)
		if f.Runes['A'] != 1 || f.Runes['À'] != 1 || f.Runes['é'] != 2 || f.Glyphs[2][0] != 2 || len(f.Glyphs[0]) != f.size() {
			t.Errorf("%s: %v", name, f.Runes)
		}
		if _, has := f.Runes['\u0301']; has {
			t.Errorf("%s: a part of a combination counts as a character", name)
		}
	}
}

func TestReadRejectsInvalidFiles(t *testing.T) {
	good := psf2(8, 16, []string{"A"})
	change := func(at int, v byte) []byte {
		b := slices.Clone(good)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("PSF, they said"), "cut in the glyphs": good[:40], "cut in the table": good[:len(good)-1],
		"no table": change(12, 0), "too many glyphs": change(18, 1), "too high": change(24, 33), "no width": change(28, 0),
		"a size that does not fit": change(20, 15), "cut gzip": {0x1f, 0x8b, 8}, "too large": make([]byte, maxFile+1),
	} {
		if f, err := Read(bytes.NewReader(b)); err == nil || !strings.HasPrefix(err.Error(), "console font: ") {
			t.Errorf("%s: %v %v", name, f, err)
		}
	}
}

// Blocks go into free places, or replace characters that the kiosk does not use.
func TestCompleteAddsBlocks(t *testing.T) {
	few := read(t, psf2(8, 16, []string{" ", "A"}))
	few.Complete()
	full := make([]string, 512)
	for i := range full {
		full[i] = string(rune(0x3400 + i)) // not required
	}
	full[' '], full['A'], full[3] = " ", "A", ""
	crowded := read(t, psf2(16, 32, full))
	crowded.Complete()
	for name, f := range map[string]*Font{"few": few, "crowded": crowded} {
		for _, r := range "▀▄█░▒■─│┌┐└┘├┤┬┴┼" {
			if _, ok := f.Runes[r]; !ok {
				t.Errorf("%s: no %c", name, r)
			}
		}
		if n := len(f.Glyphs); n != 256 && n != 512 {
			t.Errorf("%s: %d glyphs", name, n)
		}
		row := (f.Width + 7) / 8
		upper := f.Glyphs[f.Runes['▀']]
		if upper[0] != 0xff || upper[row*(f.Height/2)] != 0 || f.Glyphs[f.Runes['▄']][0] != 0 {
			t.Errorf("%s: the half blocks are %x", name, upper)
		}
		if f.Runes['A'] == f.Runes['▀'] || f.Runes[' '] == f.Runes['█'] {
			t.Errorf("%s: a block took a letter's place", name)
		}
	}
	if crowded.Runes[' '] != ' ' || crowded.Runes['A'] != 'A' {
		t.Error("a required glyph has moved")
	}
	if _, ok := crowded.Runes[0x3400]; !ok {
		t.Error("more characters were replaced than necessary")
	}
	if crowded.Runes['▀'] != 3 && crowded.Runes['█'] != 3 {
		t.Error("the free place was not used first")
	}
}

// Missing follows the table of characters, not the number of glyphs.
func TestMissing(t *testing.T) {
	f := read(t, psf2(8, 16, []string{" ", RequiredCharacters}))
	if got := f.Missing(); len(got) > 0 {
		t.Errorf("%q", string(got))
	}
	delete(f.Runes, '€')
	if got := f.Missing(); string(got) != "€" {
		t.Errorf("%q", string(got))
	}
}

// The screen must keep 50 columns and 15 rows.
func TestLargestFittingFont(t *testing.T) {
	for _, c := range []struct {
		name       string
		wide, high int
		want       string
	}{
		{"the 7-inch panel", 800, 480, "Uni2-Terminus32x16.psf.gz"},
		{"640x480", 640, 480, "Uni2-Terminus24x12.psf.gz"},
		{"a small one", 480, 320, "Uni2-Terminus16.psf.gz"},
		{"a television", 1920, 1080, "Uni2-Terminus32x16.psf.gz"},
	} {
		if got := fittingFonts(c.wide, c.high); got[0] != c.want {
			t.Errorf("%s: %s, want %s", c.name, got[0], c.want)
		}
	}
}

// Each of the fonts that is installed has all required characters after Complete.
func TestDebianFontsAreComplete(t *testing.T) {
	found := 0
	for _, c := range choices {
		f, err := openFont(filepath.Join(Dir, c.file))
		if os.IsNotExist(err) || err != nil && strings.Contains(err.Error(), "no such file") {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		found++
		before := len(f.Missing())
		f.Complete()
		if f.Width != c.width || f.Height != c.height {
			t.Errorf("%s: %dx%d", c.file, f.Width, f.Height)
		}
		if m := f.Missing(); len(m) > 0 {
			t.Errorf("%s lacks %q", c.file, string(m))
		}
		t.Logf("%s: %d were missing, %d glyphs", c.file, before, len(f.Glyphs))
	}
	t.Logf("%d of %d fonts are installed here", found, len(choices))
}

func TestProvideIgnoresOtherDevices(t *testing.T) {
	if missing, err := Provide(os.DevNull, "", t.TempDir()); missing != nil || err != nil {
		t.Errorf("%q %v", string(missing), err)
	}
	if _, err := Provide(filepath.Join(t.TempDir(), "tty"), "", ""); err == nil {
		t.Error("a missing terminal is no error")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(psf2(8, 16, []string{"A", "é\xfex"}))
	f.Add(psf1([]string{"A"}))
	f.Add([]byte{0x36, 0x04, 7, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		font, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		font.Complete()
		for r, i := range font.Runes {
			if i < 0 || i >= len(font.Glyphs) || len(font.Glyphs[i]) != font.size() {
				t.Fatalf("%U is glyph %d of %d", r, i, len(font.Glyphs))
			}
		}
	})
}
