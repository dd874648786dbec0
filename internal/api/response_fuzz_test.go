package api

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// FuzzResponse lays out any response: the result contains nothing that could control a terminal, no token of the visit, and
// no more than the limits.
func FuzzResponse(f *testing.F) {
	const token = "the-access-token"
	for _, s := range []string{
		`{"title":"Welcome","points":1240,"list":[{"a":1},{"a":null}]}`, "{\"name\":\"\u001b[2Jx\u202e\",\"\u0007\":\"\xff\"}",
		`{"title":"` + token + `","x":{"y":"` + token + `"}}`, `{"a":1,"a":2}`, `[]`, `{"n":1e999,"":""}`,
	} {
		f.Add([]byte(s))
	}
	layout, err := ParseLayout("layout", []byte("Hello {/name}\nPoints: {/points}\nAll: {/list/*/a} of {claims:/sub}\n"))
	if err != nil {
		f.Fatal(err)
	}
	claims, err := strictjson.ParseOrdered([]byte(`{"sub":"alice"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := strictjson.ParseOrdered(body)
		if err != nil {
			return
		}
		a := &documents{hidden: tokensOf(kiosk.Tokens{Access: kiosk.Secret(token)}), claims: claims, api: doc}
		for _, r := range []kiosk.Result{builtInLayout(doc, a), layout.render(a)} {
			all := r.Title
			for _, field := range r.Fields {
				all += field.Label + field.Value
			}
			if strings.Contains(all, token) || !utf8.ValidString(all) || len(r.Fields) > 100 ||
				strings.ContainsFunc(all, func(c rune) bool { return unicode.Is(unicode.C, c) }) {
				t.Errorf("%q is shown as %q", body, all)
			}
		}
	})
}
