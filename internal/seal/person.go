package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// PersonTag is the mark of an identifier, the same for every way of writing it: a
// keyed hash. Without the key it cannot be computed, so a list of known
// identifiers does not undo it.
func (r *Ring) PersonTag(identifier []byte) Tag { return r.keys[0].person(identifier) }

// MatchPerson says whether tag is the identifier's mark under any key of the ring: a
// rotation must not make somebody a stranger.
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

// Fold brings the ways of writing one identifier together, so that nobody gets
// a second budget by a capital or a blank: compatibility forms and case, and no
// blanks, no invisible characters, none of the marks that people put into phone
// and card numbers. Two people that fall together share a budget, no more. The
// caller clears what it gets.
func Fold(identifier []byte) []byte {
	composed := norm.NFKC.Append(make([]byte, 0, 2*len(identifier)), identifier...) // Bytes may give back identifier itself
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
