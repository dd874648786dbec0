package api

import (
	"errors"
	"strconv"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// star is the step that stands for every element. It is told from a member
// called "*" by star being true; such a member cannot be named in a layout.
type step struct {
	name string
	star bool
}

// pointer is a JSON pointer (RFC 6901) into one of two documents, extended by
// the step "*".
type pointer struct {
	claims bool // into the verified claims, not the API's answer
	steps  []step
}

// countStars counts the steps that stand for every element.
func (p pointer) countStars() int {
	n := 0
	for _, s := range p.steps {
		if s.star {
			n++
		}
	}
	return n
}

// stepsBeforeStar gives the steps before the pointer's i-th star, counted from 0.
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

// noClaim are the claims that no layout may show: an auth_req_id is a secret,
// and the standard hands it out as a claim in push mode (CIBA Core 10.3.1).
const hiddenClaims = "urn:openid:params:jwt:claim:"

// parsePointer reads what stands between the braces of a placeholder.
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
				return p, errors.New("in a JSON pointer ~ is followed by 0 or 1")
			}
		}
		// RFC 6901, section 4: first ~1, then ~0.
		name := strings.ReplaceAll(strings.ReplaceAll(raw, "~1", "/"), "~0", "~")
		p.steps = append(p.steps, step{name: name})
	}
	if len(p.steps) > strictjson.MaxDepth {
		return p, errors.New("the pointer has too many steps")
	}
	if p.claims && strings.HasPrefix(p.steps[0].name, hiddenClaims) {
		return p, errors.New("this claim is never shown")
	}
	return p, nil
}

// find follows the pointer from doc; at says which element each star stands for.
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

// element finds an array's element: decimal digits without leading zeros, as
// RFC 6901, section 4 has it.
func element(n *strictjson.Node, index string) *strictjson.Node {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(n.Items) || strconv.Itoa(i) != index {
		return nil
	}
	return &n.Items[i]
}
