package layout

import (
	"strings"
	"testing"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

// similarPairs are characters that may share a shape: a code contains at most one of each pair.
var similarPairs = map[string]bool{"0O": true, "O0": true}

func TestLettersHaveDistinctShapes(t *testing.T) {
	for _, how := range []lettering{lineLetters, slimHalfLetters, halfLetters, slimLetters, narrowLetters, wideLetters, tallLetters} {
		seen := map[string]rune{}
		for _, r := range alphabet {
			rows, ok := glyphOf(r, how)
			want := map[lettering]int{lineLetters: 3, slimHalfLetters: 3, halfLetters: 3, tallLetters: 10}[how]
			if want == 0 {
				want = 5
			}
			if !ok || len(rows) != want {
				t.Fatalf("%q in lettering %d: %d rows", r, how, len(rows))
			}
			for _, row := range rows {
				if width(row) != width(rows[0]) {
					t.Errorf("%q in lettering %d: rows of different widths", r, how)
				}
				if how >= slimLetters && strings.Trim(row, "█ ") != "" {
					t.Errorf("%q in lettering %d: %q is more than blocks and blanks", r, how, row)
				}
			}
			shape := strings.Join(rows, "|")
			if other, taken := seen[shape]; taken && !similarPairs[string(r)+string(other)] {
				t.Errorf("%q and %q look the same in lettering %d", r, other, how)
			}
			seen[shape] = r
		}
	}
}

func TestLettersFitTheColumn(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		w          int
		how        lettering
	}{
		{"seven characters at 40 columns, half blocks", "K7-4F9Q", 38, halfLetters},
		{"eight characters at 40 columns, half blocks", "K7R-4F9Q", 38, halfLetters},
		{"nine wide characters at 40 columns, half blocks", "WDJB-MJHT", 38, slimHalfLetters},
		{"the same as full blocks", "WDJB-MJHT", 38, slimLetters},
		{"eight characters at 40 columns, lines", "K7R-4F9Q", 38, lineLetters},
		{"seven characters at 80 columns", "M2-WB8X", 68, wideLetters},
		{"eight characters at 80 columns", "K7R-4F9Q", 68, wideLetters},
	} {
		if blockLetters(tc.code, tc.how, tc.w) == nil {
			t.Errorf("%s does not fit", tc.name)
		}
	}
	for _, code := range []string{"", "a b", "Ä", "K7*"} {
		if blockLetters(code, wideLetters, 80) != nil {
			t.Errorf("%q was drawn", code)
		}
	}
	if len(blockLetters("k7", wideLetters, 80)) != 5 {
		t.Error("small letters are not drawn as capitals")
	}
}

func TestCodeWithoutLettersIsShownAsText(t *testing.T) {
	s := samples()["waiting"]
	for _, code := range []string{"Ä-1", "WWWWWWWWWWWW-MMMMM", "K7-4F9Q"} {
		s.Code, s.SpelledCode = code, ""
		for _, size := range sizes {
			if text := joinedText(Draw(s, size[0], size[1], Options{})); !strings.Contains(text, code) {
				t.Errorf("%q is not readable at %v", code, size)
			}
		}
	}
}
