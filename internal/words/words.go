// Package words contains what the kiosk says to customers: a message catalogue for each language, as a JSON file that a
// translator can edit without knowing the program.
//
// In a text, {name} is replaced by the argument of that name. A text that depends on a number n is an object with the
// plural forms of its language ("one", "other", and in some languages "few" and "many", by Unicode's plural rules).
//
// A new language needs no code: copy en.json to catalogue/CODE.json, CODE being its ISO 639-1 code, translate the
// right-hand sides, and run the tests of this package and of kiosk/screen. They name each message that is missing,
// unknown or too long for a screen of 40 columns, each lost placeholder and each missing plural form. `go test
// ./kiosk/screen -update` then records how the screens look. Use the polite form of address, and plain quotes, dots and
// dashes (', ..., -): console fonts have no others. Letters that a font lacks are shown without their marks.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"golang.org/x/text/language"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

//go:embed catalogue/*.json
var files embed.FS

// Catalog is one language. It implements screen.Catalog.
type Catalog struct {
	language string
	tag      language.Tag // for plural forms
	texts    map[screen.MessageID]text
}

// text is a sentence, in one form or in several.
type text map[string]string

func (t *text) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = text{"other": one}
		return nil
	}
	var forms map[string]string
	if err := json.Unmarshal(b, &forms); err != nil {
		return err
	}
	*t = forms
	return nil
}

// Languages returns the language codes (ISO 639-1) of all catalogues.
func Languages() []string {
	names, err := fs.Glob(files, "catalogue/*.json")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for i, n := range names {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(n, "catalogue/"), ".json")
	}
	sort.Strings(names)
	return names
}

// Open returns the catalogue of a language. An unknown language, or a catalogue that lacks a message, is an error.
func Open(code string) (*Catalog, error) {
	b, err := files.ReadFile("catalogue/" + code + ".json")
	if err != nil {
		return nil, fmt.Errorf("language %q: must be one of %s", code, strings.Join(Languages(), ", "))
	}
	c, err := parse(code, b)
	if err != nil {
		return nil, err
	}
	for _, w := range screen.MessageIDs() {
		if len(c.texts[w]) == 0 {
			return nil, fmt.Errorf("language %q: no text for %q", code, w)
		}
	}
	return c, nil
}

func parse(code string, b []byte) (*Catalog, error) {
	tag, err := language.Parse(code)
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", code, err)
	}
	c := &Catalog{language: code, tag: tag}
	if err := json.Unmarshal(b, &c.texts); err != nil {
		return nil, fmt.Errorf("language %q: %w", code, err)
	}
	return c, nil
}

// Language returns the language code.
func (c *Catalog) Language() string { return c.language }

// Name returns the language's own name.
func (c *Catalog) Name() string { return c.Text(screen.MsgLanguage) }

// Text returns a message with its arguments. For an unknown message it returns the message's name.
func (c *Catalog) Text(w screen.MessageID, args ...any) string {
	forms, ok := c.texts[w]
	if !ok {
		return string(w)
	}
	form := "other"
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		if n, isCount := args[i+1].(int); isCount && args[i] == "n" {
			form = pluralForm(c.tag, n)
		}
		pairs = append(pairs, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
	}
	t, ok := forms[form]
	if !ok {
		t = forms["other"]
	}
	return strings.NewReplacer(pairs...).Replace(t)
}
