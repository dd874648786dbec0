package api

import (
	"errors"
	"strconv"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// step is a part of a pointer. star means every element; a layout cannot name a member called "*".
type step struct {
	name string
	star bool
}

// pointer is a JSON pointer into one of two documents, extended by the step "*". (RFC 6901)
type pointer struct {
	claims bool // into the verified claims, not the API's response
	steps  []step
}

// countStars returns the number of * steps.
func (p pointer) countStars() int {
	n := 0
	for _, s := range p.steps {
		if s.star {
			n++
		}
	}
	return n
}

// stepsBeforeStar returns the steps before the i-th *, counted from 0.
func (p pointer) stepsBeforeStar(i int) []step {
	for at, s := range p.steps {
		if s.star {
			if i == 0 {
				return p.steps[:at]
			}
			i--
		}
	}
	return p.steps
}

// hiddenClaims is the prefix of claims that are never shown: one of them is the auth_req_id, a secret. (CIBA Core,
// section 10.3.1)
const hiddenClaims = "urn:openid:params:jwt:claim:"

// parsePointer reads a placeholder, without its braces.
func parsePointer(s string) (pointer, error) {
	var p pointer
	if rest, ok := strings.CutPrefix(s, "claims:"); ok {
		p.claims, s = true, rest
	}
	if !strings.HasPrefix(s, "/") {
		return p, errors.New("a placeholder is {/json/pointer} or {claims:/name}")
	}
	for _, raw := range strings.Split(s[1:], "/") {
		if raw == "*" {
			p.steps = append(p.steps, step{star: true})
			continue
		}
		for i := 0; i < len(raw); i++ {
			if raw[i] == '~' && (i+1 == len(raw) || raw[i+1] != '0' && raw[i+1] != '1') {
				return p, errors.New("JSON pointer: ~ must be followed by 0 or 1")
			}
		}
		// First ~1, then ~0. (RFC 6901, section 4)
		name := strings.ReplaceAll(strings.ReplaceAll(raw, "~1", "/"), "~0", "~")
		p.steps = append(p.steps, step{name: name})
	}
	if len(p.steps) > strictjson.MaxDepth {
		return p, errors.New("JSON pointer: too many steps")
	}
	if p.claims && strings.HasPrefix(p.steps[0].name, hiddenClaims) {
		return p, errors.New("this claim cannot be shown")
	}
	return p, nil
}

// find returns the value that the pointer names in doc, nil if there is none. at has the element for each *.
func (p pointer) find(doc *strictjson.Node, at []int) *strictjson.Node { return walk(doc, p.steps, at) }

func walk(n *strictjson.Node, steps []step, at []int) *strictjson.Node {
	for _, s := range steps {
		switch {
		case n == nil:
			return nil
		case s.star:
			if len(at) == 0 || at[0] >= len(n.Items) {
				return nil
			}
			n, at = &n.Items[at[0]], at[1:]
		case n.Kind == strictjson.KindObject:
			n = n.Member(s.name)
		case n.Kind == strictjson.KindArray:
			n = element(n, s.name)
		default:
			return nil
		}
	}
	return n
}

// element returns an array's element. Its index is in decimal digits without leading zeros. (RFC 6901, section 4)
func element(n *strictjson.Node, index string) *strictjson.Node {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(n.Items) || strconv.Itoa(i) != index {
		return nil
	}
	return &n.Items[i]
}
