package layout

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct{ name, in, safe, full string }{
		{"plain words", "Hello, world", "Hello, world", "Hello, world"},
		{"western accents", "Müller, Ångström, français", "Müller, Ångström, français", "Müller, Ångström, français"},
		{"composed of letter and mark", "Mu\u0308ller", "Müller", "Müller"},
		{"other accents", "Žižek, Łódź, İstanbul, São", "Zizek, Lódz, Istanbul, Sao", "Žižek, Łódź, İstanbul, São"},
		{"typographic signs", "“a” – ‘b’ … 5 € ™", "\"a\" - 'b' ... 5 EUR TM", "“a” – ‘b’ … 5 € ™"},
		{"ligature and wide letters", "ﬁne ＡＢ", "fine AB", "ﬁne ＡＢ"},
		{"no replacement", "日本 Ж", "?? ?", "日本 Ж"},
		{"colour and clear sequences", "a\x1b[31mb\x1b[2Jc", "a[31mb[2Jc", "a[31mb[2Jc"},
		{"the eight-bit introducer", "a\u009b31mb", "a31mb", "a31mb"},
		{"title of the window", "a\x1b]0;x\x07b", "a]0;xb", "a]0;xb"},
		{"line breaks and tabs", "a\r\nb\tc\u2028d\u00a0e", "a  b c d e", "a  b c d e"},
		{"delete", "a\x7fb", "ab", "ab"},
		{"direction overrides", "pay \u202e001\u202c EUR\u2066x\u2069\u200f", "pay 001 EURx", "pay 001 EURx"},
		{"invisible characters", "a\u200b\u200d\ufeff\u00ad\u2060b\U000e0041", "ab", "ab"},
		{"broken UTF-8", "a\xffb\xc3", "a?b?", "a?b?"},
		{"private use and unassigned", "a\ue000\u0378", "a??", "a??"},
		{"a tower of marks", "Z\u0301\u0302\u0303\u0304\u0305\u0306", "Z", "Ź\u0302\u0303"},
		{"a mark alone", "\u0301", "", "?"},
	} {
		if got := Clean(tc.in, false); got != tc.safe {
			t.Errorf("%s: console %q, want %q", tc.name, got, tc.safe)
		}
		if got := Clean(tc.in, true); got != tc.full {
			t.Errorf("%s: emulator %q, want %q", tc.name, got, tc.full)
		}
	}
	if n := len(Clean(strings.Repeat("ab", 1<<20), false)); n > maxRunes {
		t.Errorf("%d characters of an endless text are kept", n)
	}
}

// Characters that the font has are kept; others are replaced.
func TestCleanFollowsTheFont(t *testing.T) {
	for _, c := range []struct{ in, has, want string }{
		{"Łódź: 30 €", "", "Lodz: 30 EUR"},
		{"Łódź: 30 €", "Łóź€", "Łódź: 30 €"},
		{"Łódź: 30 €", "ó", "Lódz: 30 EUR"},
		{"für “João”", "ü", "für \"Joao\""},
		{"e\u0301", "\u0301", "e"}, // consoles cannot combine marks
		{"漢", "", "?"},
	} {
		o := Options{Font: map[rune]bool{}}
		for _, r := range c.has {
			o.Font[r] = true
		}
		if got := clean(c.in, o); got != c.want {
			t.Errorf("%q with %q: %q, want %q", c.in, c.has, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2J", "\u202e", "Z\u0301\u0302", "日本", "\xff", "\u0345\u0301", "ﷺ", "각", "\u1100\u1161"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, full := range []bool{false, true} {
			once := Clean(s, full)
			for _, r := range once {
				if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || !full && !isSafe[r] {
					t.Errorf("%q: U+%04X is left", s, r)
				}
			}
			if twice := Clean(once, full); twice != once {
				t.Errorf("%q: first %q, then %q", s, once, twice)
			}
		}
	})
}

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		w        int
		want     []string
	}{
		{"fits", "one two", 10, []string{"one two"}},
		{"breaks between words", "one two three", 8, []string{"one two", "three"}},
		{"exactly full", "one two", 7, []string{"one two"}},
		{"many blanks are one", "one   two ", 10, []string{"one two"}},
		{"a word longer than the line", "abcdefghij kl", 4, []string{"abcd", "efgh", "ij", "kl"}},
		{"wide characters", "日本語", 4, []string{"日本", "語"}},
		{"nothing", "  ", 4, nil},
		{"no room", "a", 0, nil},
		{"a wide character in one column", "日本", 1, []string{"日", "本"}},
	} {
		if got := wrap(tc.in, tc.w); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two three", 5)
	f.Add("日本語 text", 3)
	f.Fuzz(func(t *testing.T, s string, w int) {
		s, w = Clean(s, true), min(max(w, 2), 200)
		lines := wrap(s, w)
		for _, l := range lines {
			if width(l) > w {
				t.Errorf("%q is wider than %d", l, w)
			}
		}
		strip := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := strip(strings.Join(lines, "")); got != strip(s) {
			t.Errorf("%q became %q", s, lines)
		}
	})
}

func TestTruncateAndLastColumns(t *testing.T) {
	if got := truncate("Corner Shop", 8); got != "Corne..." {
		t.Errorf("truncate: %q", got)
	}
	if got := truncate("Corner Shop", 2); got != "Co" {
		t.Errorf("truncate: %q", got)
	}
	if got, cut := lastColumns("abcdef", 3); got != "def" || !cut {
		t.Errorf("lastColumns: %q %v", got, cut)
	}
	if got, cut := lastColumns("日本語", 3); got != "語" || !cut {
		t.Errorf("lastColumns: %q %v", got, cut)
	}
	if got, cut := lastColumns("abc", 3); got != "abc" || cut {
		t.Errorf("lastColumns: %q %v", got, cut)
	}
}

func TestAddressBreaksAfterASlash(t *testing.T) {
	var got []string
	for _, l := range wrapAddress("https://kiosk.example/a/7F3K-9QZX", 30, Dim) {
		row := ""
		for _, c := range l {
			row += c.Text
		}
		got = append(got, row)
	}
	if want := []string{"https://kiosk.example/a/", "7F3K-9QZX"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// French has a blank before these signs.
func TestFrenchSignsNeverBeginALine(t *testing.T) {
	for w := 12; w < 40; w++ { // narrower, a word and its sign do not fit on a line
		for _, l := range wrap("Toujours rien ? Par exemple : alice !", w) {
			if l[0] == '?' || l[0] == ':' || l[0] == '!' {
				t.Errorf("at %d columns a line is %q", w, l)
			}
		}
	}
}
