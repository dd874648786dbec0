package devserver

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

// languages the phone page speaks, in the order of its switch. Each has a file
// words/LANGUAGE.json, which a translator can edit: parts in braces are filled in.
var languages = []string{"en", "de", "fr", "es", "it", "pl", "nl", "pt"}

// languageCookie remembers what was chosen on the page.
const languageCookie = "devserver_language"

// tongue is a language and its texts.
type tongue struct {
	Lang  string
	texts map[string]string
}

var tongues = readTongues()

func readTongues() map[string]tongue {
	all := map[string]tongue{}
	for _, lang := range languages {
		data, err := files.ReadFile("words/" + lang + ".json")
		if err != nil {
			panic(err) // embedded
		}
		t := tongue{Lang: lang}
		if err := json.Unmarshal(data, &t.texts); err != nil {
			panic(fmt.Sprintf("words/%s.json: %v", lang, err))
		}
		all[lang] = t
	}
	return all
}

// T is the text of a key, filled in with pairs of a name and a value. An unknown key
// is an error, which ends the page; the tests show every page.
func (t tongue) T(key string, pairs ...string) (string, error) {
	text, found := t.texts[key]
	if !found {
		return "", fmt.Errorf("no text %q in %s", key, t.Lang)
	}
	return fill(text, pairs), nil
}

// Strong is T as HTML, with what is filled in set in bold.
func (t tongue) Strong(key string, pairs ...string) (template.HTML, error) {
	text, err := t.T(key)
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = "<strong>" + html.EscapeString(pairs[i]) + "</strong>"
	}
	return template.HTML(fill(html.EscapeString(text), pairs)), err
}

func fill(text string, pairs []string) string {
	for i := range pairs {
		if i%2 == 0 {
			pairs[i] = "{" + pairs[i] + "}"
		}
	}
	return strings.NewReplacer(pairs...).Replace(text) // in one pass: a value is never filled in
}

// say picks the language of an answer: asked for in the address, which is remembered;
// chosen before; or what the browser prefers.
func say(w http.ResponseWriter, r *http.Request) tongue {
	if t, found := tongues[r.URL.Query().Get("lang")]; found {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: t.Lang, Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, SameSite: http.SameSiteLaxMode})
		return t
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		if t, found := tongues[c.Value]; found {
			return t
		}
	}
	return tongues[preferred(r.Header.Get("Accept-Language"))]
}

// preferred is the language of ours with the greatest weight in an Accept-Language
// header (RFC 9110 section 12.5.4); the first of equals, and English if none is ours.
func preferred(header string) string {
	best, most := "en", 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, parameter, weighted := strings.Cut(part, ";")
		weight := 1.0
		if weighted {
			q, _ := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
			weight, _ = strconv.ParseFloat(q, 64) // what cannot be read weighs nothing
		}
		lang, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if weight > most && weight <= 1 && slices.Contains(languages, lang) {
			best, most = lang, weight
		}
	}
	return best
}

// choice is one entry of the language switch.
type choice struct {
	Lang, Name, Link string
	Current          bool
}

// choices are the links of the language switch on the page of that address.
func choices(here *url.URL, now tongue) []choice {
	var list []choice
	for _, lang := range languages {
		q := here.Query()
		q.Set("lang", lang)
		list = append(list, choice{lang, tongues[lang].texts["language"], here.Path + "?" + q.Encode(), lang == now.Lang})
	}
	return list
}
