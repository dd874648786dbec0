package api

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The sizes of a layout file that a person would write.
const (
	maxLayout = 64 << 10 // bytes, as for every file that a setting names
	maxLines  = 200
	maxStars  = 4 // per pointer
)

// Layout says how the API's answer and the verified claims become a result. It
// is made by ParseLayout and never changes. A nil *Layout is the built-in one.
type Layout struct {
	title template
	lines []line
}

// line is one labelled line of the file.
type line struct {
	label, text template
	depth       int       // how deep the line repeats
	lists       []pointer // for each level of repetition the pointer that says over what
}

// text is words with placeholders between them.
type template []part

type part struct {
	literal string
	pointer *pointer // nil: words
}

// ParseLayout reads a layout file. The first line is the title, each further
// line "label: text"; empty lines are skipped. In both, {/json/pointer} reads
// the API's answer and {claims:/name} the verified claims (JSON pointers of RFC
// 6901); a step that is only * repeats the line for every element, and all the
// * of a line walk over the same list. Two braces, {{ or }}, stand for one.
//
// What name is given appears in errors, which read "name:line:column: cause"
// with the column in characters from 1. Every fault in the file is reported.
func ParseLayout(name string, data []byte) (*Layout, error) {
	if len(data) > maxLayout {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxLayout)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	l := new(Layout)
	var faults []error
	rows := strings.Split(string(data), "\n")
	for i, row := range rows {
		row = strings.TrimSuffix(row, "\r")
		var at int
		var err error
		switch {
		case !utf8.ValidString(row):
			err = errors.New("not UTF-8")
		case i == 0:
			at, err = l.readTitle(row)
		case strings.TrimSpace(row) == "":
			continue
		case len(l.lines) == maxLines:
			return nil, errors.Join(append(faults, fmt.Errorf("%s:%d:1: more than %d lines", name, i+1, maxLines))...)
		default:
			at, err = l.readLine(row)
		}
		if err != nil {
			column := utf8.RuneCountInString(row[:at]) + 1
			faults = append(faults, fmt.Errorf("%s:%d:%d: %w", name, i+1, column, err))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return l, nil
}

func (l *Layout) readTitle(row string) (at int, err error) {
	if strings.TrimSpace(row) == "" {
		return 0, errors.New("the first line is the title and must not be empty")
	}
	if l.title, _, at, err = readText(row, 0, ""); err != nil {
		return at, err
	}
	for _, p := range l.title {
		if p.pointer != nil && p.pointer.countStars() > 0 {
			return 0, errors.New("the title cannot repeat: * is for the lines below it")
		}
	}
	return 0, nil
}

func (l *Layout) readLine(row string) (at int, err error) {
	var n line
	var end int
	if n.label, end, at, err = readText(row, 0, ":"); err != nil {
		return at, err
	}
	switch {
	case end == len(row):
		return 0, errors.New("a line is \"label: text\", and here is no colon")
	case strings.TrimSpace(row[:end]) == "":
		return 0, errors.New("there is no label before the colon")
	case strings.TrimSpace(row[end+1:]) == "":
		return end, errors.New("there is no text behind the colon")
	}
	if n.text, _, at, err = readText(row, end+1, ""); err != nil {
		return at, err
	}
	if err := n.checkStars(); err != nil {
		return 0, err
	}
	l.lines = append(l.lines, n)
	return 0, nil
}

// readText reads words and placeholders from row[from:] up to one of the bytes
// in stop that stands outside braces. It returns where it ended; with an error,
// at says where that is.
func readText(row string, from int, stop string) (t template, end, at int, err error) {
	var words strings.Builder
	flush := func() {
		if words.Len() > 0 {
			t = append(t, part{literal: words.String()})
			words.Reset()
		}
	}
	i := from
	for i < len(row) {
		c := row[i]
		switch {
		case strings.IndexByte(stop, c) >= 0:
			flush()
			return t, i, 0, nil
		case c == '{' && strings.HasPrefix(row[i+1:], "{"), c == '}' && strings.HasPrefix(row[i+1:], "}"):
			words.WriteByte(c)
			i += 2
		case c == '}':
			return nil, i, i, errors.New("a } without its {; write }} for the sign itself")
		case c == '{':
			size := strings.IndexByte(row[i:], '}')
			if size < 0 {
				return nil, i, i, errors.New("a { without its }; write {{ for the sign itself")
			}
			p, err := parsePointer(row[i+1 : i+size])
			if err != nil {
				return nil, i, i, err
			}
			flush()
			t = append(t, part{pointer: &p})
			i += size + 1
		default:
			words.WriteByte(c)
			i++
		}
	}
	flush()
	return t, i, 0, nil
}

// checkStars finds out over what the line repeats. Two pointers with a * may stand in
// one line if they walk over the same list, as in
// "{/orders/*/name}: {/orders/*/price}"; otherwise it would be anybody's guess
// which element belongs to which.
func (n *line) checkStars() error {
	for _, p := range slices.Concat(n.label, n.text) {
		if p.pointer == nil {
			continue
		}
		stars := p.pointer.countStars()
		if stars > maxStars {
			return fmt.Errorf("more than %d * in one pointer", maxStars)
		}
		for i := range stars {
			if i == len(n.lists) {
				n.lists = append(n.lists, *p.pointer)
				continue
			}
			known := n.lists[i]
			if known.claims != p.pointer.claims || !slices.Equal(known.stepsBeforeStar(i), p.pointer.stepsBeforeStar(i)) {
				return errors.New("the * of this line walk over different lists")
			}
		}
	}
	n.depth = len(n.lists)
	return nil
}
