package ciba

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// details are authorization details, requested or granted (RFC 9396 2).
type details []any

const detailsParameter = "authorization_details"

// parseDetails reads KIOSK_AUTHORIZATION_DETAILS, a JSON array of objects with a type, as strictly as an answer. It
// returns nil for an empty string.
func parseDetails(s string) (details, error) {
	if s == "" {
		return nil, nil
	}
	o, err := strictjson.Parse([]byte(`{"` + detailsParameter + `":` + s + `}`))
	if err != nil || len(o) != 1 {
		return nil, errors.New("not a JSON array of objects without duplicate members")
	}
	d, err := readDetails(o)
	if err == nil && len(d) == 0 {
		err = errors.New("the list is empty; unset the setting instead")
	}
	return d, err
}

// readDetails reads the details of an answer, or nil if it has none.
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
			return nil, fmt.Errorf("entry %d is not an object with a type", i+1)
		}
	}
	return list, nil
}

// exceed reports whether more was granted than requested. Granting less is allowed: entries, members and list items may
// be missing (RFC 9396 7). Everything in the answer must be part of one requested entry of the same type. Only a list
// that was requested empty, and an empty object, may be filled in: with these the client leaves the choice to the
// person (7.1).
func (granted details) exceed(asked details) bool {
	return slices.ContainsFunc(granted, func(g any) bool {
		return !slices.ContainsFunc(asked, func(a any) bool { return isPartOf(g, a) })
	})
}

// isPartOf reports whether one JSON value is part of another.
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

// sameNumber reports whether two JSON numbers are equal, exactly: 45 equals 45.0 but not 45.01. Numbers beyond the
// precision of a float stay distinct.
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
