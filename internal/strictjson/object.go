package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Object is a JSON object. Its values are string, json.Number, bool, nil, []any and Object.
type Object map[string]any

// Has reports whether a member is present and not null.
func (o Object) Has(name string) bool { return o[name] != nil }

// Text returns a member that is a string; false if it is absent or of another type.
func (o Object) Text(name string) (string, bool) {
	s, ok := o[name].(string)
	return s, ok
}

// Texts returns a member that is a list of strings; nil and false if it is absent or of another type.
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

// Integer returns a member that is a whole number from 0 to 2^53, in any spelling: 300, 300.0, 3e2. Anything else, an
// absent member included, is an error.
func (o Object) Integer(name string) (int64, error) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, fmt.Errorf("%s is not a number", name)
	}
	v, err := parseWhole(string(n))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// parseWhole reads a whole JSON number by its digits: a float would let 300.00000000000000001 pass.
func parseWhole(s string) (int64, error) {
	if strings.HasPrefix(s, "-") {
		return 0, errors.New("negative number")
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > 1000 || e < -1000 {
			return 0, errors.New("number out of range")
		}
		exponent = e
	}
	integer, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimRight(integer+fraction, "0")
	point := len(integer) + exponent // where the decimal point stands in digits
	if digits == "" {
		return 0, nil
	}
	significant := strings.TrimLeft(digits, "0")
	point -= len(digits) - len(significant)
	if len(significant) > point {
		return 0, errors.New("not a whole number")
	}
	if point > 16 { // 2^53 has 16 digits
		return 0, errors.New("number out of range")
	}
	v, err := strconv.ParseInt(significant+strings.Repeat("0", point-len(significant)), 10, 64)
	if err != nil || v > 1<<53 {
		return 0, errors.New("number out of range")
	}
	return v, nil
}

// Seconds converts n seconds to a duration between least and most. It clamps before it multiplies: 1e10 seconds overflow a
// time.Duration, and a timer with a negative one fires at once, for ever.
func Seconds(n int64, least, most time.Duration) time.Duration {
	if n > int64(most/time.Second) {
		return most
	}
	return max(time.Duration(n)*time.Second, least)
}

// Date returns a member that is a NumericDate, which may have a fraction. An absent member is an error, and so is a date
// outside the years 1970 to 9999. (RFC 7519, section 2)
func (o Object) Date(name string) (time.Time, error) {
	n, ok := o[name].(json.Number)
	if !ok {
		if o.Has(name) {
			return time.Time{}, fmt.Errorf("%s is not a number", name)
		}
		return time.Time{}, fmt.Errorf("%s is missing", name)
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 253402300799 { // 9999-12-31T23:59:59Z
		return time.Time{}, fmt.Errorf("%s is not a date", name)
	}
	seconds, fraction := math.Modf(f)
	return time.Unix(int64(seconds), int64(fraction*1e9)), nil
}
