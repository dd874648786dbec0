package oidc

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/sanitize"
	"github.com/ciba-kiosk/ciba-kiosk/internal/strictjson"
)

// checkClaims validates the claims of a token at now and returns its subject (V6 to V12).
func (e ExpectedClaims) checkClaims(c strictjson.Object, now time.Time) (sub string, err error) {
	if iss, _ := c.Text("iss"); iss != e.Issuer {
		return "", errors.New("iss is not the issuer")
	}
	if err := e.checkAudience(c); err != nil {
		return "", err
	}
	exp, err := c.Date("exp")
	if err != nil {
		return "", err
	}
	if !now.Before(exp.Add(Tolerance)) {
		return "", errors.New("exp: the token has expired")
	}
	iat, err := c.Date("iat")
	if err != nil {
		return "", err
	}
	if iat.After(now.Add(Tolerance)) {
		return "", errors.New("iat: the token is from the future")
	}
	// Truncate, because iat may be truncated to whole seconds.
	if iat.Before(e.RequestedAt.Truncate(time.Second).Add(-Tolerance)) {
		return "", errors.New("iat: the token is older than the request")
	}
	if c.Has("nbf") {
		nbf, err := c.Date("nbf")
		if err != nil {
			return "", err
		}
		if nbf.After(now.Add(Tolerance)) {
			return "", errors.New("nbf: the token is not valid yet")
		}
	}
	if len(e.ACR) > 0 {
		if acr, ok := c.Text("acr"); !ok || !slices.Contains(e.ACR, acr) {
			return "", errors.New("acr is not one of those requested")
		}
	}
	// Backchannel requests have no nonce: this token was issued for a browser's request.
	if nonce, ok := c["nonce"]; ok && nonce != nil && nonce != "" {
		return "", errors.New("nonce: the token belongs to another request")
	}
	sub, _ = c.Text("sub")
	return sub, checkSubject(sub)
}

// checkAudience validates aud and azp (V7 and V8).
func (e ExpectedClaims) checkAudience(c strictjson.Object) error {
	var aud []string
	if one, ok := c.Text("aud"); ok {
		aud = []string{one}
	} else if aud, ok = c.Texts("aud"); !ok {
		return errors.New("aud is missing or malformed")
	}
	ours := false
	for _, a := range aud {
		switch {
		case a == e.ClientID:
			ours = true
		case slices.Contains(e.TrustedAudiences, a):
		default:
			return errors.New("aud names an unknown audience")
		}
	}
	if !ours {
		return errors.New("aud does not name this client")
	}
	azp, present := c["azp"]
	if len(aud) > 1 && !present {
		return errors.New("azp is missing, and aud has several values")
	}
	if present && azp != e.ClientID {
		return errors.New("azp is not this client")
	}
	return nil
}

// checkSubject validates sub: at most 255 ASCII characters. (OpenID Connect Core 1.0, section 2)
func checkSubject(sub string) error {
	if sub == "" {
		return errors.New("sub is missing")
	}
	if len(sub) > 255 {
		return errors.New("sub is longer than 255 characters")
	}
	if sanitize.ASCII(sub, len(sub)) != sub {
		return errors.New("sub contains characters other than printable ASCII")
	}
	return nil
}

// checkBindings validates the claims that bind the token to the other tokens and the request (V13). Servers need not
// send them.
func (e ExpectedClaims) checkBindings(c strictjson.Object, alg string) error {
	for _, b := range []struct {
		claim string
		of    []byte
	}{{"at_hash", e.AccessToken}, {claimRefreshHash, e.RefreshToken}} {
		if _, present := c[b.claim]; !present {
			continue
		}
		got, _ := c.Text(b.claim)
		if len(b.of) == 0 || !constantTimeEqual(got, halfHash(alg, b.of)) {
			return fmt.Errorf("%s does not match", b.claim)
		}
	}
	if _, present := c[claimRequestID]; present {
		if got, _ := c.Text(claimRequestID); len(e.RequestID) == 0 || !constantTimeEqual(got, string(e.RequestID)) {
			return errors.New("auth_req_id belongs to another request")
		}
	}
	return nil
}

// halfHash returns the left half of alg's hash of value, in base64url. (OpenID Connect Core 1.0, section 3.1.3.6)
func halfHash(alg string, value []byte) string {
	a, ok := findAlgorithm(alg)
	if !ok {
		return ""
	}
	h := a.hash()
	h.Write(value)
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func constantTimeEqual(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
