package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The JSON that is accepted: deep and broad enough for any answer meant for a
// person, small enough for a device with 512 MiB of memory.
const (
	maxDepth = 32
	maxNodes = 20_000
)

type kind uint8

const (
	nothing kind = iota // null
	scalar              // string, number or boolean
	object
	array
)

// node is a JSON value that remembers the order of its members, which Go's maps
// do not: the order in the text is the order on the screen.
type node struct {
	kind  kind
	text  string   // of a scalar: the string, or the number or boolean exactly as in the JSON text
	str   bool     // the scalar is a string
	names []string // of an object, beside items
	items []node   // members' values or elements
}

// member finds an object's member.
func (n *node) member(name string) *node {
	if n.kind != object {
		return nil
	}
	for i := range n.names {
		if n.names[i] == name {
			return &n.items[i]
		}
	}
	return nil
}

// Why a JSON text is refused. None of them quotes the text: it is private.
var (
	errNotJSON   = errors.New("not JSON")
	errNotObject = errors.New("not a JSON object")
	errTwice     = errors.New("a JSON member occurs twice")
	errTooDeep   = fmt.Errorf("JSON nested deeper than %d", maxDepth)
	errTooMany   = fmt.Errorf("more than %d JSON values", maxNodes)
)

// readObject reads one JSON object and nothing behind it.
func readObject(data []byte) (*node, error) {
	// The token reader is lenient about what surrounds a token; the scanner is not.
	if !json.Valid(data) {
		return nil, errNotJSON
	}
	r := reader{dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return nil, errNotJSON
	}
	if n.kind != object {
		return nil, errNotObject
	}
	return &n, nil
}

type reader struct {
	dec   *json.Decoder
	nodes int
}

func (r *reader) value(depth int) (node, error) {
	t, err := r.dec.Token()
	if err != nil {
		return node{}, errNotJSON // the decoder's own text may quote the input
	}
	if r.nodes++; r.nodes > maxNodes {
		return node{}, errTooMany
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == maxDepth {
			return node{}, errTooDeep
		}
		if t == '{' {
			return r.object(depth + 1)
		}
		return r.array(depth + 1)
	case string:
		return node{kind: scalar, text: t, str: true}, nil
	case json.Number:
		return node{kind: scalar, text: t.String()}, nil
	case bool:
		return node{kind: scalar, text: fmt.Sprint(t)}, nil
	}
	return node{}, nil
}

func (r *reader) object(depth int) (node, error) {
	n := node{kind: object}
	seen := map[string]struct{}{}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return node{}, errNotJSON
		}
		name, ok := t.(string)
		if !ok {
			return node{}, errNotJSON
		}
		// Two members of one name: other readers of the same answer may see
		// the other one.
		if _, twice := seen[name]; twice {
			return node{}, errTwice
		}
		seen[name] = struct{}{}
		v, err := r.value(depth)
		if err != nil {
			return node{}, err
		}
		n.names = append(n.names, name)
		n.items = append(n.items, v)
	}
	return n, r.close()
}

func (r *reader) array(depth int) (node, error) {
	n := node{kind: array}
	for r.dec.More() {
		v, err := r.value(depth)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, v)
	}
	return n, r.close()
}

func (r *reader) close() error {
	if _, err := r.dec.Token(); err != nil {
		return errNotJSON
	}
	return nil
}
