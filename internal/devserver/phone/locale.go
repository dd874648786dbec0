package phone

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// languages are the languages of the pages, in the order of the language switch. Each
// has a file words/LANGUAGE.json for translators; parts in braces are filled in.
var languages = []string{"en", "de", "fr", "es", "it", "pl", "nl", "pt"}

// languageCookie stores the language chosen on the page.
const languageCookie = "devserver_language"

// locale is a language with its texts.
type locale struct {
	Lang  string
	texts map[string]string
}

var locales = loadLocales()

func loadLocales() map[string]locale {
	all := map[string]locale{}
	for _, lang := range languages {
		data, err := files.ReadFile("words/" + lang + ".json")
		if err != nil {
			panic(err) // embedded
		}
		t := locale{Lang: lang}
		if err := json.Unmarshal(data, &t.texts); err != nil {
			panic(fmt.Sprintf("words/%s.json: %v", lang, err))
		}
		all[lang] = t
	}
	return all
}

// T returns the text of a key, filled in with pairs of a name and a value. An unknown
// key is an error, which ends the page; the tests render every page.
func (t locale) T(key string, pairs ...string) (string, error) {
	text, found := t.texts[key]
	if !found {
		return "", fmt.Errorf("no text %q in %s", key, t.Lang)
	}
	return fillIn(text, pairs), nil
}

// Strong is T as HTML with the values in bold.
func (t locale) Strong(key string, pairs ...string) (template.HTML, error) {
	text, err := t.T(key)
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = "<strong>" + html.EscapeString(pairs[i]) + "</strong>"
	}
	return template.HTML(fillIn(html.EscapeString(text), pairs)), err
}

// fillIn replaces {name} by value for each pair.
func fillIn(text string, pairs []string) string {
	for i := range pairs {
		if i%2 == 0 {
			pairs[i] = "{" + pairs[i] + "}"
		}
	}
	return strings.NewReplacer(pairs...).Replace(text) // in one pass, so values are never filled in
}

// chooseLocale returns the language of an answer: the one in the address, which it
// stores in a cookie; the one in the cookie; or the browser's preference.
func chooseLocale(w http.ResponseWriter, r *http.Request) locale {
	if t, found := locales[r.URL.Query().Get("lang")]; found {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: t.Lang, Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteLaxMode})
		return t
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		if t, found := locales[c.Value]; found {
			return t
		}
	}
	return locales[preferredLanguage(r.Header.Get("Accept-Language"))]
}

// preferredLanguage returns the language with the greatest weight in an Accept-Language
// header, the first of equals, or English (RFC 9110 section 12.5.4).
func preferredLanguage(header string) string {
	best, most := "en", 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, parameter, weighted := strings.Cut(part, ";")
		weight := 1.0
		if weighted {
			q, _ := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
			weight, _ = strconv.ParseFloat(q, 64) // an unreadable weight is 0
		}
		lang, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if weight > most && weight <= 1 && slices.Contains(languages, lang) {
			best, most = lang, weight
		}
	}
	return best
}

// languageChoice is an entry of the language switch.
type languageChoice struct {
	Lang, Name, Link string
	Current          bool
}

// languageChoices returns the language switch for the page at an address.
func languageChoices(here *url.URL, now locale) []languageChoice {
	var list []languageChoice
	for _, lang := range languages {
		q := here.Query()
		q.Set("lang", lang)
		list = append(list, languageChoice{lang, locales[lang].texts["language"], here.Path + "?" + q.Encode(), lang == now.Lang})
	}
	return list
}
