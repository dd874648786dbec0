package phone

import (
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/providertest"
)

var (
	placeholder = regexp.MustCompile(`\{[a-z]+\}`)
	usedKey     = regexp.MustCompile(`\.(?:T|Strong) "([a-z_.]+)"`)
)

// TestLanguagesAreComplete finds what a translator forgot.
func TestLanguagesAreComplete(t *testing.T) {
	english := locales["en"].texts
	files, err := fs.Glob(files, "words/*.json")
	if err != nil || len(files) != len(languages) {
		t.Errorf("%v: want one for each of %d languages; %v", files, len(languages), err)
	}
	for _, lang := range languages {
		texts := locales[lang].texts
		if got, want := slices.Sorted(maps.Keys(texts)), slices.Sorted(maps.Keys(english)); !slices.Equal(got, want) {
			t.Errorf("%s: the keys differ from English:\n%v\n%v", lang, got, want)
		}
		same := 0
		for key, text := range texts {
			in, out := placeholder.FindAllString(english[key], -1), placeholder.FindAllString(text, -1)
			slices.Sort(in)
			slices.Sort(out)
			if !slices.Equal(in, out) {
				t.Errorf("%s: %s has %v, in English %v", lang, key, out, in)
			}
			if text == "" || strings.TrimSpace(text) != text || strings.ContainsAny(text, "<>&\n") {
				t.Errorf("%s: %s is %q", lang, key, text)
			}
			if text == english[key] {
				same++
			}
		}
		// A few texts equal English, such as "Code"; more mean an untranslated file.
		if lang != "en" && same > 3 {
			t.Errorf("%s: %d texts equal English", lang, same)
		}
		// On 320 px, two buttons side by side have room for about eleven letters each.
		for _, key := range []string{"approve", "decline"} {
			if n := utf8.RuneCountInString(texts[key]); n > 11 {
				t.Errorf("%s: %s is %d letters long", lang, key, n)
			}
		}
	}
}

func TestPagesUseExistingTexts(t *testing.T) {
	used := 0
	fs.WalkDir(files, "pages", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		page, err := fs.ReadFile(files, path)
		if err != nil {
			t.Error(err)
		}
		for _, m := range usedKey.FindAllSubmatch(page, -1) {
			used++
			if locales["en"].texts[string(m[1])] == "" {
				t.Errorf("%s: no text %q", path, m[1])
			}
		}
		return nil
	})
	if used < 30 {
		t.Errorf("found only %d texts in the pages", used)
	}
	if _, err := locales["en"].T("no.such"); err == nil {
		t.Error("a missing text is no error")
	}
}

func TestPreferredLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"": "en", "de": "de", "de-AT,de;q=0.9,en;q=0.8": "de", "en;q=0.5, pl;q=0.8": "pl", "ja, fr;q=0.3": "fr", "ja": "en",
		"*": "en", "it;q=0": "en", "nl;q=x, es;q=0.1": "es", "PT-br": "pt", "de;q=7,fr": "fr", ";,;q=,": "en",
	} {
		if got := preferredLanguage(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// TestLanguageSwitch opens the page, switches the language, answers a request and sees the
// outcome.
func TestLanguageSwitch(t *testing.T) {
	g := providertest.Start(t, provider.Options{}, Register)
	visit := func(path, cookie, accept string) (string, *http.Cookie) {
		t.Helper()
		req, _ := http.NewRequest("GET", g.URL+path, nil)
		if accept != "" {
			req.Header.Set("Accept-Language", accept)
		}
		if cookie != "" {
			req.AddCookie(&http.Cookie{Name: languageCookie, Value: cookie})
		}
		r := g.Do(req)
		for _, c := range (&http.Response{Header: r.Header}).Cookies() {
			return string(r.Body), c
		}
		return string(r.Body), nil
	}
	page, cookie := visit("/phone/alice?done=approved", "", "pl")
	if !strings.Contains(page, `lang="pl"`) || !strings.Contains(page, "Wróć do kiosku.") || cookie != nil {
		t.Errorf("by the browser: %v %s", cookie, page)
	}
	if !strings.Contains(page, `href="/phone/alice?done=approved&amp;lang=de" lang="de"`) {
		t.Errorf("the language switch leaves the page: %s", page)
	}
	page, cookie = visit("/phone/alice?lang=de", "", "pl")
	if !strings.Contains(page, "Keine Anfragen") || cookie == nil || cookie.Value != "de" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Fatalf("by the switch: %v %s", cookie, page)
	}
	g.Ask("kiosk-basic", "alice", "request_context", `{"site":"<b>Markt</b>"}`)
	page, again := visit("/phone/alice/cards", "de", "pl")
	if !strings.Contains(page, "<strong>Corner Shop</strong> (<strong>&lt;b&gt;Markt&lt;/b&gt;</strong>) fragt, ob Sie das sind") || again != nil {
		t.Errorf("fetched cards: %v %s", again, page)
	}
	if page, _ := visit("/phone", "xx", "fr"); !strings.Contains(page, `lang="fr"`) {
		t.Errorf("unknown language: %s", page)
	}
	r := g.Post("/phone/alice/answer", "", url.Values{"decision": {"approve"}})
	if page := string(r.Body); r.Status != 400 || !strings.Contains(page, "This form is not complete") || !strings.Contains(page, `href="/phone/alice?lang=de"`) {
		t.Errorf("incomplete form: %d %s", r.Status, page)
	}
}

// TestAuthorizationDetailsAreShown checks that authorization_details appear, escaped and cut to
// length.
func TestAuthorizationDetailsAreShown(t *testing.T) {
	g := providertest.Start(t, provider.Options{}, Register)
	g.Ask("kiosk-basic", "alice", "authorization_details", `[{"type":"parcel_pickup","amount":{"currency":"EUR","value":12.50},"locations":["https://shop.example"],`+
		`"actions":["open","read"],"insured":true,"note":"<script>`+"\u202e"+`x"},{"type":"other","actions":"`+strings.Repeat("a", 400)+`"}]`)
	page := string(g.Get("/phone/alice", "").Body)
	for _, part := range []string{`class="kind">parcel pickup<`, "<dt>What</dt><dd>open, read</dd></div><div><dt>Where</dt><dd>https://shop.example</dd>",
		"<dt>amount</dt><dd>currency: EUR, value: 12.50</dd>", "<dt>insured</dt><dd>✓</dd>", "&lt;script&gt;x</dd>", strings.Repeat("a", 300) + "…</dd>"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q:\n%s", part, page)
		}
	}
}

func TestCodesAreSpelledOut(t *testing.T) {
	for _, c := range [][2]string{{"K7-4F9Q", "K 7 4 F 9 Q"}, {"Main Street K7", "Main, Street, K 7"}, {"", ""}} {
		if got := spellOut(strings.Fields(c[0])); got != c[1] {
			t.Errorf("%q: %q", c[0], got)
		}
	}
}

// TestCodeIsEmphasized checks that the code is large and other words are small, but that a
// message without a code is large as a whole.
func TestCodeIsEmphasized(t *testing.T) {
	for message, large := range map[string]string{"K7-4F9Q": "K7-4F9Q", "Market Square 12 K7-4F9Q": "K7-4F9Q", "brave otter": "brave otter", "12 otter": "12 otter", "1234 5678": "1234 5678"} {
		var list []string
		for _, w := range splitMessage(message) {
			if !w.Side {
				list = append(list, w.Text)
			}
		}
		if got := strings.Join(list, " "); got != large {
			t.Errorf("%q: %q is emphasized", message, got)
		}
	}
}
