package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// PersonTag returns the tag of an identifier, the same for every spelling of it: a keyed hash. Without the key it
// cannot be computed, so a list of known identifiers does not reverse it.
func (r *Ring) PersonTag(identifier []byte) Tag { return r.keys[0].person(identifier) }

// MatchPerson returns a function that reports whether a tag is the identifier's under any key of the ring: after a
// rotation, a person must still be recognized.
func (r *Ring) MatchPerson(identifier []byte) func(tag Tag) bool {
	all := make([]Tag, len(r.keys))
	for i, k := range r.keys {
		all[i] = k.person(identifier)
	}
	return func(tag Tag) bool { return slices.Contains(all, tag) }
}

func (k *key) person(identifier []byte) (tag Tag) {
	same := Fold(identifier)
	defer clear(same)
	mac := hmac.New(sha256.New, k.tag)
	mac.Write(same)
	copy(tag[:], mac.Sum(nil))
	return tag
}

// Fold maps all spellings of one identifier to one, so that nobody gets a second budget with a capital letter or a
// space. A login hint token stands for the person whom it names: it can be signed again as often as one likes. It applies
// compatibility forms (NFKD) and case folding, and drops marks, spaces, invisible characters and the punctuation of phone
// and card numbers; a number is folded further (foldNumber). Two persons whose identifiers fold to the same share a
// budget, no more. The caller clears the result.
func Fold(identifier []byte) []byte {
	if claims, is := kiosk.ParseHintToken(string(identifier)); is {
		if person := personOf(claims); person != "" {
			identifier = []byte(person)
			defer clear(identifier)
		}
	}
	parts := norm.NFKD.Append(make([]byte, 0, 2*len(identifier)), identifier...) // norm.Bytes could return identifier itself
	defer clear(parts)
	return foldNumber(bytes.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.C, r), unicode.Is(unicode.M, r):
			return -1
		case r == '-', r == '.', r == '(', r == ')', r == '/':
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, parts))
}

// nationalDigits is how many digits at the end of a telephone number tell two persons apart: a subscriber's number with its
// area code has at least nine in most countries. What is before them is written in many ways: +44, 0044, 0, +44(0).
const nationalDigits = 9

// foldNumber folds the spellings of a number: it drops a plus and leading zeros, and of a long number keeps the last digits.
// Anything else stays as it is.
func foldNumber(text []byte) []byte {
	digits := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("+")), "0")
	if len(digits) == 0 || len(bytes.Trim(digits, "0123456789")) > 0 {
		return text
	}
	return digits[max(len(digits)-nationalDigits, 0):]
}

// personClaims name the person of a login hint token, in the order of preference.
var personClaims = []string{"sub", "email", "phone_number", "preferred_username"}

// personOf returns whom the claims of a login hint token name; empty if they name nobody. Nothing in them is verified: whoever
// forges them only shares another budget.
func personOf(claims []byte) string {
	o, err := strictjson.Parse(claims)
	if err != nil {
		return ""
	}
	id, _ := o["sub_id"].(strictjson.Object) // RFC 9493
	for _, from := range []strictjson.Object{o, id} {
		for _, claim := range personClaims {
			if v, ok := from.Text(claim); ok && v != "" {
				return v
			}
		}
	}
	return ""
}
