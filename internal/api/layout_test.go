package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func tree(t testing.TB, s string) *strictjson.Node {
	t.Helper()
	n, err := strictjson.ParseOrdered([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return n
}

const customer = `{
	"name": "Alice", "points": 1e3, "gold": true, "note": null, "empty": "",
	"tags": ["a", "b", 3],
	"address": {"street": "High Street 1", "town": "York", "geo": {"x": 1}},
	"orders": [
		{"id": 7, "what": "shoes", "parts": [{"n": "left"}, {"n": "right"}]},
		{"id": 8, "parts": []},
		{"id": 9, "what": "hat", "parts": [{"n": "brim"}]}
	],
	"a/b": "slash", "m~n": "tilde", "": "nameless"
}`

const claims = `{"iss":"https://id.example","sub":"248289","given_name":"Alice","roles":["staff","buyer"]}`

func fields(pairs ...string) []kiosk.Field {
	all := []kiosk.Field{}
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, kiosk.Field{Label: pairs[i], Value: pairs[i+1]})
	}
	return all
}

func TestLayout(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		title string
		want  []kiosk.Field
	}{
		"title only":              {"Hello", "Hello", fields()},
		"title with a value":      {"Hello {claims:/given_name}", "Hello Alice", fields()},
		"title that finds none":   {"Hello {/nobody}\nPoints: {/points}", "", fields("Points", "1e3")},
		"plain words":             {"T\nOpen: 9 to 17: every day", "T", fields("Open", "9 to 17: every day")},
		"values as they stand":    {"T\nA: {/points}\nB: {/gold}", "T", fields("A", "1e3", "B", "true")},
		"nothing found":           {"T\nA: {/nobody}\nB: {/note}\nC: {/empty}\nD: {/name/x}\nE: x{/nobody}y", "T", fields()},
		"one of two found":        {"T\nA: {/name} {/nobody}", "T", fields()},
		"a list":                  {"T\nA: {/tags}", "T", fields("A", "a, b, 3")},
		"an object":               {"T\nA: {/address}", "T", fields("A", "High Street 1, York")},
		"a step further":          {"T\nA: {/address/town}, {/address/street}", "T", fields("A", "York, High Street 1")},
		"one element":             {"T\nA: {/tags/1}\nB: {/tags/01}\nC: {/tags/-}\nD: {/tags/3}\nE: {/tags/-1}", "T", fields("A", "b")},
		"each element":            {"T\nTag: {/tags/*}", "T", fields("Tag", "a", "Tag", "b", "Tag", "3")},
		"each order":              {"T\nNo. {/orders/*/id}: {/orders/*/what}", "T", fields("No. 7", "shoes", "No. 9", "hat")},
		"each with a constant":    {"T\n{/name}: {/orders/*/id}", "T", fields("Alice", "7", "Alice", "8", "Alice", "9")},
		"each part of each order": {"T\n{/orders/*/id}: {/orders/*/parts/*/n}", "T", fields("7", "left", "7", "right", "9", "brim")},
		"each member":             {"T\nA: {/address/*}", "T", fields("A", "High Street 1", "A", "York", "A", "1")},
		"each of nothing":         {"T\nA: {/name/*}\nB: {/nobody/*}", "T", fields()},
		"claims":                  {"T\nA: {claims:/sub}\nRole: {claims:/roles/*}", "T", fields("A", "248289", "Role", "staff", "Role", "buyer")},
		"claims are not API":      {"T\nA: {/given_name}\nB: {claims:/name}", "T", fields()},
		"RFC 6901 signs":          {"T\nA: {/a~1b}\nB: {/m~0n}\nC: {/}", "T", fields("A", "slash", "B", "tilde", "C", "nameless")},
		"braces":                  {"{{T}}\nA: {{{/name}}}", "{T}", fields("A", "{Alice}")},
		"empty lines, CRLF, mark": {"\ufeffT\r\n\r\nA: {/name}\r\n  \n", "T", fields("A", "Alice")},
		"spaces":                  {"  T  \n  A  :   {/name}  ", "T", fields("A", "Alice")},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := ParseLayout("x.layout", []byte(c.file))
			if err != nil {
				t.Fatal(err)
			}
			got := l.render(&documents{api: tree(t, customer), claims: tree(t, claims)})
			if d := cmp.Diff(kiosk.Result{Title: c.title, Fields: c.want}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseLayoutReportsEveryError(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":                  {"", "x:1:1: the first line is empty"},
		"title comes later":      {"\nTitle", "x:1:1: the first line is empty"},
		"title repeats":          {"{/a/*}", "x:1:1: * is not allowed in the title"},
		"no colon":               {"T\njust words", "x:2:1: no colon"},
		"colon in braces only":   {"T\n{claims:/a}", "x:2:1: no colon"},
		"no label":               {"T\n : {/a}", "x:2:1: no label"},
		"no text":                {"T\nPünkte: ", "x:2:7: no text"},
		"open brace":             {"T\nA: {/a", "x:2:4: { without"},
		"closing brace":          {"T\nÄ: a}", "x:2:5: } without"},
		"empty placeholder":      {"T\nA: {}", "x:2:4: a placeholder is"},
		"name without slash":     {"T\nA: {name}", "x:2:4: a placeholder is"},
		"claims without slash":   {"T\nA: {claims:name}", "x:2:4: a placeholder is"},
		"wrong tilde":            {"T\nA: {/a~2}", "x:2:4: JSON pointer"},
		"tilde at the end":       {"T\nA: {/a~}", "x:2:4: JSON pointer"},
		"two lists":              {"T\nA: {/a/*} {/b/*}", "x:2:1: the * of this line"},
		"two documents":          {"T\nA: {/a/*} {claims:/a/*}", "x:2:1: the * of this line"},
		"two lists further down": {"T\nA: {/a/*/b/*} {/a/*/c/*}", "x:2:1: the * of this line"},
		"too many stars":         {"T\nA: {/*/*/*/*/*}", "x:2:1: more than 4"},
		"a secret claim":         {"T\nA: {claims:/urn:openid:params:jwt:claim:auth_req_id}", "x:2:4: this claim"},
		"not UTF-8":              {"T\nA: \xff", "x:2:1: not UTF-8"},
		"too many lines":         {"T" + strings.Repeat("\nA: b", 201), "x:202:1: more than 200"},
		"too long":               {strings.Repeat("x", 70_000), "x: longer than"},
		"both faults":            {"T\nA\nB", "x:2:1: no colon: a line is \"label: text\"\nx:3:1"},
	} {
		if l, err := ParseLayout("x", []byte(c.file)); err == nil || l != nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuiltInLayout(t *testing.T) {
	for name, c := range map[string]struct {
		doc   string
		title string
		want  []kiosk.Field
	}{
		"a customer": {customer, "Alice", fields("points", "1e3", "gold", "true", "tags", "a, b, 3", "address", "High Street 1, York",
			"orders", "7, shoes", "orders", "8", "orders", "9, hat", "a/b", "slash", "m~n", "tilde")},
		"title before name":     {`{"name":"N","title":"T"}`, "T", fields("name", "N")},
		"empty title":           {`{"title":"","name":"N"}`, "N", fields()},
		"title that is no text": {`{"title":{"a":1},"name":7}`, "", fields("title", "1", "name", "7")},
		"nothing":               {`{}`, "", fields()},
		"order of the text":     {`{"b":1,"a":2,"c":3}`, "", fields("b", "1", "a", "2", "c", "3")},
		"lists in lists":        {`{"a":[[1,2],[3],4,[]]}`, "", fields("a", "1, 2", "a", "3", "a", "4")},
		"big numbers":           {`{"a":12345678901234567890.10,"b":-0}`, "", fields("a", "12345678901234567890.10", "b", "-0")},
	} {
		a := &documents{api: tree(t, c.doc)}
		if d := cmp.Diff(kiosk.Result{Title: c.title, Fields: c.want}, builtInLayout(a.api, a)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestClaimsAreShownWithoutAnAPI(t *testing.T) {
	for name, c := range map[string]struct {
		claims, title string
		want          []kiosk.Field
	}{
		"protocol left out": {`{"iss":"i","aud":["a"],"exp":1,"iat":2,"auth_time":3,"nonce":"n","at_hash":"h","acr":"a","amr":["x"],"azp":"a","sid":"s","jti":"j",
			"urn:openid:params:jwt:claim:auth_req_id":"canary","urn:openid:params:jwt:claim:rt_hash":"h","sub":"248289","name":"Alice","email":"alice@shop.example","email_verified":true}`,
			"Alice", fields("email", "alice@shop.example", "email_verified", "true")},
		"only the subject": {`{"iss":"i","sub":"248289"}`, "", fields("sub", "248289")},
	} {
		got, err := resource(t, Options{}).Fetch(t.Context(), kiosk.Tokens{}, kiosk.Person{Claims: []byte(c.claims)})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(kiosk.Result{Title: c.title, Fields: c.want}, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	l, err := ParseLayout("x", []byte("Hello {claims:/name}\nMail: {claims:/email}\nPoints: {/points}"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := resource(t, Options{Layout: l}).Fetch(t.Context(), bearer, alice)
	want := kiosk.Result{Title: "Hello Alice", Fields: fields("Mail", "alice@shop.example")}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
	_, err = resource(t, Options{}).Fetch(t.Context(), bearer, kiosk.Person{Claims: []byte("canary")})
	fails(t, err, kiosk.Internal)
}

func TestHostileTextIsCleaned(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"escape sequence":    {"\x1b[2Jgone", "[2Jgone"},
		"C1 control":         {"a\u009b31mb", "a31mb"},
		"direction":          {"abc\u202edef\u2066g\u200f", "abcdefg"},
		"zero width":         {"pa\u200bss\u200d\ufeff\u2060w\u00adord", "password"},
		"lines":              {"a\r\nb\tc\u2028d\u0085e", "a b c d e"},
		"only blanks":        {" \u00a0\u3000\u3164\u2800 ", ""},
		"NUL":                {"a\x00b", "ab"},
		"tags and selectors": {"a\U000e0041\ufe0f\U000e0100b", "ab"},
		"private use":        {"a\ue000\U0010fffd\uffffb", "ab"},
		"tower of marks":     {"z" + strings.Repeat("\u0301", 50) + "a", "z" + strings.Repeat("\u0301", 4) + "a"},
		"ordinary":           {"Zoë Müller-Ølsen, 東京", "Zoë Müller-Ølsen, 東京"},
	} {
		if got := cleanText(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := truncate(strings.Repeat("ä", 65), 64); utf8.RuneCountInString(got) != 64 || !strings.HasSuffix(got, "ä...") {
		t.Errorf("cut to %q", got)
	}
	if got := truncate(strings.Repeat("ä", 64), 64); strings.HasSuffix(got, ".") {
		t.Errorf("cut without need: %q", got)
	}
}

func TestEchoedTokenIsNotShown(t *testing.T) {
	a := &documents{hidden: tokensOf(kiosk.Tokens{Access: kiosk.Secret(canary), ID: kiosk.Secret("canary-id"), Refresh: kiosk.Secret("")})}
	a.api = tree(t, fmt.Sprintf(`{"title":"Bearer %[1]s","name":"N","header":"Bearer %[1]s","split":"can\u200bary-token-5f1c","%[1]s":1,"id":["canary-id","x"],"note":"fine"}`, canary))
	if d := cmp.Diff(kiosk.Result{Title: "N", Fields: fields("id", "x", "note", "fine")}, builtInLayout(a.api, a)); d != "" {
		// A title that was rejected is no field either.
		t.Error(d)
	}
	l, err := ParseLayout("x", []byte("T {/header}\nA: {/header}\nB: {/note}"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(kiosk.Result{Fields: fields("B", "fine")}, l.render(a)); d != "" {
		t.Error(d)
	}
}

func TestHugeResponsesAreTruncated(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	a := &documents{api: tree(t, `{"title":"`+long+`","`+long+`":"`+long+`","l":[`+strings.Repeat(`{"a":1},`, 5_000)+`{}]}`)}
	bounded(t, builtInLayout(a.api, a))
	l, err := ParseLayout("x", []byte("{/title}{/title}\nA{/title}: {/title}{/title}{/title}\nB: {/l/*/a}\nC: {/l/*/b}{/l/*/b}"))
	if err != nil {
		t.Fatal(err)
	}
	got := l.render(a)
	bounded(t, got)
	if len(got.Fields) != maxFields {
		t.Errorf("%d fields", len(got.Fields))
	}
}

// bounded checks what holds for every result.
func bounded(t *testing.T, r kiosk.Result) {
	t.Helper()
	harmless := func(s string, limit int) {
		if utf8.RuneCountInString(s) > limit {
			t.Fatalf("%d runes", utf8.RuneCountInString(s))
		}
		for _, c := range s {
			if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || !unicode.IsGraphic(c) {
				t.Fatalf("%U in %q", c, s)
			}
		}
	}
	harmless(r.Title, maxTitle)
	if r.Fields == nil || len(r.Fields) > maxFields {
		t.Fatalf("%d fields", len(r.Fields))
	}
	for _, f := range r.Fields {
		harmless(f.Label, maxLabel)
		harmless(f.Value, maxValue)
		if f.Label == "" || f.Value == "" {
			t.Fatalf("empty: %+v", f)
		}
	}
}

func FuzzLayout(f *testing.F) {
	f.Add("Hello {claims:/given_name}\nNo. {/orders/*/id}: {/orders/*/what}", customer)
	f.Add("{{T}}\nA: {{{/name}}}\nB: {/a~1b}", `{"name":"\u202ex\u009b"}`)
	f.Add("T\n{/*}: {/*/*/*}", `{"a":[[{"b":"\u001b"}]]}`)
	f.Add("\ufeffT\x1b[2J\r\nA\u200b: b", `{}`)
	f.Add("T\nA: {/a", `{"a":1,"a":2}`)
	f.Fuzz(func(t *testing.T, file, doc string) {
		l, err := ParseLayout("f", []byte(file))
		if (l == nil) == (err == nil) {
			t.Fatal("neither or both")
		}
		if err != nil && strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), unicode.IsControl) {
			t.Fatalf("control character in %q", err)
		}
		n, err := strictjson.ParseOrdered([]byte(doc))
		if err != nil {
			return
		}
		a := &documents{api: n, claims: n}
		bounded(t, builtInLayout(n, a))
		bounded(t, builtInLayout(personalClaims(n), a))
		if l != nil {
			bounded(t, l.render(a))
		}
	})
}

// An exclamation mark before the label marks the big field; it is no part of the label.
func TestBigFieldOfALayout(t *testing.T) {
	l, err := ParseLayout("file", []byte("Hello\n!Box: {/box}\nFrom: {/from}\nWhat!: {/from}\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := l.render(&documents{api: tree(t, `{"box":"12","from":"Bookshop"}`)})
	want := []kiosk.Field{{Label: "Box", Value: "12", Big: true}, {Label: "From", Value: "Bookshop"}, {Label: "What!", Value: "Bookshop"}}
	if !slices.Equal(got.Fields, want) {
		t.Errorf("%+v", got.Fields)
	}
	for _, bad := range []string{"Hello\n!: x", "Hello\n!Box"} {
		if _, err := ParseLayout("file", []byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
