package ciba

import (
	"errors"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// subjectCheckOff is the KIOSK_SUBJECT_CLAIM that switches the comparison off.
const subjectCheckOff = "none"

// comparison is what a set of claims says about the approver.
type comparison uint8

const (
	missing  comparison = iota // nothing there to compare, or nobody vouches for it
	mismatch                   // somebody else
	match                      // the person asked for
)

// checkSubjectClaim refuses a claim that could never be compared.
func checkSubjectClaim(c Config) error {
	if c.SubjectClaim == "" || c.SubjectClaim == subjectCheckOff {
		return nil
	}
	if hasControl(c.SubjectClaim) || slices.Contains([]string{"iss", "aud", "exp", "iat", "nbf", "azp"}, c.SubjectClaim) {
		return errors.New("that claim does not tell people apart")
	}
	return nil
}

// compare looks for the person asked for in a set of claims (CIBA Core is isUnanswered
// on this; without it a mix-up at the server would show one person's data to
// another).
//
// The rule, KIOSK_SUBJECT_CLAIM: by default sub, where it is known beforehand
// (iss_sub, a lookup); else email or phone_number, where that is what people type;
// else preferred_username or sub, whichever equals the login hint. A claim that is
// named must equal the identifier as typed or the hint as sent; where the subject
// is known beforehand, sub must equal that.
//
// How values are compared: sub and any claim not named here byte for byte, since
// OpenID Connect says so of sub and nothing is known of the others. email and
// preferred_username with A to Z and a to z taken as equal, because people type
// them as they like and servers fold them; nothing beyond ASCII is folded, so no
// look-alike letter passes. phone_number as digits, a leading 00 read as +.
// email and phone_number count only together with email_verified and
// phone_number_verified being true: anybody may enter somebody else's address in
// their own account.
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
	return compareClaim(claims, "preferred_username", e.Hint) // UserInfo may have it if the ID token has not
}

// usesDefaultRule tells whether the last of the default rules is in force.
func (k *Client) usesDefaultRule(e expectation) bool {
	return k.config.SubjectClaim == "" && e.Subject == "" && e.Claim == "" && k.config.Identifier != "email" && k.config.Identifier != "phone"
}

// compareClaim compares one claim with what would be right.
func compareClaim(claims strictjson.Object, claim string, right ...string) comparison {
	got, ok := claims.Text(claim)
	if !ok || got == "" {
		return missing
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
			if !verified {
				return missing
			}
			return match
		}
	}
	return mismatch
}

// normalizePhone brings a telephone number to its digits, with a plus where it is given in
// full; empty, which equals nothing, if it holds anything that is not part of one.
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
