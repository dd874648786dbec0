package ciba

import (
	"errors"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// comparableClaims are the claims that identify the person of a login hint token, in the order of preference.
var comparableClaims = []string{"sub", "email", "phone_number", "preferred_username"}

// expectationFromToken returns what to expect of the answer to a login hint token, which is sent as it was scanned
// (CIBA Core 7.1).
//
// The kiosk cannot verify the token's signature and trusts nothing in it: the server verifies and resolves it. The
// kiosk only takes from it whom the customer claims to be, as if they had typed it, and compares the approver with
// that. A forged token can make this comparison fail, but never succeed for somebody whom it does not name.
//
// The claim is KIOSK_SUBJECT_CLAIM. By default it is the first of comparableClaims, or what sub_id names in the formats
// iss_sub, email and phone_number (RFC 9493). A sub counts only if the server issued the token or the token names no
// issuer. A token that identifies nobody in this way is refused before a phone rings.
func (k *Client) expectationFromToken(claims []byte) (expectation, error) {
	o, err := strictjson.Parse(claims)
	if err != nil {
		return expectation{}, err
	}
	if k.config.SubjectClaim == subjectCheckOff {
		return expectation{Claim: subjectCheckOff, Hint: subjectCheckOff}, nil
	}
	if k.config.SubjectClaim != "" {
		if v, ok := o.Text(k.config.SubjectClaim); ok && v != "" {
			return expectation{Claim: k.config.SubjectClaim, Hint: v}, nil
		}
		return expectation{}, errors.New("the scanned token does not contain the claim of KIOSK_SUBJECT_CLAIM")
	}
	for _, claim := range comparableClaims {
		if v, ok := o.Text(claim); ok && v != "" && (claim != "sub" || k.isOwnIssuer(o)) {
			return expectation{Claim: claim, Hint: v}, nil
		}
	}
	if id, ok := o["sub_id"].(strictjson.Object); ok {
		format, _ := id.Text("format")
		claim := map[string]string{"iss_sub": "sub", "email": "email", "phone_number": "phone_number"}[format]
		if v, ok := id.Text(claim); ok && v != "" && slices.Contains(comparableClaims, claim) && (claim != "sub" || k.isOwnIssuer(id)) {
			return expectation{Claim: claim, Hint: v}, nil
		}
	}
	return expectation{}, errors.New("the scanned token has no claim that identifies the person; set KIOSK_SUBJECT_CLAIM")
}

// isOwnIssuer reports whether claims are of this server or name no issuer.
func (k *Client) isOwnIssuer(o strictjson.Object) bool {
	iss, _ := o.Text("iss")
	return !o.Has("iss") || iss == k.config.Issuer
}

// scannedToken reports whether an identifier is a login hint token, and returns what to expect of the answer. The error
// is a *kiosk.Error.
func (k *Client) scannedToken(identifier string) (e expectation, is bool, err error) {
	claims, is := kiosk.ParseHintToken(identifier)
	if !is {
		return expectation{}, false, nil
	}
	if e, err = k.expectationFromToken(claims); err != nil {
		return expectation{}, true, kiosk.Fail(kiosk.Refused, "login hint token", err)
	}
	return e, true, nil
}
