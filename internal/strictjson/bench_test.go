package strictjson

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParse reads what a visit reads: the answer to each poll, a token response, and a discovery document.
func BenchmarkParse(b *testing.B) {
	discovery := `{"issuer":"https://op.example"`
	for i := range 60 {
		discovery += fmt.Sprintf(`,"member_number_%d_supported":["RS256","PS256","ES256","EdDSA"]`, i)
	}
	for name, document := range map[string]string{
		"pending":   `{"error":"authorization_pending","error_description":"The authorization request is still pending"}`,
		"token":     `{"access_token":"` + strings.Repeat("aB3_", 200) + `","token_type":"Bearer","expires_in":3600,"id_token":"` + strings.Repeat("aB3_", 300) + `"}`,
		"discovery": discovery + `}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse([]byte(document)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseOrdered reads an API's answer with 100 rows.
func BenchmarkParseOrdered(b *testing.B) {
	rows := make([]string, 100)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":%d,"name":"Order \"%d\"","price":12.50,"paid":true}`, i, i)
	}
	document := `{"title":"Anna Müller","orders":[` + strings.Join(rows, ",") + `]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseOrdered([]byte(document)); err != nil {
			b.Fatal(err)
		}
	}
}
