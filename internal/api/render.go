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

// displayText gives the harmless text of a value, or "" if there is nothing to show.
// Numbers and booleans are printed as they stand in the JSON text: the layout
// knows no language. A list or an object gives its scalars, joined by commas.
func (a *answer) displayText(n *strictjson.Node) string {
	if n == nil {
		return ""
	}
	if n.IsScalar() {
		return a.safeText(n.Text)
	}
	var all []string
	length := 0
	for i := range n.Items[:min(len(n.Items), maxJoined)] {
		if !n.Items[i].IsScalar() {
			continue
		}
		if s := a.safeText(n.Items[i].Text); s != "" {
			all = append(all, s)
			if length += len(s); length > maxValue*4 {
				break // more than can be shown, whatever the letters
			}
		}
	}
	return strings.Join(all, ", ")
}

// safeText cleans one foreign string. An API that echoes the request, as debugging
// endpoints do, must not bring a token onto the screen.
func (a *answer) safeText(s string) string {
	s = cleanText(s)
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
	rendered int // how many lines were filled in, with or without success
}

const (
	maxJoined   = 500    // elements looked at for one joined text: one character each would fill a value
	maxRendered = 20_000 // a repeated line that finds nothing must not keep the device busy
)

func (p *page) isFull() bool { return len(p.Fields) >= maxFields }

func (p *page) add(label, value string) {
	label, value = truncate(cleanText(label), maxLabel), truncate(cleanText(value), maxValue)
	if label == "" || value == "" || p.isFull() {
		return
	}
	p.Fields = append(p.Fields, kiosk.Field{Label: label, Value: value})
}

// render lays the answer out.
func (l *Layout) render(a *answer) kiosk.Result {
	// Never nil: scripts that read the JSON want a list, be it empty.
	p := page{Result: kiosk.Result{Fields: []kiosk.Field{}}}
	if title, ok := l.title.fill(a, nil); ok {
		p.Title = truncate(cleanText(title), maxTitle)
	}
	for i := range l.lines {
		l.lines[i].render(a, nil, &p)
	}
	return p.Result
}

// render fills the line in for every element that its stars stand for.
func (n *line) render(a *answer, at []int, p *page) {
	if p.isFull() || p.rendered >= maxRendered {
		return
	}
	p.rendered++
	if len(at) == n.depth {
		label, found := n.label.fill(a, at)
		value, all := n.text.fill(a, at)
		if found && all {
			p.add(label, value)
		}
		return
	}
	lead := n.lists[len(at)]
	list := walk(a.document(lead), lead.stepsBeforeStar(len(at)), at)
	if list == nil {
		return
	}
	for i := range list.Items {
		n.render(a, append(slices.Clone(at), i), p)
	}
}

func (a *answer) document(p pointer) *strictjson.Node {
	if p.claims {
		return a.claims
	}
	return a.api
}

// fill puts values for the placeholders; false if one of them found nothing.
func (t template) fill(a *answer, at []int) (string, bool) {
	var b strings.Builder
	for _, p := range t {
		if p.pointer == nil {
			b.WriteString(p.literal)
			continue
		}
		s := a.displayText(p.pointer.find(a.document(*p.pointer), at))
		if s == "" {
			return "", false
		}
		b.WriteString(truncate(s, maxValue))
	}
	return b.String(), true
}
