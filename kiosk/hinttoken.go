package kiosk

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// MaxHintToken is the maximum length of a login hint token in bytes. The largest QR code holds 4,296 characters
// (ISO/IEC 18004, version 40-L), and every server accepts this much in a form.
const MaxHintToken = 4096

// ParseHintToken reports whether a text is a login hint token, and returns its claims unverified. A login hint token is a
// signed JWT in compact form: three parts of unpadded base64url between dots; the first is a JSON object with an alg other
// than none, the second a JSON object. Nothing that a person types has this form. The server verifies the signature (CIBA
// Core 7.1, login_hint_token).
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

// MayBecomeHintToken reports whether an input can still become a login hint token: a scanner types it letter by letter.
// Every JSON object in base64url begins like this, and names and addresses hardly ever do.
func MayBecomeHintToken(draft string) bool { return strings.HasPrefix(draft, "eyJ") }
