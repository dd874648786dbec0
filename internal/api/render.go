package api

import (
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// answer is what a layout works on.
type answer struct {
	api    *strictjson.Node // nil where no API is configured
	claims *strictjson.Node
	hidden []string // tokens: a text that holds one is treated as absent
}

// words gives the harmless text of a value, or "" if there is nothing to show.
// Numbers and booleans are printed as they stand in the JSON text: the layout
// knows no language. A list or an object gives its scalars, joined by commas.
func (a *answer) words(n *strictjson.Node) string {
	if n == nil {
		return ""
	}
	if n.IsScalar() {
		return a.safe(n.Text)
	}
	var all []string
	length := 0
	for i := range n.Items[:min(len(n.Items), maxJoined)] {
		if !n.Items[i].IsScalar() {
			continue
		}
		if s := a.safe(n.Items[i].Text); s != "" {
			all = append(all, s)
			if length += len(s); length > maxValue*4 {
				break // more than can be shown, whatever the letters
			}
		}
	}
	return strings.Join(all, ", ")
}

// safe cleans one foreign string. An API that echoes the request, as debugging
// endpoints do, must not bring a token onto the screen.
func (a *answer) safe(s string) string {
	s = clean(s)
	for _, h := range a.hidden {
		if strings.Contains(s, h) {
			return ""
		}
	}
	return s
}

// page collects a result within the limits.
type page struct {
	kiosk.Result
	tries int // how many lines were filled in, with or without success
}

const (
	maxJoined = 500    // elements looked at for one joined text: one character each would fill a value
	maxTries  = 20_000 // a repeated line that finds nothing must not keep the device busy
)

func (p *page) full() bool { return len(p.Fields) >= maxFields }

func (p *page) add(label, value string) {
	label, value = cut(clean(label), maxLabel), cut(clean(value), maxValue)
	if label == "" || value == "" || p.full() {
		return
	}
	p.Fields = append(p.Fields, kiosk.Field{Label: label, Value: value})
}

// render lays the answer out.
func (l *Layout) render(a *answer) kiosk.Result {
	// Never nil: scripts that read the JSON want a list, be it empty.
	p := page{Result: kiosk.Result{Fields: []kiosk.Field{}}}
	if title, ok := l.title.fill(a, nil); ok {
		p.Title = cut(clean(title), maxTitle)
	}
	for i := range l.lines {
		l.lines[i].repeat(a, nil, &p)
	}
	return p.Result
}

// repeat fills the line in for every element that its stars stand for.
func (n *line) repeat(a *answer, at []int, p *page) {
	if p.full() || p.tries >= maxTries {
		return
	}
	p.tries++
	if len(at) == n.stars {
		label, found := n.label.fill(a, at)
		value, all := n.text.fill(a, at)
		if found && all {
			p.add(label, value)
		}
		return
	}
	lead := n.lead[len(at)]
	list := walk(a.document(lead), lead.upTo(len(at)), at)
	if list == nil {
		return
	}
	for i := range list.Items {
		n.repeat(a, append(slices.Clone(at), i), p)
	}
}

func (a *answer) document(p pointer) *strictjson.Node {
	if p.claims {
		return a.claims
	}
	return a.api
}

// fill puts values for the placeholders; false if one of them found nothing.
func (t text) fill(a *answer, at []int) (string, bool) {
	var b strings.Builder
	for _, p := range t {
		if p.pointer == nil {
			b.WriteString(p.words)
			continue
		}
		s := a.words(p.pointer.find(a.document(*p.pointer), at))
		if s == "" {
			return "", false
		}
		b.WriteString(cut(s, maxValue))
	}
	return b.String(), true
}
