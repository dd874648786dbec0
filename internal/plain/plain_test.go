package plain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/internal/layout"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func keys(kv ...string) (out []kiosk.Key) {
	for i := 0; i < len(kv); i += 2 {
		does := map[string]kiosk.KeyName{"Tab": kiosk.TabKey, "F1": kiosk.HelpKey, "Esc": kiosk.EscapeKey}
		out = append(out, kiosk.Key{Cap: kv[i], Text: kv[i+1], Does: does[kv[i]]})
	}
	return out
}

const site = "Corner Shop, till 3"

var waiting = kiosk.Screen{
	Phase: kiosk.Waiting, Tone: kiosk.Alert, Site: site, Title: "Look at your phone", Code: "K7-4F9Q", SpelledCode: "K 7 - 4 F 9 Q",
	Gauge:   &kiosk.Gauge{Part: 0.62, Text: "74 seconds left"},
	Lines:   []string{"Approve only if your phone shows the same code.", "Open your app if nothing pops up.", "We are asking for al***e."},
	Warning: "Connection lost, still trying.", Keys: keys("F1", "Nothing arrived?", "Esc", "Cancel"),
}

func details(n int) (out []kiosk.Field) {
	out = []kiosk.Field{{Label: "Name", Value: "Alice Müller"}, {Label: "Customer number", Value: "4711-0815"}, {Label: "Bonus points", Value: "1,240 (worth 12.40 €)"}}
	for i := len(out); i < n; i++ {
		out = append(out, kiosk.Field{Label: fmt.Sprintf("Voucher %d", i-2), Value: fmt.Sprintf("%d %% off everything in the garden department", 5*(i-2))})
	}
	return out
}

// screens are laid out here by hand; the real ones come from kiosk.View.
func screens() map[string]kiosk.Screen {
	shown := kiosk.Screen{Phase: kiosk.Shown, Tone: kiosk.Good, Site: site, Title: "Your customer card", Details: details(15),
		Paging: "Page {page} of {pages}", Keys: keys("Down", "More", "Esc", "Done")}
	few, still := shown, shown
	few.Details, few.Keys = details(3), keys("Esc", "Done")
	still.Notice = &kiosk.Notice{Title: "Are you still there?", Text: "Your details disappear in 17 seconds."}
	still.Keys = keys("Any key", "I need more time", "Esc", "Done")
	return map[string]kiosk.Screen{
		"ready": {Phase: kiosk.Ready, Site: site, Title: "Scan your card or press any key", Lines: []string{"Your phone will ring. You approve there, and see your details here."},
			Link: &kiosk.Link{URL: "https://kiosk.example/a/7F3K-9QZX", Caption: "No card? Scan this code with your phone."}, Keys: keys("Any key", "Begin", "Tab", "Deutsch")},
		"entry": {Phase: kiosk.Identify, Site: site, Title: "Who are you?",
			Entry: &kiosk.Entry{Label: "Your e-mail address", Text: "alice@example", Example: "for example alice@example.org", Problem: "The part after @ has no dot."},
			Lines: []string{"It is used once, to ring your phone, and then forgotten."}, Keys: keys("Enter", "Ring my phone", "Tab", "Deutsch", "Esc", "Cancel")},
		"waiting": waiting,
		"checking": {Phase: kiosk.Checking, Tone: kiosk.Good, Site: site, Title: "Approved. One moment ...",
			Steps: []kiosk.ListStep{{Text: "Approved on your phone", State: kiosk.Done}, {Text: "Checking the answer", State: kiosk.Doing}, {Text: "Fetching your details"}}, Keys: keys("Esc", "Cancel")},
		"details": shown, "few": few, "still": still,
		"ended": {Phase: kiosk.Ended, Tone: kiosk.Bad, Site: site, Title: "You declined on your phone", Lines: []string{"Nothing is kept. If it was not you, please tell a member of staff."}, Keys: keys("1", "Ask again", "Esc", "Done")},
	}
}

func TestWhatIsSaid(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    kiosk.Screen
		want []string
	}{
		{"waiting", waiting, []string{"Look at your phone", "K 7 - 4 F 9 Q", "Connection lost, still trying.",
			"Approve only if your phone shows the same code.", "Open your app if nothing pops up.", "We are asking for al***e.",
			"74 seconds left", "F1: Nothing arrived?", "Esc: Cancel"}},
		{"a code that is not spelt", kiosk.Screen{Code: "A-B"}, []string{"A - B"}},
		{"an empty field", kiosk.Screen{Entry: &kiosk.Entry{Label: "User name", Example: "for example alice"}}, []string{"User name", "for example alice"}},
		{"a wrong one", kiosk.Screen{Entry: &kiosk.Entry{Label: "User name", Text: "a b", Problem: "No blanks."}}, []string{"No blanks.", "User name: a b"}},
		{"a notice lies over all the rest", kiosk.Screen{Title: "Card", Notice: &kiosk.Notice{Title: "Still there?", Text: "20 seconds."}}, []string{"Still there?", "20 seconds."}},
		{"steps", kiosk.Screen{Steps: []kiosk.ListStep{{Text: "a", State: kiosk.Done}, {Text: "b", State: kiosk.Doing}, {Text: "c"}}}, []string{"[x] a", "[>] b", "[ ] c"}},
		{"all details, in one go", kiosk.Screen{Details: details(3), Paging: "Page {page} of {pages}"}, []string{"Name: Alice Müller", "Customer number: 4711-0815", "Bonus points: 1,240 (worth 12.40 €)"}},
		{"a link", kiosk.Screen{Link: &kiosk.Link{URL: "https://x.example/", Caption: "Scan"}}, []string{"Scan", "https://x.example/"}},
		{"nothing", kiosk.Screen{Lines: []string{"", " \t"}}, nil},
	} {
		if diff := cmp.Diff(tc.want, Say(tc.s)); diff != "" {
			t.Errorf("%s: want - got +\n%s", tc.name, diff)
		}
	}
}

func TestNothingSaidIsACommand(t *testing.T) {
	const evil = "a\x1b[2Jb\u009bc\u202ed\r\ne\x00"
	s := kiosk.Screen{Site: evil, Title: evil, Entry: &kiosk.Entry{Label: evil, Text: evil, Example: evil, Problem: evil},
		Code: evil, SpelledCode: evil, Gauge: &kiosk.Gauge{Text: evil}, Lines: []string{evil}, Warning: evil, Steps: []kiosk.ListStep{{Text: evil, State: 200}},
		Details: []kiosk.Field{{Label: evil, Value: evil}}, Link: &kiosk.Link{URL: evil, Caption: evil}, Keys: []kiosk.Key{{Cap: evil, Text: evil}}}
	noticed := s
	noticed.Notice = &kiosk.Notice{Title: evil, Text: evil}
	all := append(append(Say(s), Say(noticed)...), strings.Split(Frame(layout.Draw(s, 80, 24, layout.Options{FullGlyphs: true})), "\n")...)
	if len(all) < 30 {
		t.Fatalf("only %d lines", len(all))
	}
	for _, l := range all {
		if slices.ContainsFunc([]rune(l), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Errorf("%q", l)
		}
	}
}

func TestColourAloneIsShownBySigns(t *testing.T) {
	s := screens()["ready"]
	got := Frame(layout.Draw(s, 128, 48, layout.Options{}))
	if !strings.Contains(got, "[Any key] Begin") {
		t.Error("the caps of keys cannot be told from the text")
	}
	if strings.Count(got, "█") < 500 {
		t.Error("a QR code in background colours is not to be seen")
	}
	for _, l := range strings.Split(got, "\n") {
		if strings.TrimRight(l, " ") != l {
			t.Errorf("%q ends in blanks", l)
		}
	}
}
