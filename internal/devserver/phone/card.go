package phone

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/provider"
)

// card is a pending request as the page shows it.
type card struct {
	locale
	Number       int
	Client, Site string
	Allows       []string // what each scope allows and what the kiosk will show, in words
	Details      []detail // authorization_details
	Words        []messageWord
	Spelled      string // the message for a screen reader, codes letter by letter
	Size         string // CSS class with which the longest word fits the screen
	Left, Life   int    // seconds
	Token        string // proves that the form came from this page
	User         string
	Others       []*provider.Person
}

// cards lists a person's pending requests, oldest first: new ones appear below and
// move nothing under a thumb.
func (p *phone) cards(username string, in locale) []card {
	var list []card
	for _, q := range p.server.Pending(username) {
		list = append(list, newCard(q, in))
	}
	return list
}

func newCard(q provider.PendingRequest, in locale) card {
	c := card{locale: in, Number: q.Number, Client: q.ClientName, Site: q.Site,
		Allows: append(in.describeScopes(q.Scope), in.describeResult(q)), Details: in.describeDetails(q.Details),
		Words: splitMessage(q.Message), Spelled: spellOut(strings.Fields(q.Message)),
		Left: int(q.Left.Seconds()), Life: int(q.Life.Seconds()), Token: q.FormToken, User: q.Person}
	longest := 0
	for _, w := range c.Words {
		if !w.Side {
			longest = max(longest, utf8.RuneCountInString(w.Text))
		}
	}
	c.Size = "xs"
	for _, step := range []struct {
		length int
		size   string
	}{{6, "xl"}, {8, "l"}, {10, "m"}, {14, "s"}} {
		if longest <= step.length {
			c.Size = step.size
			break
		}
	}
	for _, p := range provider.PeopleWithPhone() {
		if p.Username != q.Person {
			c.Others = append(c.Others, p)
		}
	}
	return c
}

// messageWord is one word of a binding message. Side words stand around the code.
type messageWord struct {
	Text string
	Side bool
}

// shortestCode is the length of the shortest code. Shorter words may be house or
// counter numbers.
const shortestCode = 4

// splitMessage splits a binding message into words. If a word looks like a code, the
// other words become side words.
func splitMessage(message string) []messageWord {
	var list []messageWord
	found := false
	for _, w := range strings.Fields(message) {
		code := isCodeLike(w) && utf8.RuneCountInString(w) >= shortestCode
		found = found || code
		list = append(list, messageWord{w, !code})
	}
	for i := range list {
		list[i].Side = list[i].Side && found
	}
	return list
}

// isCodeLike reports whether a word must be compared letter by letter: it has no lower
// case letter.
func isCodeLike(w string) bool { return strings.IndexFunc(w, unicode.IsLower) < 0 }

// spellOut separates the letters of codes, which a screen reader would read as words.
func spellOut(words []string) string {
	var list []string
	for _, w := range words {
		if isCodeLike(w) {
			w = strings.Join(strings.Split(strings.ReplaceAll(w, "-", ""), ""), " ")
		}
		list = append(list, w)
	}
	return strings.Join(list, ", ")
}

// describeScopes returns what the scopes allow, in words.
func (t locale) describeScopes(scopes []string) []string {
	var list []string
	for _, scope := range scopes {
		words, found := t.texts["scope."+scope]
		if !found || scope == "other" {
			words = fillIn(t.texts["scope.other"], []string{"scope", provider.PlainText(scope, 40)})
		}
		list = append(list, words)
	}
	return list
}

// servicePrefix begins the binding message of a technician's request.
const servicePrefix = "service-"

// describeResult returns what the kiosk does after an approval, in words: it shows the customer API's answer, or opens
// the menu for technicians.
func (t locale) describeResult(q provider.PendingRequest) string {
	if strings.HasPrefix(q.Message, servicePrefix) {
		return t.texts["shows.menu"]
	}
	var list []string
	for _, name := range provider.CustomerMembers(q.Person) {
		list = append(list, t.texts["shows."+name])
	}
	return fillIn(t.texts["shows"], []string{"list", strings.Join(list, ", ")})
}

// detail is an entry of authorization_details in words (RFC 9396).
type detail struct {
	Type string
	Rows []detailRow
}

type detailRow struct{ Name, Value string }

// detailMembers are the members with a defined meaning. They come first and are
// translated; others keep their name (RFC 9396 section 2.2).
var detailMembers = []string{"actions", "identifier", "locations", "datatypes", "privileges"}

// longestValue is the number of characters shown of a value: more than anybody reads,
// but few enough to keep the buttons in reach.
const longestValue = 300

func (t locale) describeDetails(raw []json.RawMessage) []detail {
	var list []detail
	for _, r := range raw {
		d := json.NewDecoder(bytes.NewReader(r))
		d.UseNumber() // show amounts as they were sent
		var members map[string]any
		if d.Decode(&members) != nil {
			continue // not possible: validated on arrival
		}
		kind, _ := members["type"].(string)
		delete(members, "type")
		one := detail{Type: readableName(kind)}
		for _, name := range detailMembers {
			if v, found := members[name]; found {
				one.Rows = append(one.Rows, detailRow{t.texts["details."+name], provider.PlainText(readableValue(v), longestValue)})
				delete(members, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			one.Rows = append(one.Rows, detailRow{readableName(name), provider.PlainText(readableValue(members[name]), longestValue)})
		}
		list = append(list, one)
	}
	return list
}

// readableName turns a JSON name into words.
func readableName(name string) string {
	return provider.PlainText(strings.NewReplacer("_", " ", "-", " ").Replace(name), 60)
}

// readableValue writes a JSON value without JSON punctuation.
func readableValue(v any) string {
	var parts []string
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return map[bool]string{true: "✓", false: "✗"}[v]
	case []any:
		for _, e := range v {
			parts = append(parts, readableValue(e))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, readableName(name)+": "+readableValue(v[name]))
		}
	default:
		return "–"
	}
	return strings.Join(parts, ", ")
}
