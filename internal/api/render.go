package api

import (
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// documents are what a layout reads.
type documents struct {
	api    *strictjson.Node // the response; nil if no API is configured
	claims *strictjson.Node
	hidden []string // tokens; a text that contains one counts as absent
}

// displayText returns the safe text of a value, "" if there is none. Numbers and booleans keep the spelling of the
// document: the layout has no language. The scalars of a list or object are joined by commas.
func (d *documents) displayText(n *strictjson.Node) string {
	if n == nil {
		return ""
	}
	if n.IsScalar() {
		return d.safeText(n.Text)
	}
	var all []string
	length := 0
	for i := range n.Items[:min(len(n.Items), maxJoined)] {
		if !n.Items[i].IsScalar() {
			continue
		}
		if s := d.safeText(n.Items[i].Text); s != "" {
			all = append(all, s)
			if length += len(s); length > maxValue*4 {
				break // more bytes than maxValue characters can have
			}
		}
	}
	return strings.Join(all, ", ")
}

// safeText cleans a foreign string, and returns "" if it contains a token: an API may echo the request, as debugging
// endpoints do.
func (d *documents) safeText(s string) string {
	s = cleanText(s)
	for _, h := range d.hidden {
		if strings.Contains(s, h) {
			return ""
		}
	}
	return s
}

// page collects a result within the limits.
type page struct {
	kiosk.Result
	attempts int // lines tried, whether they had a value or not
}

const (
	maxJoined   = 500    // elements of one value: even with one character each they fill it
	maxAttempts = 20_000 // lines tried: a repeated line without a value must not keep the device busy
)

func (p *page) isFull() bool { return len(p.Fields) >= maxFields }

func (p *page) add(label, value string, big bool) {
	label, value = truncate(cleanText(label), maxLabel), truncate(cleanText(value), maxValue)
	if label == "" || value == "" || p.isFull() {
		return
	}
	p.Fields = append(p.Fields, kiosk.Field{Label: label, Value: value, Big: big})
}

// render lays out the documents.
func (l *Layout) render(d *documents) kiosk.Result {
	// Not nil: in JSON that must be an empty list.
	p := page{Result: kiosk.Result{Fields: []kiosk.Field{}}}
	if title, ok := l.title.fill(d, nil); ok {
		p.Title = truncate(cleanText(title), maxTitle)
	}
	for i := range l.lines {
		l.lines[i].render(d, nil, &p)
	}
	return p.Result
}

// render adds the line once for every combination of elements.
func (n *line) render(d *documents, at []int, p *page) {
	if p.isFull() || p.attempts >= maxAttempts {
		return
	}
	p.attempts++
	if len(at) == n.depth {
		label, found := n.label.fill(d, at)
		value, all := n.text.fill(d, at)
		if found && all {
			p.add(label, value, n.big)
		}
		return
	}
	first := n.lists[len(at)]
	list := walk(d.of(first), first.stepsBeforeStar(len(at)), at)
	if list == nil {
		return
	}
	for i := range list.Items {
		n.render(d, append(slices.Clone(at), i), p)
	}
}

func (d *documents) of(p pointer) *strictjson.Node {
	if p.claims {
		return d.claims
	}
	return d.api
}

// fill replaces the placeholders; false if one of them has no value.
func (t template) fill(d *documents, at []int) (string, bool) {
	var b strings.Builder
	for _, p := range t {
		if p.pointer == nil {
			b.WriteString(p.literal)
			continue
		}
		s := d.displayText(p.pointer.find(d.of(*p.pointer), at))
		if s == "" {
			return "", false
		}
		b.WriteString(truncate(s, maxValue))
	}
	return b.String(), true
}
