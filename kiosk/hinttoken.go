package kiosk

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// MaxHintToken is how long a login hint token may be, in bytes: what the largest
// QR code holds as text (ISO/IEC 18004, version 40-L, 4,296), and less than any
// server takes in a form.
const MaxHintToken = 4096

// ParseHintToken says whether what was scanned is a login hint token (CIBA Core 7.1,
// login_hint_token): a signed JWT in compact form, which is three parts of
// unpadded base64url between dots, of which the first is a JSON object that names an
// alg other than none, and the second a JSON object. Nothing that a person types,
// an email address or a number say, has this form. Whether the signature holds is
// the server's to find out. The claims are the second part as it came, unchecked.
func ParseHintToken(s string) (claims []byte, ok bool) {
	if len(s) > MaxHintToken || strings.Count(s, ".") != 2 {
		return nil, false
	}
	parts := strings.Split(s, ".")
	var decoded [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(p)
		if err != nil || len(b) == 0 {
			return nil, false
		}
		decoded[i] = b
	}
	var header struct {
		Alg string `json:"alg"`
	}
	if json.Unmarshal(decoded[0], &header) != nil || header.Alg == "" || strings.EqualFold(header.Alg, "none") {
		return nil, false
	}
	claims = decoded[1]
	if !json.Valid(claims) || !strings.HasPrefix(strings.TrimLeft(string(claims), " \t\r\n"), "{") {
		return nil, false
	}
	return claims, true
}

// MayBecomeHintToken says whether a draft can still become a login hint token: a scanner that
// types like a keyboard gives it letter by letter. Every JSON object in base64url
// begins like this, and names and addresses hardly ever do.
func MayBecomeHintToken(draft string) bool { return strings.HasPrefix(draft, "eyJ") }
