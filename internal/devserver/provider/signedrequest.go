package provider

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// requestAlgsName is the metadata member for signed requests (CIBA section 4).
const requestAlgsName = "backchannel_authentication_request_signing_alg_values_supported"

// requestAlgs are the algorithms of signed requests.
var requestAlgs = []string{"ES256", "PS256"}

// unpackSignedRequest verifies a signed authentication request and puts its parameters
// into the form. No other request parameter may stand beside it. A failure has the code
// of an OAuth error (CIBA section 7.1.1).
func (c *call) unpackSignedRequest(cl *client) (code string, err error) {
	const bad = "invalid_request"
	for name := range c.form {
		switch name {
		case "request", "client_id", "client_secret", "client_assertion", "client_assertion_type":
		default:
			return bad, errors.New("a parameter beside the signed request")
		}
	}
	signed := c.form.Get("request")
	token, err := jwt.ParseSigned(signed, signatureAlgorithms(requestAlgs))
	if err != nil || len(token.Headers) != 1 {
		return bad, errors.New("request: not a JWT signed with ES256 or PS256")
	}
	// A type is optional; another one marks a JWT made for another purpose. (RFC 9101, section 10.8)
	if typ := token.Headers[0].ExtraHeaders[jose.HeaderType]; typ != nil && typ != "oauth-authz-req+jwt" {
		return bad, errors.New("request: typ must be oauth-authz-req+jwt or absent")
	}
	claims, err := verifyClientJWT(cl, signed, requestAlgs)
	if err != nil {
		return bad, errors.New("request: not signed with a registered key")
	}
	if claims.Issuer != cl.ID || !claims.Audience.Contains(c.server.Issuer()) {
		return bad, errors.New("request: iss must be the client and aud the issuer")
	}
	if claims.IssuedAt == nil || claims.NotBefore == nil {
		return bad, errors.New("request: iat and nbf must be present")
	}
	if err := c.server.checkFreshness(cl.ID, claims, c.now); err != nil {
		return bad, errors.New(strings.Replace(err.Error(), "assertion", "request", 1))
	}
	var all map[string]json.RawMessage
	if token.UnsafeClaimsWithoutVerification(&all) != nil { // verified above
		return bad, errors.New("request: not a JSON object")
	}
	for name, raw := range all {
		switch name {
		case "iss", "aud", "exp", "iat", "nbf", "jti":
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw) // a number, an array or an object
		}
		if text != "" {
			c.form.Set(name, text)
		}
	}
	return "", nil
}
