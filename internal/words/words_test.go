package words

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func placeholders(s string) []string {
	out := placeholder.FindAllString(s, -1)
	slices.Sort(out)
	return slices.Compact(out)
}

// allCatalogues returns every catalogue, complete or not, by language.
func allCatalogues(t *testing.T) map[string]*Catalog {
	t.Helper()
	all := make(map[string]*Catalog)
	for _, code := range Languages() {
		b, err := files.ReadFile("catalogue/" + code + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if all[code], err = parse(code, b); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Its failures tell translators and programmers what to do.
func TestCataloguesAreComplete(t *testing.T) {
	all := allCatalogues(t)
	wanted := screen.MessageIDs()
	for code, c := range all {
		for _, w := range wanted {
			if len(c.texts[w]) == 0 {
				t.Errorf("internal/words/catalogue/%s.json lacks %q (English: %q)", code, w, all["en"].texts[w]["other"])
			}
		}
		for w, forms := range c.texts {
			if !slices.Contains(wanted, w) {
				t.Errorf("internal/words/catalogue/%s.json has %q, which is not a message", code, w)
			}
			for form, s := range forms {
				if got, want := placeholders(s), placeholders(all["en"].texts[w]["other"]); !slices.Equal(got, want) {
					t.Errorf("%s: %q (%s) has placeholders %v, English has %v", code, w, form, got, want)
				}
				if strings.Join(strings.Fields(s), " ") != s || s == "" {
					t.Errorf("%s: %q (%s) is empty or has superfluous blanks", code, w, form)
				}
			}
		}
	}
}

// After a merge a file may contain a message twice; only one of them would count.
func TestMessagesAreUnique(t *testing.T) {
	for _, code := range Languages() {
		b, err := files.ReadFile("catalogue/" + code + ".json")
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		for _, key := range regexp.MustCompile(`(?m)^  "([^"]+)":`).FindAllSubmatch(b, -1) {
			if seen[string(key[1])] {
				t.Errorf("%s: %q is defined twice", code, key[1])
			}
			seen[string(key[1])] = true
		}
		if len(seen) != len(allCatalogues(t)[code].texts) {
			t.Errorf("%s: %d lines with a message, but %d messages: write one message a line", code, len(seen), len(allCatalogues(t)[code].texts))
		}
	}
}

// A message with a number has exactly the plural forms that its language needs for whole numbers.
func TestCountsHaveEveryPluralForm(t *testing.T) {
	all := allCatalogues(t)
	for code, c := range all {
		var need []string
		for n := range 200 {
			need = append(need, pluralForm(c.tag, n))
		}
		slices.Sort(need)
		need = slices.Compact(need)
		for w, forms := range c.texts {
			if !slices.Contains(placeholders(all["en"].texts[w]["other"]), "{n}") {
				if len(forms) != 1 {
					t.Errorf("%s: %q has plural forms but no number", code, w)
				}
				continue
			}
			if got := slices.Sorted(maps.Keys(forms)); !slices.Equal(got, need) {
				t.Errorf("%s: %q has the forms %v, %s needs %v", code, w, got, c.Name(), need)
			}
		}
	}
}

// maxLengths are the widths of texts that share a line at 40 columns. Other texts are wrapped; the goldens of
// kiosk/screen show that they fit.
var maxLengths = []struct {
	word string // or its beginning, with a dot at the end
	most int
	why  string
}{
	{"key.any.cap", 16, "the cap of a key"},
	{"key.", 18, "beside the cap of its key"},
	{"waiting.left", 22, "beside the code, spelt out"},
	{"waiting.left.minutes", 22, "beside the code, spelt out"},
	{"waiting.time_up", 22, "beside the code, spelt out"},
	{"waiting.lost", 34, "one line under all others, with its sign"},
	{"language", 12, "beside the cap of its key"},
	{"idle.title", 34, "within a frame"},
	{"shown.paging", 38, "one line"},
}

func TestTextsFit40Columns(t *testing.T) {
	sample := strings.NewReplacer("{n}", "120", "{page}", "12", "{pages}", "12")
	for _, l := range maxLengths {
		if !slices.ContainsFunc(screen.MessageIDs(), func(id screen.MessageID) bool {
			return string(id) == l.word || strings.HasSuffix(l.word, ".") && strings.HasPrefix(string(id), l.word)
		}) {
			t.Errorf("there is no message %q", l.word)
		}
	}
	for code, c := range allCatalogues(t) {
		for w, forms := range c.texts {
			for _, l := range maxLengths {
				if string(w) != l.word && !(strings.HasSuffix(l.word, ".") && strings.HasPrefix(string(w), l.word)) {
					continue
				}
				for _, s := range forms {
					if n := utf8.RuneCountInString(sample.Replace(s)); n > l.most {
						t.Errorf("%s: %q is %d columns wide, the maximum is %d (%s): %q", code, w, n, l.most, l.why, s)
					}
				}
				break
			}
		}
	}
}

// Consoles show every character, or its letter without marks, but never a question mark instead.
func TestConsolesCanDrawEveryText(t *testing.T) {
	for code, c := range allCatalogues(t) {
		for w, forms := range c.texts {
			for form, s := range forms {
				for _, r := range s {
					drawn := layout.Clean(string(r), false)
					if !kiosk.Printable(r) || r != '?' && strings.Contains(drawn, "?") || drawn == "" {
						t.Errorf("%s: %q (%s) holds %q (%U), which a console draws as %q", code, w, form, r, r, drawn)
					}
					if unicode.Is(unicode.Pi, r) && r != '«' || unicode.Is(unicode.Pf, r) && r != '»' || unicode.Is(unicode.Pd, r) && r != '-' || r == '…' {
						t.Errorf("%s: %q (%s) holds %q: write it plainly", code, w, form, r)
					}
				}
			}
		}
	}
}

func TestLanguagesHaveTheirOwnNames(t *testing.T) {
	for code, c := range allCatalogues(t) {
		want := display.Self.Name(language.MustParse(code))
		if !strings.EqualFold(c.Name(), want) {
			t.Errorf("%s calls itself %q, Unicode says %q", code, c.Name(), want)
		}
	}
	for _, code := range []string{"de", "en", "es", "fr", "it", "nl", "pl", "pt"} {
		if !slices.Contains(Languages(), code) {
			t.Errorf("there is no catalogue for %s", code)
		}
	}
}

func TestTextInsertsArguments(t *testing.T) {
	c, err := Open("en")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{0: "0 seconds left", 1: "1 second left", 40: "40 seconds left"} {
		if got := c.Text(screen.MsgWaitingLeft, "n", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := c.Text(screen.MsgWaitingWho, "who", "{n}***"); got != "Asked for: {n}***" {
		t.Errorf("placeholders in an argument were replaced: %q", got)
	}
	if got := c.Text("no.such.word"); got != "no.such.word" {
		t.Errorf("unknown word: %q", got)
	}
}

func TestPluralForms(t *testing.T) {
	for _, c := range []struct {
		language string
		n        int
		want     string
	}{
		{"en", 1, "one"}, {"en", 0, "other"}, {"de", 1, "one"}, {"de", 2, "other"},
		{"fr", 0, "one"}, {"fr", 1, "one"}, {"fr", 2, "other"},
		{"pl", 1, "one"}, {"pl", 3, "few"}, {"pl", 12, "many"}, {"pl", 22, "few"}, {"pl", 25, "many"}, {"pl", 112, "many"},
		{"pt", 0, "one"}, {"pt", 2, "other"}, {"cs", 3, "few"}, {"ar", 2, "two"}, {"lv", 0, "zero"}, // languages without a catalogue
	} {
		if got := pluralForm(language.MustParse(c.language), c.n); got != c.want {
			t.Errorf("%s %d: %s, want %s", c.language, c.n, got, c.want)
		}
	}
}

func TestOpenUnknownLanguage(t *testing.T) {
	_, err := Open("xx")
	if err == nil || !strings.Contains(err.Error(), "en") {
		t.Fatalf("got %v", err)
	}
	if _, err := Open("../words"); err == nil {
		t.Fatal("a path was accepted as a language")
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte(`"x"`))
	f.Add([]byte(`{"one":"a","other":"b"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var x text
		if json.Unmarshal(b, &x) == nil && x == nil && string(b) != "null" {
			t.Errorf("%q gave nothing", b)
		}
	})
}
