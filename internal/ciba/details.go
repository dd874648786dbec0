package ciba

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// details are authorization details (RFC 9396, section 2): what is asked for, or
// what was granted.
type details []any

const detailsParameter = "authorization_details"

// parseDetails reads KIOSK_AUTHORIZATION_DETAILS: a JSON array of objects, each with
// a type. It is read as strictly as what comes back. Empty is none.
func parseDetails(s string) (details, error) {
	if s == "" {
		return nil, nil
	}
	o, err := strictjson.Parse([]byte(`{"` + detailsParameter + `":` + s + `}`))
	if err != nil || len(o) != 1 {
		return nil, errors.New("not a JSON array of objects, or one with a member twice")
	}
	d, err := readDetails(o)
	if err == nil && len(d) == 0 {
		err = errors.New("an empty list asks for nothing; leave the setting out")
	}
	return d, err
}

// readDetails takes them from an answer; nil where it has none.
func readDetails(o strictjson.Object) (details, error) {
	v, there := o[detailsParameter]
	if !there || v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("not a JSON array")
	}
	for i, one := range list {
		m, _ := one.(strictjson.Object)
		if kind, _ := m.Text("type"); kind == "" {
			return nil, fmt.Errorf("entry %d is no object with a type", i+1)
		}
	}
	return list, nil
}

// exceed tells whether more was granted than asked for. Fewer is legal (RFC 9396,
// section 7): entries, members and items of lists may be missing. Anything written in
// the answer must be written in one entry of the same type that was asked for; only a
// list that was asked for empty, and an empty object, may be filled in, by which a
// client leaves the choice to the person (section 7.1). What a missing member means is
// the type's own business and not looked into.
func (granted details) exceed(asked details) bool {
	return slices.ContainsFunc(granted, func(g any) bool {
		return !slices.ContainsFunc(asked, func(a any) bool { return isPartOf(g, a) })
	})
}

// isPartOf tells whether one JSON value is part of another.
func isPartOf(part, whole any) bool {
	switch w := whole.(type) {
	case strictjson.Object:
		p, ok := part.(strictjson.Object)
		if !ok {
			return false
		}
		for name, v := range p {
			of, there := w[name]
			if len(w) > 0 && (!there || !isPartOf(v, of)) {
				return false
			}
		}
		return true
	case []any:
		p, ok := part.([]any)
		return ok && (len(w) == 0 || !slices.ContainsFunc(p, func(one any) bool {
			return !slices.ContainsFunc(w, func(of any) bool { return isPartOf(one, of) })
		}))
	case json.Number:
		p, ok := part.(json.Number)
		return ok && sameNumber(p, w)
	}
	return part == whole
}

// sameNumber: 45 and 45.0 are one amount, 45 and 45.01 are two, and so are numbers
// that differ beyond what a float holds.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	trim := func(n json.Number) []byte {
		s := []byte(n)
		if bytes.ContainsAny(s, "eE") || !bytes.Contains(s, []byte(".")) {
			return s
		}
		return bytes.TrimSuffix(bytes.TrimRight(s, "0"), []byte("."))
	}
	return bytes.Equal(trim(a), trim(b))
}
