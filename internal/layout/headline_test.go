package layout

import (
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

// latinLetters are the letters of the languages offered, beside ASCII.
const latinLetters = "ÄÖÜäöüßÀÂÇÈÉÊËÎÏÔÙÛàâçèéêëîïôùûœŒæÆÁÍÑÓÚáíñóú¿¡ÌÒìòĄĆĘŁŃŚŹŻąćęłńśźżÃÕãõ€"

// TestHeadlineLettersAreDistinct draws every letter of every language and compares each with all others.
func TestHeadlineLettersAreDistinct(t *testing.T) {
	seen := map[string]rune{}
	ascii := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?'\"-+/()&%#=*$@"
	for _, r := range ascii + latinLetters {
		b, ok := headlineLetters().glyph(string(r))
		if !ok {
			t.Errorf("there is no %q", r)
			continue
		}
		if len(b) != markPixels+letterPixels+descentPixels {
			t.Errorf("%q has %d rows", r, len(b))
		}
		for _, row := range b {
			if len(row) != len(b[0]) || strings.Trim(row, "# ") != "" {
				t.Errorf("%q: row %q", r, row)
			}
		}
		shape := strings.Join(b, "|")
		if other, same := seen[shape]; same {
			t.Errorf("%q looks like %q", r, other)
		}
		seen[shape] = r
	}
}

func TestHeadlineWrapsAndGivesUp(t *testing.T) {
	for _, tc := range []struct {
		text   string
		w      int
		double bool
		rows   int // 0: not possible
	}{
		{"Declined", 60, false, 4},
		{"Declined", 30, false, 0},      // the word is wider
		{"Sign in here", 80, false, 5},  // the g goes below the base line
		{"Sign in here", 40, false, 9},  // two lines
		{"Żółw", 60, false, 5},          // a mark above a capital
		{"Declined", 100, true, 7},      // a row for each pixel
		{"Declined", 60, true, 0},       //
		{"日本", 80, false, 0},            // no such letters
		{"", 80, false, 0},              //
		{"Zażółć gęślą", 80, false, 5},  // marks below
		{"a\u0323\u0323", 80, false, 0}, // an unknown mark
	} {
		rows := headline(tc.text, tc.w, tc.double)
		if len(rows) != tc.rows {
			t.Errorf("%q in %d columns has %d rows, want %d", tc.text, tc.w, len(rows), tc.rows)
		}
		for _, r := range rows {
			if len(r) > tc.w {
				t.Errorf("%q: a row has %d columns, want %d at most", tc.text, len(r), tc.w)
			}
		}
	}
}

// TestPicturesAreDrawable checks that each picture exists and that no cell needs two colours of ink.
func TestPicturesAreDrawable(t *testing.T) {
	names := []screen.Picture{screen.PhonePicture, screen.CardPicture, screen.TickPicture, screen.CrossPicture, screen.LockPicture, screen.ClockPicture, screen.PersonPicture}
	if len(names) != len(pictures()) {
		t.Errorf("%d pictures have names, %d are in the file", len(names), len(pictures()))
	}
	for _, name := range names {
		b := pictures()[string(name)]
		if len(b) == 0 || len(b)%2 != 0 {
			t.Fatalf("%s has %d rows", name, len(b))
		}
		for y, row := range b {
			if len(row) != len(b[0]) {
				t.Errorf("%s: row %d has another width", name, y)
			}
			for x := range len(row) {
				_, known := pixelStyles[row[x]]
				if row[x] != ' ' && !known {
					t.Errorf("%s: unknown pixel %q", name, row[x])
				}
				if other := b[y^1][x]; row[x] != ' ' && other != ' ' && other != row[x] {
					t.Errorf("%s: the cell at column %d, rows %d and %d, has two colours", name, x, y&^1, y|1)
				}
			}
		}
	}
}

// TestHeadlinesNeedTheFont checks that without half blocks the words are there as text, and no picture is drawn.
func TestHeadlinesNeedTheFont(t *testing.T) {
	s := samples()["ended"]
	if f := Draw(s, 80, 24, Options{HalfBlocks: true}); f.Headline != s.Headline {
		t.Errorf("no headline in\n%s", strings.Join(rowsOf(f), "\n"))
	}
	f := Draw(s, 80, 24, Options{})
	if text := strings.Join(rowsOf(f), "\n"); f.Headline != "" || strings.ContainsAny(text, "▀▄█") || !strings.Contains(text, s.Title) {
		t.Errorf("without half blocks:\n%s", text)
	}
}
