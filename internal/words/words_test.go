package words

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func holders(t text) []string {
	var out []string
	for _, s := range t {
		out = append(out, placeholder.FindAllString(s, -1)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Each catalogue has every word, no word too many, and the placeholders of the English one.
func TestEveryCatalogueIsComplete(t *testing.T) {
	en, err := Open("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range Languages() {
		c, err := Open(language)
		if err != nil {
			t.Error(err)
			continue
		}
		wanted := kiosk.AllWords()
		for w, forms := range c.texts {
			if !slices.Contains(wanted, w) {
				t.Errorf("%s: %q is said nowhere", language, w)
			}
			if got, want := holders(forms), holders(en.texts[w]); !slices.Equal(got, want) {
				t.Errorf("%s: %q has placeholders %v, English has %v", language, w, got, want)
			}
			for form, s := range forms {
				if strings.TrimSpace(s) != s || s == "" {
					t.Errorf("%s: %q (%s) is empty or has blanks around it", language, w, form)
				}
				for _, r := range s {
					if !kiosk.Printable(r) {
						t.Errorf("%s: %q (%s) holds the character %U", language, w, form, r)
					}
				}
			}
		}
	}
}

func TestATextSaysItsNumber(t *testing.T) {
	c, err := Open("en")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{0: "0 seconds left", 1: "1 second left", 40: "40 seconds left"} {
		if got := c.Say(kiosk.WordWaitingLeft, "n", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := c.Say(kiosk.WordWaitingWho, "who", "{n}***"); got != "Asked for: {n}***" {
		t.Errorf("an argument was read as a text: %q", got)
	}
	if got := c.Say("no.such.word"); got != "no.such.word" {
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
	} {
		if got := plural(c.language, c.n); got != c.want {
			t.Errorf("%s %d: %s, want %s", c.language, c.n, got, c.want)
		}
	}
}

func TestAnUnknownLanguageNamesThoseThereAre(t *testing.T) {
	_, err := Open("xx")
	if err == nil || !strings.Contains(err.Error(), "en") {
		t.Fatalf("got %v", err)
	}
	if _, err := Open("../words"); err == nil {
		t.Fatal("a path was taken for a language")
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
