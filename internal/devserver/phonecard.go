package devserver

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// card is a pending request as the phone shows it.
type card struct {
	tongue
	Number       int
	Client, Site string
	Allows       []string // what the scopes mean, each in words
	Details      []detail // what authorization_details ask for
	Words        []word   // of the binding message
	Spelt        string   // the same for a screen reader, letter by letter where it is a code
	Size         string   // class that makes the longest word fit the screen
	Left, Life   int      // seconds
	Token        string   // proves that the form came from this page
	User         string
	Others       []*Person
}

// cards lists what a person is asked, oldest first: what comes later is added
// below, so that nothing moves under a thumb that is about to press.
func (s *Server) cards(user string, in tongue) []card {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.settle(now)
	var list []card
	for _, q := range s.book.Requests {
		if q.Person == user && q.open(now) {
			list = append(list, s.card(q, now, in))
		}
	}
	return list
}

// card lays a request out. The lock must be held.
func (s *Server) card(q *request, now time.Time, in tongue) card {
	c := card{tongue: in, Number: q.Number, Site: q.Site, Allows: in.scopes(q.Scope), Details: in.details(q.Details),
		Left: max(0, int(q.Expires.Sub(now).Seconds())),
		Life: int(q.Expires.Sub(q.Created).Seconds()), Token: s.formToken(q), User: q.Person}
	c.Client = q.Client
	if known := s.book.client(q.Client); known != nil {
		c.Client = known.Name
	}
	message := q.Binding
	if q.device() {
		message = q.UserCode
	}
	c.Words, c.Spelt = wordsOf(message), spelt(strings.Fields(message))
	longest := 0
	for _, w := range c.Words {
		if !w.Aside {
			longest = max(longest, utf8.RuneCountInString(w.Text))
		}
	}
	c.Size = "xs"
	for _, step := range []struct {
		most int
		size string
	}{{6, "xl"}, {8, "l"}, {10, "m"}, {14, "s"}} {
		if longest <= step.most {
			c.Size = step.size
			break
		}
	}
	for _, p := range withPhone() {
		if p.Username != q.Person {
			c.Others = append(c.Others, p)
		}
	}
	return c
}

// word is one word of a binding message. Aside is what stands around the code.
type word struct {
	Text  string
	Aside bool
}

// shortestCode tells a code from a number of a house or a counter.
const shortestCode = 4

// wordsOf takes a binding message apart. Where one word looks like a code, the others
// stand aside; where none does, all of them are the code.
func wordsOf(message string) []word {
	var list []word
	found := false
	for _, w := range strings.Fields(message) {
		code := codeLike(w) && utf8.RuneCountInString(w) >= shortestCode
		found = found || code
		list = append(list, word{w, !code})
	}
	for i := range list {
		list[i].Aside = list[i].Aside && found
	}
	return list
}

// codeLike reports whether a word is to be compared letter by letter.
func codeLike(w string) bool { return strings.IndexFunc(w, unicode.IsLower) < 0 }

// spelt is a code for a voice, which would read it as a word, or not at all: it is
// taken apart.
func spelt(words []string) string {
	var list []string
	for _, w := range words {
		if codeLike(w) {
			w = strings.Join(strings.Split(strings.ReplaceAll(w, "-", ""), ""), " ")
		}
		list = append(list, w)
	}
	return strings.Join(list, ", ")
}

// scopes says in words what the scopes allow.
func (t tongue) scopes(scopes []string) []string {
	var list []string
	for _, scope := range scopes {
		words, found := t.texts["scope."+scope]
		if !found || scope == "other" {
			words = fill(t.texts["scope.other"], []string{"scope", plainText(scope, 40)})
		}
		list = append(list, words)
	}
	return list
}

// detail is one of authorization_details (RFC 9396) in words.
type detail struct {
	Type string
	Rows []detailRow
}

type detailRow struct{ Name, Value string }

// detailMembers are the members that RFC 9396 section 2.2 gives a meaning to; they come
// first and have a name in every language. Others keep their own name.
var detailMembers = []string{"actions", "identifier", "locations", "datatypes", "privileges"}

// longestValue is how much of one value is shown: more than anybody reads, less than
// pushes the buttons out of reach.
const longestValue = 300

func (t tongue) details(raw []json.RawMessage) []detail {
	var list []detail
	for _, r := range raw {
		d := json.NewDecoder(bytes.NewReader(r))
		d.UseNumber() // an amount is shown as it was written
		var members map[string]any
		if d.Decode(&members) != nil {
			continue // cannot be: it was read when it arrived
		}
		kind, _ := members["type"].(string)
		delete(members, "type")
		one := detail{Type: humanName(kind)}
		for _, name := range detailMembers {
			if v, found := members[name]; found {
				one.Rows = append(one.Rows, detailRow{t.texts["details."+name], plainText(plainValue(v), longestValue)})
				delete(members, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			one.Rows = append(one.Rows, detailRow{humanName(name), plainText(plainValue(members[name]), longestValue)})
		}
		list = append(list, one)
	}
	return list
}

// humanName makes words of a name that programs use.
func humanName(name string) string {
	return plainText(strings.NewReplacer("_", " ", "-", " ").Replace(name), 60)
}

// plainValue is a JSON value without its signs.
func plainValue(v any) string {
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
			parts = append(parts, plainValue(e))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, humanName(name)+": "+plainValue(v[name]))
		}
	default:
		return "–"
	}
	return strings.Join(parts, ", ")
}
