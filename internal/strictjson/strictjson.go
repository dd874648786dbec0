// Package strictjson reads JSON from other parties, so that no two readers of one document can understand it
// differently. It rejects duplicate names, trailing data, and documents too large or too deep for a small
// device. Names are case-sensitive. Errors never quote the document: it may hold a secret.
//
// Parse returns maps, for protocol messages, and rejects invalid UTF-8; ParseOrdered keeps the order of members, for
// documents that are displayed. What the members mean is left to the caller.
//
// The syntax is jsontext's, a mirror of encoding/json/jsontext of Go 1.27.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a document.
const (
	MaxSize   = 1 << 20 // bytes; the longest documents are key sets, and real ones have under 20 KiB
	MaxDepth  = 32      // tokens and metadata are under 6 deep; jsontext allows 10,000, which recursion on a small device does not
	MaxValues = 20_000  // a set of 100 keys has about 1,000; bounds memory, since a value takes 100 bytes and its text only 2
)

var (
	errEmpty     = errors.New("empty document")
	errTooLarge  = fmt.Errorf("JSON larger than %d bytes", MaxSize)
	errSyntax    = errors.New("not JSON")
	errNotObject = errors.New("not a JSON object")
	errDuplicate = errors.New("JSON object with a duplicate name")
	errTooDeep   = fmt.Errorf("JSON nested deeper than %d", MaxDepth)
	errTooMany   = fmt.Errorf("JSON with more than %d values", MaxValues)
)

// Parse reads one JSON object. Its values are string, json.Number, bool, nil, []any and Object. (RFC 8259, section 4;
// RFC 8725, section 2.4)
func Parse(data []byte) (Object, error) {
	if !utf8.Valid(data) {
		return nil, errSyntax
	}
	v, err := read(data, toMap{})
	if err != nil {
		return nil, err
	}
	o, ok := v.(Object)
	if !ok {
		return nil, errNotObject
	}
	return o, nil
}

// ParseOrdered reads one JSON object and keeps the order of its members. Unlike Parse it accepts invalid UTF-8, which
// becomes U+FFFD: it is for text to display, and an old database may contain Latin-1.
func ParseOrdered(data []byte) (*Node, error) {
	n, err := read(data, toNode{})
	if err != nil {
		return nil, err
	}
	if n.Kind != KindObject {
		return nil, errNotObject
	}
	return &n, nil
}

// builder makes Go values of type T from what the reader finds.
type builder[T any] interface {
	scalar(t jsontext.Token) T
	array(elements []T) T
	object(names []string, values []T) T
}

type reader[T any] struct {
	dec    *jsontext.Decoder
	build  builder[T]
	values int
}

func read[T any](data []byte, build builder[T]) (v T, err error) {
	switch {
	case len(data) > MaxSize:
		return v, errTooLarge
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return v, errEmpty
	}
	// AllowInvalidUTF8 also replaces half of a \ud83d\ude00 pair by U+FFFD: servers that cut long names leave such halves
	// behind.
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(false))
	r := reader[T]{dec: dec, build: build}
	if v, err = r.value(); err != nil {
		return v, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return v, errSyntax
	}
	return v, nil
}

func (r *reader[T]) token() (jsontext.Token, error) {
	t, err := r.dec.ReadToken()
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return t, errDuplicate
	case err != nil:
		return t, errSyntax
	}
	return t, nil
}

func (r *reader[T]) value() (v T, err error) {
	if r.values++; r.values > MaxValues {
		return v, errTooMany
	}
	t, err := r.token()
	if err != nil {
		return v, err
	}
	isObject := t.Kind() == jsontext.KindBeginObject
	if !isObject && t.Kind() != jsontext.KindBeginArray {
		return r.build.scalar(t), nil
	}
	if r.dec.StackDepth() > MaxDepth {
		return v, errTooDeep
	}
	names, values := []string(nil), []T{}
	for k := r.dec.PeekKind(); k != jsontext.KindEndObject && k != jsontext.KindEndArray; k = r.dec.PeekKind() {
		if isObject {
			name, err := r.token()
			if err != nil {
				return v, err
			}
			names = append(names, name.String())
		}
		one, err := r.value()
		if err != nil {
			return v, err
		}
		values = append(values, one)
	}
	if _, err := r.token(); err != nil {
		return v, err
	}
	if isObject {
		return r.build.object(names, values), nil
	}
	return r.build.array(values), nil
}

// toMap builds the values that Parse documents.
type toMap struct{}

func (toMap) scalar(t jsontext.Token) any {
	switch t.Kind() {
	case jsontext.KindString:
		return t.String()
	case jsontext.KindNumber:
		return json.Number(t.String())
	case jsontext.KindTrue, jsontext.KindFalse:
		return t.Bool()
	}
	return nil
}

func (toMap) array(elements []any) any { return elements }

func (toMap) object(names []string, values []any) any {
	o := make(Object, len(names))
	for i, name := range names {
		o[name] = values[i]
	}
	return o
}
