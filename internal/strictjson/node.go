package strictjson

import "github.com/go-json-experiment/json/jsontext"

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of JSON values.
const (
	KindNull Kind = iota
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// Node is a JSON value whose object members keep their order.
type Node struct {
	Kind  Kind
	Text  string   // of a string its contents; of a number or boolean the JSON text
	Names []string // of an object's members, in the order of Items
	Items []Node   // an object's member values or an array's elements
}

// IsScalar reports whether n is a string, number or boolean.
func (n *Node) IsScalar() bool {
	return n.Kind == KindBool || n.Kind == KindNumber || n.Kind == KindString
}

// Member returns the value of an object's member, nil if n is no object or has no such member.
func (n *Node) Member(name string) *Node {
	if n.Kind != KindObject {
		return nil
	}
	for i := range n.Names {
		if n.Names[i] == name {
			return &n.Items[i]
		}
	}
	return nil
}

// toNode builds Nodes.
type toNode struct{}

func (toNode) scalar(t jsontext.Token) Node {
	switch t.Kind() {
	case jsontext.KindString:
		return Node{Kind: KindString, Text: t.String()}
	case jsontext.KindNumber:
		return Node{Kind: KindNumber, Text: t.String()}
	case jsontext.KindTrue, jsontext.KindFalse:
		return Node{Kind: KindBool, Text: t.String()}
	}
	return Node{}
}

func (toNode) array(elements []Node) Node { return Node{Kind: KindArray, Items: elements} }

func (toNode) object(names []string, values []Node) Node {
	return Node{Kind: KindObject, Names: names, Items: values}
}
