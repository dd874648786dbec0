package ciba

import (
	"errors"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// subjectCheckOff is the value of KIOSK_SUBJECT_CLAIM that switches the comparison off.
const subjectCheckOff = "none"

// comparison is what claims say about the approver.
type comparison uint8

const (
	missing  comparison = iota // nothing to compare; another source may say more
	unusable                   // the claim has the wrong type, or says that it is not verified; no other source counts
	mismatch                   // somebody else
	match                      // the identified person
)

// checkSubjectClaim refuses a claim that does not identify a person.
func checkSubjectClaim(c Config) error {
	if c.SubjectClaim == "" || c.SubjectClaim == subjectCheckOff {
		return nil
	}
	if hasControl(c.SubjectClaim) || slices.Contains([]string{"iss", "aud", "exp", "iat", "nbf", "azp"}, c.SubjectClaim) {
		return errors.New("this claim does not identify a person")
	}
	return nil
}

// compare looks for the identified person in claims. CIBA Core does not require this; without it a mix-up at the server
// would show one person's data to another.
//
// The claim is KIOSK_SUBJECT_CLAIM. By default it is sub if the subject is known (iss_sub, a lookup); else email or
// phone_number if that is what people type; else preferred_username or sub, whichever equals the login hint. A
// configured claim must equal the identifier or the hint; if the subject is known, sub must equal it.
//
// sub and unknown claims are compared byte for byte, as OpenID Connect requires for sub. email and preferred_username
// ignore ASCII case only, so no look-alike letter matches. phone_number is compared by digits, with a leading 00 as +.
// email and phone_number count only if email_verified or phone_number_verified is true, because people can enter
// somebody else's address in their account. If the ID token says that it is false, UserInfo is not asked.
func (k *Client) compare(claims strictjson.Object, e expectation, identifier string) comparison {
	claim := k.config.SubjectClaim
	switch {
	case claim == subjectCheckOff:
		return match
	case e.Claim != "":
		return compareClaim(claims, e.Claim, e.Hint)
	case claim == "sub" || claim == "" && e.Subject != "":
		if e.Subject != "" {
			return compareClaim(claims, "sub", e.Subject)
		}
		return compareClaim(claims, "sub", identifier, e.Hint)
	case claim != "":
		return compareClaim(claims, claim, identifier, e.Hint)
	case k.config.Identifier == "email":
		return compareClaim(claims, "email", identifier)
	case k.config.Identifier == "phone":
		return compareClaim(claims, "phone_number", identifier)
	}
	if compareClaim(claims, "sub", e.Hint) == match {
		return match
	}
	return compareClaim(claims, "preferred_username", e.Hint) // UserInfo may contain it if the ID token does not
}

// usesDefaultRule reports whether the approver is compared by preferred_username or sub.
func (k *Client) usesDefaultRule(e expectation) bool {
	return k.config.SubjectClaim == "" && e.Subject == "" && e.Claim == "" && k.config.Identifier != "email" && k.config.Identifier != "phone"
}

// compareClaim compares one claim with the accepted values.
func compareClaim(claims strictjson.Object, claim string, right ...string) comparison {
	got, ok := claims.Text(claim)
	switch {
	case !claims.Has(claim), ok && got == "":
		return missing
	case !ok:
		return unusable
	}
	verified := true
	form := func(s string) string { return s }
	switch claim {
	case "email", "phone_number":
		verified = claims[claim+"_verified"] == true
		form = asciiLower
		if claim == "phone_number" {
			form = normalizePhone
		}
	case "preferred_username":
		form = asciiLower
	}
	for _, r := range right {
		if r != "" && form(r) != "" && form(got) == form(r) {
			switch {
			case verified:
				return match
			case claims.Has(claim + "_verified"):
				return unusable
			}
			return missing
		}
	}
	return mismatch
}

// normalizePhone reduces a telephone number to its digits, with a plus if it is international. It returns nothing,
// which equals nothing, if there is any other character.
func normalizePhone(s string) string {
	s = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "", "/", "", "\u00a0", "").Replace(s)
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	if digits := strings.TrimPrefix(s, "+"); digits == "" || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return s
}
