package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"unicode"

	"golang.org/x/text/unicode/norm"
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
// space. It applies compatibility forms (NFKC) and case folding, and drops spaces, invisible characters and the
// punctuation of phone and card numbers. Two persons whose identifiers fold to the same share a budget, no more. The
// caller clears the result.
func Fold(identifier []byte) []byte {
	composed := norm.NFKC.Append(make([]byte, 0, 2*len(identifier)), identifier...) // norm.Bytes could return identifier itself
	defer clear(composed)
	return bytes.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.C, r):
			return -1
		case r == '-', r == '.', r == '(', r == ')', r == '/':
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, composed)
}
