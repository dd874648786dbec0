package ciba

import (
	"errors"
	"slices"

	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

// comparableClaims are the claims by which a login hint token can name a person, in the
// order in which they are looked for.
var comparableClaims = []string{"sub", "email", "phone_number", "preferred_username"}

// expectationFromToken says what is expectedPing of the answer to a login hint token (CIBA Core,
// section 7.1), which is sent as it was scanned.
//
// Nobody here can check the token's signature, and nothing is believed because of
// it: the server does that, and resolves it. What is taken from it is only whom the
// customer has said to be, as if they had typed it, so that the approver can be held
// against that. A token that was tampered with can therefore make the check fail,
// and never make it pass for a person whom the token does not name.
//
// The claim is KIOSK_SUBJECT_CLAIM. By default it is the first of sub, email,
// phone_number and preferred_username, or else what sub_id names in the formats
// iss_sub, email and phone_number (RFC 9493). A sub counts only if the token is the
// server's own or says nothing of its issuer: that of another one is another name. A
// token that names nobody in such a way is refused before a phone rings, since its
// answer could not be checked.
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
		return expectation{}, errors.New("the token that was scanned does not have the claim of KIOSK_SUBJECT_CLAIM")
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
	return expectation{}, errors.New("the token that was scanned names nobody by a claim that could be compared; set KIOSK_SUBJECT_CLAIM")
}

// isOwnIssuer tells whether a set of claims is this server's, or does not say whose.
func (k *Client) isOwnIssuer(o strictjson.Object) bool {
	iss, _ := o.Text("iss")
	return !o.Has("iss") || iss == k.config.Issuer
}

// scannedToken tells whether an identifier is a login hint token, and if so what is
// expectedPing of the answer to it. The error is a *kiosk.Error.
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
