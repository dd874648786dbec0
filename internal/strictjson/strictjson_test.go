package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		in string
		ok bool
	}{
		"an object":                       {`{"a":1,"b":[true,null,"x",{"c":{}}]}`, true},
		"white space around it":           {" \r\n{\"a\":1}\t\n", true},
		"names that differ in case":       {`{"error":"x","Error":""}`, true},
		"the same name in two objects":    {`{"a":{"x":1},"b":{"x":2}}`, true},
		"nothing":                         {``, false},
		"only spaces":                     {`   `, false},
		"a list":                          {`[1]`, false},
		"a string":                        {`"x"`, false},
		"null":                            {`null`, false},
		"a number":                        {`1`, false},
		"a word":                          {` true`, false},
		"a name twice":                    {`{"a":1,"a":2}`, false},
		"a name twice, once escaped":      {`{"error":"x","\u0065rror":"y"}`, false},
		"a name twice further down":       {`{"a":[{"b":1,"b":1}]}`, false},
		"a second document":               {`{"a":1}{"a":2}`, false},
		"text behind":                     {`{"a":1}x`, false},
		"cut off":                         {`{"a":1`, false},
		"a comma too many":                {`{"a":1,}`, false},
		"a comma too few":                 {`{"a":1 "b":2}`, false},
		"a comment":                       {`{"a":1/**/}`, false},
		"single quotes":                   {`{'a':1}`, false},
		"a number with a leading zero":    {`{"a":01}`, false},
		"not a number":                    {`{"a":NaN}`, false},
		"a byte order mark":               {"\ufeff{}", false},
		"bytes that are not UTF-8":        {"{\"a\":\"\xff\"}", false},
		"a line break inside a string":    {"{\"a\":\"\n\"}", false},
		"31 lists inside one another":     {`{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, true},
		"32 lists inside one another":     {`{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, false},
		"a hundred thousand open lists":   {`{"a":` + strings.Repeat("[", 100000), false},
		"a hundred thousand small values": {`{"a":[` + strings.Repeat("1,", 100000) + `1]}`, false},
		"an error page":                   {`<html><body>502 Bad Gateway</body></html>`, false},
		"a list closed as an object":      {`{"a":[1}}`, false},
		"a megabyte":                      {`{"a":"` + strings.Repeat("x", MaxSize-8) + `"}`, true},
		"a megabyte and a byte":           {`{"a":"` + strings.Repeat("x", MaxSize-7) + `"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := Parse([]byte(c.in))
			if (err == nil) != c.ok {
				t.Fatalf("error %v, want ok %v", err, c.ok)
			}
			if err == nil && o == nil {
				t.Fatal("no object and no error")
			}
			wantOrdered := c.ok || name == "bytes that are not UTF-8"
			if _, ordered := ParseOrdered([]byte(c.in)); (ordered == nil) != wantOrdered {
				t.Errorf("ParseOrdered: error %v, want ok %v", ordered, wantOrdered)
			}
		})
	}
}

func TestParseKeepsValues(t *testing.T) {
	o, err := Parse([]byte(" {\t\"a\" : [ ] ,\r\n\"b\":{},\"c\":[1,-2.5e+3 ,true,false,null,\"\"]," +
		`"d":"a\\b\"c\/\u00e9\ud83d\ude00\ud800\n","\u0065":"]},:","f\\":"é"} `))
	if err != nil {
		t.Fatal(err)
	}
	want := Object{
		"a": []any{}, "b": Object{}, "c": []any{json.Number("1"), json.Number("-2.5e+3"), true, false, nil, ""},
		"d": "a\\b\"c/é😀\ufffd\n", "e": "]},:", "f\\": "é",
	}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("reads as %#v", o)
	}
}

func TestParseOrderedKeepsOrderAndText(t *testing.T) {
	got, err := ParseOrdered([]byte(`{"z":[1.50,-2.5e+3],"a":{"y":true,"x":null,"":"1.50"},"m":[],"n":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Node{Kind: KindObject, Names: []string{"z", "a", "m", "n"}, Items: []Node{
		{Kind: KindArray, Items: []Node{{Kind: KindNumber, Text: "1.50"}, {Kind: KindNumber, Text: "-2.5e+3"}}},
		{Kind: KindObject, Names: []string{"y", "x", ""}, Items: []Node{{Kind: KindBool, Text: "true"}, {}, {Kind: KindString, Text: "1.50"}}},
		{Kind: KindArray, Items: []Node{}},
		{Kind: KindObject, Items: []Node{}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read as %#v", got)
	}
	if n := got.Member("a").Member("y"); n == nil || !n.IsScalar() || n.Text != "true" {
		t.Errorf("member y of a is %#v", n)
	}
	if n, err := ParseOrdered([]byte("{\"a\":\"M\xfcller\",\"b\":\"\\ud83d\"}")); err != nil || n.Member("a").Text != "M\ufffdller" || n.Member("b").Text != "\ufffd" {
		t.Errorf("invalid UTF-8 is read as %#v, %v", n, err)
	}
	if got.Member("missing") != nil || got.Member("z").Member("0") != nil {
		t.Error("found a member that is not there")
	}
}

func TestNamesAreCaseSensitive(t *testing.T) {
	o, err := Parse([]byte(`{"Error":"denied","ERROR":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := o.Text("error"); ok {
		t.Errorf("found error %q under another spelling", s)
	}
}

func TestInteger(t *testing.T) {
	const bad = -1
	for in, want := range map[string]int64{
		`300`: 300, `300.0`: 300, `3e2`: 300, `3E+2`: 300, `30000e-2`: 300, `0.3e3`: 300, `300.000`: 300,
		`0`: 0, `0.0`: 0, `0e5`: 0, `1`: 1, `9007199254740992`: 1 << 53, `1e15`: 1e15,
		`-1`: bad, `-0`: bad, `"300"`: bad, `null`: bad, `true`: bad, `[]`: bad, `{}`: bad,
		`1.5`: bad, `3e-1`: bad, `300.00000000000000000001`: bad,
		`9007199254740993`: bad, `1e17`: bad, `1e300`: bad, `1e999999999999999999`: bad, `1e-999999999999999999`: bad,
		`99999999999999999999`: bad,
	} {
		o, err := Parse([]byte(`{"n":` + in + `}`))
		if err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		got, err := o.Integer("n")
		if err != nil {
			got = bad
		}
		if got != want {
			t.Errorf("%s reads as %d, want %d (%v)", in, got, want, err)
		}
	}
	if _, err := (Object{}).Integer("n"); err == nil {
		t.Error("an absent number is a number")
	}
}

func TestSecondsClampsBeforeItOverflows(t *testing.T) {
	for n, want := range map[int64]time.Duration{
		0: time.Second, 1: time.Second, 7: 7 * time.Second, 3600: time.Hour, 3601: time.Hour,
		1e10: time.Hour, 1 << 62: time.Hour, -5: time.Second,
	} {
		if got := Seconds(n, time.Second, time.Hour); got != want {
			t.Errorf("%d s became %v, want %v", n, got, want)
		}
	}
}

// FuzzParse checks that an accepted document means the same to encoding/json.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"a":{"b":[1,"x",null,true,{}]}}`, `{"a":1,"a":2}`, `{"error":"x","\u0065rror":"y"}`,
		`{"a":1e999}`, `[`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", ``, `{"a":1} {"b":2}`, strings.Repeat(`{"a":`, 40),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		o, err := Parse(in)
		if err != nil {
			for _, part := range strings.Fields(string(in)) {
				if len(part) > 12 && strings.Contains(err.Error(), part) {
					t.Fatalf("the error repeats the document: %v", err)
				}
			}
			return
		}
		var plain map[string]any
		d := json.NewDecoder(strings.NewReader(string(in)))
		d.UseNumber()
		if err := d.Decode(&plain); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if !reflect.DeepEqual(plainOf(o), plain) {
			t.Fatalf("reads as %v and as %v", o, plain)
		}
	})
}

func plainOf(v any) any {
	switch v := v.(type) {
	case Object:
		m := map[string]any{}
		for k, x := range v {
			m[k] = plainOf(x)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = plainOf(x)
		}
		return l
	}
	return v
}

// FuzzParseWhole checks that every spelling of an accepted number has the same value.
func FuzzParseWhole(f *testing.F) {
	for _, s := range []string{"0", "300", "300.0", "3e2", "1e-2", "100e-2", "-1", "1e99999", "9007199254740992", "0.00e7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) || strings.ContainsAny(s, "{[\"tfn \t\r\n") {
			return
		}
		n, err := parseWhole(s)
		if err != nil {
			return
		}
		if n < 0 || n > 1<<53 {
			t.Fatalf("%s reads as %d", s, n)
		}
		back, err := json.Number(s).Float64()
		if err != nil || float64(n) != back {
			t.Fatalf("%s reads as %d and as %v (%v)", s, n, back, err)
		}
	})
}
