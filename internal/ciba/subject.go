package ciba

import (
	"errors"
	"slices"
	"strings"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// noCheck is the KIOSK_SUBJECT_CLAIM that switches the comparison off.
const noCheck = "none"

// finding is what a set of claims says about the approver.
type finding uint8

const (
	absent finding = iota // nothing there to compare, or nobody vouches for it
	other                 // somebody else
	match                 // the person asked for
)

// checkSubjectClaim refuses a claim that could never be compared.
func checkSubjectClaim(c Config) error {
	if c.SubjectClaim == "" || c.SubjectClaim == noCheck {
		return nil
	}
	if hasControl(c.SubjectClaim) || slices.Contains([]string{"iss", "aud", "exp", "iat", "nbf", "azp"}, c.SubjectClaim) {
		return errors.New("that claim does not tell people apart")
	}
	return nil
}

// compare looks for the person asked for in a set of claims (CIBA Core is silent
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
func (k *Client) compare(claims strictjson.Object, e expect, identifier string) finding {
	claim := k.c.SubjectClaim
	switch {
	case claim == noCheck:
		return match
	case e.Claim != "":
		return equal(claims, e.Claim, e.Hint)
	case claim == "sub" || claim == "" && e.Sub != "":
		if e.Sub != "" {
			return equal(claims, "sub", e.Sub)
		}
		return equal(claims, "sub", identifier, e.Hint)
	case claim != "":
		return equal(claims, claim, identifier, e.Hint)
	case k.c.Identifier == "email":
		return equal(claims, "email", identifier)
	case k.c.Identifier == "phone":
		return equal(claims, "phone_number", identifier)
	}
	if equal(claims, "sub", e.Hint) == match {
		return match
	}
	return equal(claims, "preferred_username", e.Hint) // UserInfo may have it if the ID token has not
}

// bySubject tells whether the last of the default rules is in force.
func (k *Client) bySubject(e expect) bool {
	return k.c.SubjectClaim == "" && e.Sub == "" && e.Claim == "" && k.c.Identifier != "email" && k.c.Identifier != "phone"
}

// equal compares one claim with what would be right.
func equal(claims strictjson.Object, claim string, right ...string) finding {
	got, ok := claims.Text(claim)
	if !ok || got == "" {
		return absent
	}
	verified := true
	form := func(s string) string { return s }
	switch claim {
	case "email", "phone_number":
		verified = claims[claim+"_verified"] == true
		form = asciiLower
		if claim == "phone_number" {
			form = phone
		}
	case "preferred_username":
		form = asciiLower
	}
	for _, r := range right {
		if r != "" && form(r) != "" && form(got) == form(r) {
			if !verified {
				return absent
			}
			return match
		}
	}
	return other
}

// phone brings a telephone number to its digits, with a plus where it is given in
// full; empty, which equals nothing, if it holds anything that is not part of one.
func phone(s string) string {
	s = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "", "/", "", "\u00a0", "").Replace(s)
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		s = "+" + rest
	}
	if digits := strings.TrimPrefix(s, "+"); digits == "" || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return s
}
