package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a JSON document beside its size in bytes.
const (
	maxDepth  = 32    // tokens and metadata are under 6 deep
	maxValues = 20000 // a key document of 100 keys has about 1000 values
)

// Object is a JSON object read strictly. Its values are string, json.Number,
// bool, nil, []any and Object.
type Object map[string]any

// ParseObject reads one JSON object. Unlike encoding/json it refuses a name that
// appears twice, tells names apart by case, refuses invalid UTF-8, deep nesting
// and anything after the document: `{"error":"x","Error":""}` must not read as
// two different things to two readers (RFC 8259, section 4; RFC 8725, section 2.4).
// Its errors repeat nothing of the document.
func ParseObject(data []byte) (Object, error) {
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return nil, errors.New("empty answer")
	}
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("not JSON")
	}
	w := walk{rest: data}
	v, err := w.value(0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(Object)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return o, nil
}

// walk takes a document apart of which json.Valid has said that it is JSON, so that
// only our own limits are left to look at, and commas and colons can be passed over. A
// json.Decoder's tokens take three times as long, and a visit reads ten documents.
type walk struct {
	rest   []byte
	values int
}

// next is the first byte of the next token.
func (w *walk) next() byte {
	i := 0
	for strings.IndexByte(" \t\r\n,:", w.rest[i]) >= 0 {
		i++
	}
	w.rest = w.rest[i:]
	return w.rest[0]
}

// more tells whether there is something before the closing bracket, which else it takes.
func (w *walk) more(closing byte) bool {
	if w.next() != closing {
		return true
	}
	w.rest = w.rest[1:]
	return false
}

// take cuts the next n bytes off.
func (w *walk) take(n int) []byte {
	token := w.rest[:n]
	w.rest = w.rest[n:]
	return token
}

// text takes a string.
func (w *walk) text() (string, error) {
	end, escaped := 1, false
	for ; w.rest[end] != '"'; end++ {
		if w.rest[end] == '\\' {
			end, escaped = end+1, true
		}
	}
	token := w.take(end + 1)
	if !escaped {
		return string(token[1:end]), nil
	}
	var s string
	if err := json.Unmarshal(token, &s); err != nil {
		return "", errors.New("not JSON")
	}
	return s, nil
}

func (w *walk) value(depth int) (any, error) {
	if w.values++; w.values > maxValues {
		return nil, errors.New("JSON with too many values")
	}
	c := w.next()
	switch c {
	case '"':
		return w.text()
	case 't':
		w.take(len("true"))
		return true, nil
	case 'f':
		w.take(len("false"))
		return false, nil
	case 'n':
		w.take(len("null"))
		return nil, nil
	case '[', '{':
		w.take(1)
	default:
		end := bytes.IndexAny(w.rest, " \t\r\n,]}")
		if end < 0 {
			end = len(w.rest) // the whole document is a number
		}
		return json.Number(w.take(end)), nil
	}
	if depth >= maxDepth {
		return nil, errors.New("JSON nested too deeply")
	}
	if c == '[' {
		list := []any{}
		for w.more(']') {
			v, err := w.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	o := Object{}
	for w.more('}') {
		name, err := w.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[name]; twice {
			return nil, errors.New("JSON member appears twice")
		}
		if o[name], err = w.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// Has tells whether a member is there and not null.
func (o Object) Has(name string) bool { return o[name] != nil }

// Text gives a member that is a string; false if it is absent or anything else.
func (o Object) Text(name string) (string, bool) {
	s, ok := o[name].(string)
	return s, ok
}

// Texts gives a member that is a list of strings; nil and false if it is absent
// or anything else.
func (o Object) Texts(name string) ([]string, bool) {
	list, ok := o[name].([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// Integer gives a member that is a whole number of zero or more, however it is
// spelt: 300, 300.0, 3e2. A string, a fraction, a negative number or one over 2^53
// is an error, and so is an absent member.
func (o Object) Integer(name string) (int64, error) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, fmt.Errorf("%s is not a number", name)
	}
	v, err := whole(string(n))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// whole reads a JSON number by its digits; going through a float would let
// 300.00000000000000001 pass.
func whole(s string) (int64, error) {
	if strings.HasPrefix(s, "-") {
		return 0, errors.New("negative number")
	}
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > 1000 || e < -1000 {
			return 0, errors.New("number out of range")
		}
		exp = e
	}
	front, back, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimRight(front+back, "0")
	point := len(front) + exp
	if digits == "" {
		return 0, nil
	}
	trimmed := strings.TrimLeft(digits, "0")
	point -= len(digits) - len(trimmed)
	if len(trimmed) > point {
		return 0, errors.New("not a whole number")
	}
	if point > 16 {
		return 0, errors.New("number out of range")
	}
	v, err := strconv.ParseInt(trimmed+strings.Repeat("0", point-len(trimmed)), 10, 64)
	if err != nil || v > 1<<53 {
		return 0, errors.New("number out of range")
	}
	return v, nil
}

// Seconds turns a count of seconds into a duration between least and most. The
// clamp comes first: 1e10 s overflow a time.Duration, and a negative timer fires
// at once, for ever.
func Seconds(n int64, least, most time.Duration) time.Duration {
	if n > int64(most/time.Second) {
		return most
	}
	return max(time.Duration(n)*time.Second, least)
}

// date gives a member that is a NumericDate (RFC 7519, section 2), which may have
// a fraction. Dates outside the years 1970 to 9999 are an error.
func (o Object) date(name string) (time.Time, error) {
	n, ok := o[name].(json.Number)
	if !ok {
		if o.Has(name) {
			return time.Time{}, fmt.Errorf("%s is not a number", name)
		}
		return time.Time{}, fmt.Errorf("%s is missing", name)
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 253402300799 {
		return time.Time{}, fmt.Errorf("%s is not a date", name)
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e9)), nil
}
