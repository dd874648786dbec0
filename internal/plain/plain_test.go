package plain

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/internal/testkit/scenes"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func keys(kv ...string) (out []screen.Key) {
	for i := 0; i < len(kv); i += 2 {
		does := map[string]kiosk.KeyName{"Tab": kiosk.TabKey, "F1": kiosk.HelpKey, "Esc": kiosk.EscapeKey}
		out = append(out, screen.Key{Cap: kv[i], Text: kv[i+1], Does: does[kv[i]]})
	}
	return out
}

const site = "Corner Shop, till 3"

var waiting = screen.Screen{
	Phase: kiosk.Waiting, Tone: screen.Alert, Site: site, Title: "Look at your phone", Code: "K7-4F9Q", SpelledCode: "K 7 - 4 F 9 Q",
	Gauge:   &screen.Gauge{Part: 0.62, Text: "74 seconds left"},
	Lines:   []string{"Approve only if your phone shows the same code.", "Open your app if nothing pops up.", "We are asking for al***e."},
	Warning: "Connection lost, still trying.", Keys: keys("F1", "Nothing arrived?", "Esc", "Cancel"),
}

var details = []kiosk.Field{
	{Label: "Name", Value: "Alice Müller"}, {Label: "Customer number", Value: "4711-0815"}, {Label: "Bonus points", Value: "1,240 (worth 12.40 €)"},
}

func TestSay(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    screen.Screen
		want []string
	}{
		{"waiting", waiting, []string{"Look at your phone", "K 7 - 4 F 9 Q", "Connection lost, still trying.",
			"Approve only if your phone shows the same code.", "Open your app if nothing pops up.", "We are asking for al***e.",
			"74 seconds left", "F1: Nothing arrived?", "Esc: Cancel"}},
		{"a code that is not spelt", screen.Screen{Code: "A-B"}, []string{"A - B"}},
		{"an empty field", screen.Screen{Entry: &screen.Entry{Label: "User name", Example: "for example alice"}}, []string{"User name", "for example alice"}},
		{"an invalid entry", screen.Screen{Entry: &screen.Entry{Label: "User name", Text: "a b", Problem: "No blanks."}}, []string{"No blanks.", "User name: a b"}},
		{"a notice hides the rest", screen.Screen{Title: "Card", Notice: &screen.Notice{Title: "Still there?", Text: "20 seconds."}}, []string{"Still there?", "20 seconds."}},
		{"steps", screen.Screen{Steps: []screen.ListStep{{Text: "a", State: screen.Done}, {Text: "b", State: screen.Doing}, {Text: "c"}}}, []string{"[x] a", "[>] b", "[ ] c"}},
		{"all details without pages", screen.Screen{Details: details, Paging: "Page {page} of {pages}"}, []string{"Name: Alice Müller", "Customer number: 4711-0815", "Bonus points: 1,240 (worth 12.40 €)"}},
		{"a link", screen.Screen{Link: &screen.Link{URL: "https://x.example/", Caption: "Scan"}}, []string{"Scan", "https://x.example/"}},
		{"nothing", screen.Screen{Lines: []string{"", " \t"}}, nil},
	} {
		if diff := cmp.Diff(tc.want, Say(tc.s)); diff != "" {
			t.Errorf("%s: want - got +\n%s", tc.name, diff)
		}
	}
}

func TestSayRemovesControlCharacters(t *testing.T) {
	const evil = "a\x1b[2Jb\u009bc\u202ed\r\ne\x00"
	s := screen.Screen{Site: evil, Title: evil, Entry: &screen.Entry{Label: evil, Text: evil, Example: evil, Problem: evil},
		Code: evil, SpelledCode: evil, Gauge: &screen.Gauge{Text: evil}, Lines: []string{evil}, Warning: evil, Steps: []screen.ListStep{{Text: evil, State: 200}},
		Details: []kiosk.Field{{Label: evil, Value: evil}}, Link: &screen.Link{URL: evil, Caption: evil}, Keys: []screen.Key{{Cap: evil, Text: evil}}}
	noticed := s
	noticed.Notice = &screen.Notice{Title: evil, Text: evil}
	all := append(append(Say(s), Say(noticed)...), strings.Split(scenes.Frame(layout.Draw(s, 80, 24, layout.Options{FullGlyphs: true})), "\n")...)
	if len(all) < 30 {
		t.Fatalf("only %d lines", len(all))
	}
	for _, l := range all {
		if slices.ContainsFunc([]rune(l), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Errorf("%q", l)
		}
	}
}
