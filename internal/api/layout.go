package api

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a layout file, beyond any that a person would write.
const (
	maxLayoutSize = 64 << 10 // bytes, the limit of every file that a setting names
	maxLines      = 200
	maxStars      = 4 // per pointer
)

// Layout describes how the API's response and the verified claims become a result. ParseLayout makes it, and it does
// not change. A nil *Layout is the built-in layout.
type Layout struct {
	title template
	lines []line
}

// line is a labelled line of the file.
type line struct {
	label, text template
	big         bool
	depth       int       // the number of nested lists over which the line repeats
	lists       []pointer // for each of them a pointer into it
}

// bigMark begins the line of a big field.
const bigMark = "!"

// template is text with placeholders.
type template []part

type part struct {
	literal string
	pointer *pointer // nil: literal
}

// ParseLayout reads a layout file. The first line is the title; every other line that is not empty is "label: text".
// In both, {/json/pointer} stands for a value of the API's response and {claims:/name} for a verified claim. The step
// * repeats the line for every element of a list; all * of a line must be in the same list. {{ and }} stand for
// braces. An exclamation mark before the label marks what the customer came for, such as the number of a box: it is
// drawn in the largest letters.
//
// Errors read "name:line:column: cause"; columns count characters from 1. ParseLayout reports every error of the
// file. (RFC 6901)
func ParseLayout(name string, data []byte) (*Layout, error) {
	if len(data) > maxLayoutSize {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxLayoutSize)
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
		return 0, errors.New("the first line is empty; it must be the title")
	}
	if l.title, _, at, err = readText(row, 0, ""); err != nil {
		return at, err
	}
	for _, p := range l.title {
		if p.pointer != nil && p.pointer.countStars() > 0 {
			return 0, errors.New("* is not allowed in the title")
		}
	}
	return 0, nil
}

func (l *Layout) readLine(row string) (at int, err error) {
	var n line
	var end, from int
	if n.big = strings.HasPrefix(row, bigMark); n.big {
		from = len(bigMark)
	}
	if n.label, end, at, err = readText(row, from, ":"); err != nil {
		return at, err
	}
	switch {
	case end == len(row):
		return 0, errors.New("no colon: a line is \"label: text\"")
	case strings.TrimSpace(row[from:end]) == "":
		return 0, errors.New("no label before the colon")
	case strings.TrimSpace(row[end+1:]) == "":
		return end, errors.New("no text after the colon")
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

// readText reads a template from row[from:] up to one of the bytes in stop outside braces, and returns where it
// ended. With an error, at is its place.
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
			return nil, i, i, errors.New("} without {; write }} for a brace")
		case c == '{':
			size := strings.IndexByte(row[i:], '}')
			if size < 0 {
				return nil, i, i, errors.New("{ without }; write {{ for a brace")
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

// checkStars determines the lists over which the line repeats. Pointers with * may share a line only if they go
// through the same list, as in "{/orders/*/name}: {/orders/*/price}": otherwise nobody knows which elements belong
// together.
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
				return errors.New("the * of this line are in different lists")
			}
		}
	}
	n.depth = len(n.lists)
	return nil
}
