package provider

import (
	"crypto/subtle"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionAlgs are the algorithms of client assertions.
var assertionAlgs = []string{"ES256", "RS256", "PS256"}

// Limits of an assertion's times. Five minutes is Auth0's limit; clocks may differ by ten
// seconds.
const (
	maxAssertionLife = 5 * time.Minute
	clockTolerance   = 10 * time.Second
)

// credentials are what a call presented to authenticate its client.
type credentials struct {
	id, secret, assertion string
}

// authMethodChecks has a check for each client authentication method.
var authMethodChecks = map[string]func(*call, *client, credentials) error{
	"client_secret_basic":         (*call).checkSecret,
	"client_secret_post":          (*call).checkSecret,
	"private_key_jwt":             (*call).checkAssertion,
	"tls_client_auth":             (*call).checkIssuedCert,
	"self_signed_tls_client_auth": (*call).checkSelfSignedCert,
	"none":                        func(*call, *client, credentials) error { return nil },
}

func authMethods() []string { return slices.Sorted(maps.Keys(authMethodChecks)) }

// authenticate returns the client that makes the call, or the error to answer. Only the
// method that the client is registered for is accepted (RFC 6749 section 2.3, CIBA section
// 7.1).
func (c *call) authenticate() (*client, *faults.Answer) {
	if c.formErr != nil {
		a := faults.OAuthError("invalid_request", c.formErr.Error())
		return nil, &a
	}
	method, creds, err := c.readCredentials()
	if err != nil {
		a := faults.OAuthError("invalid_request", err.Error())
		return nil, &a
	}
	if method == "" {
		a := faults.OAuthError("invalid_client", "client authentication is missing or malformed")
		return nil, &a
	}
	c.server.mu.Lock()
	cl := c.server.state.findClient(creds.id)
	c.server.mu.Unlock()
	if cl != nil && method == "none" && strings.Contains(cl.Auth, "tls") {
		method = cl.Auth // the TLS handshake has the credentials
	}
	switch {
	case cl == nil:
		err = errors.New("no such client")
	case cl.Auth != method:
		err = errors.New("the client is registered for " + cl.Auth)
	default:
		err = authMethodChecks[method](c, cl, creds)
	}
	if err != nil {
		a := faults.OAuthError("invalid_client", err.Error())
		return nil, &a
	}
	return cl, nil
}

// readCredentials returns the authentication method of a call, empty if there is none, and
// its credentials. More than one method is an error (RFC 6749 section 2.3).
func (c *call) readCredentials() (method string, creds credentials, err error) {
	id := c.form.Get("client_id")
	used := 0
	if h := c.r.Header.Get("Authorization"); h != "" {
		used++
		user, password, found := c.r.BasicAuth()
		if !found {
			return "", creds, nil
		}
		// Identifier and secret are form-encoded before they are joined
		// (RFC 6749 section 2.3.1).
		user, err1 := url.QueryUnescape(user)
		password, err2 := url.QueryUnescape(password)
		if err1 != nil || err2 != nil {
			return "", creds, nil
		}
		method, creds = "client_secret_basic", credentials{id: user, secret: password}
	}
	if c.form.Has("client_secret") {
		used++
		method, creds = "client_secret_post", credentials{id: id, secret: c.form.Get("client_secret")}
	}
	if c.form.Has("client_assertion") || c.form.Has("client_assertion_type") {
		used++
		if c.form.Get("client_assertion_type") != assertionType {
			return "", creds, errors.New("client_assertion_type is not the one of RFC 7523")
		}
		method, creds = "private_key_jwt", credentials{id: claimedSubject(c.form.Get("client_assertion")), assertion: c.form.Get("client_assertion")}
	}
	switch {
	case used > 1:
		return "", creds, errors.New("more than one client authentication method in one request")
	case used == 0 && id != "":
		method, creds = "none", credentials{id: id}
	}
	if id != "" && creds.id != id {
		return "", creds, errors.New("client_id differs from the authenticated client")
	}
	return method, creds, nil
}

func (c *call) checkSecret(cl *client, creds credentials) error {
	if subtle.ConstantTimeCompare([]byte(cl.Secret), []byte(creds.secret)) != 1 || cl.Secret == "" {
		return errors.New("wrong client secret")
	}
	return nil
}

// claimedSubject reads sub from an assertion without verification.
func claimedSubject(assertion string) string {
	token, err := jwt.ParseSigned(assertion, signatureAlgorithms(assertionAlgs))
	if err != nil {
		return ""
	}
	var claims jwt.Claims
	if token.UnsafeClaimsWithoutVerification(&claims) != nil {
		return ""
	}
	return claims.Subject
}

func signatureAlgorithms(names []string) []jose.SignatureAlgorithm {
	list := make([]jose.SignatureAlgorithm, len(names))
	for i, n := range names {
		list[i] = jose.SignatureAlgorithm(n)
	}
	return list
}

// checkAssertion checks private_key_jwt (RFC 7523 section 3, OIDC section 9).
func (c *call) checkAssertion(cl *client, creds credentials) error {
	claims, err := verifyClientJWT(cl, creds.assertion, assertionAlgs)
	if err != nil {
		return err
	}
	base := c.server.baseURL()
	audiences := []string{c.server.Issuer(), base + "/token", base + "/bc-authorize", base + c.r.URL.Path}
	if claims.Issuer != cl.ID || claims.Subject != cl.ID {
		return errors.New("assertion: iss and sub must both be the client_id")
	}
	if !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(claims.Audience, a) }) {
		return errors.New("assertion: aud is neither the issuer nor the endpoint")
	}
	return c.server.checkFreshness(cl.ID, claims, c.now)
}

// verifyClientJWT verifies a JWT with the client's registered keys and returns its claims.
func verifyClientJWT(cl *client, signed string, algs []string) (jwt.Claims, error) {
	var claims jwt.Claims
	token, err := jwt.ParseSigned(signed, signatureAlgorithms(algs))
	if err != nil || len(token.Headers) != 1 {
		return claims, errors.New("assertion: not a JWT signed with an allowed algorithm")
	}
	h := token.Headers[0]
	for _, key := range cl.Keys {
		if h.KeyID != "" && key.KeyID != "" && h.KeyID != key.KeyID {
			continue
		}
		if key.Algorithm != "" && key.Algorithm[1:] != h.Algorithm[1:] { // RS256 and PS256 use the same keys
			continue
		}
		if token.Claims(key.Key, &claims) == nil {
			return claims, nil
		}
	}
	return claims, errors.New("assertion: not signed with a registered key")
}

// checkFreshness checks the times of an assertion, and that its jti is new.
func (s *Server) checkFreshness(id string, claims jwt.Claims, now time.Time) error {
	switch {
	case claims.Expiry == nil:
		return errors.New("assertion: no exp")
	case now.After(claims.Expiry.Time().Add(clockTolerance)):
		return errors.New("assertion: expired")
	case claims.Expiry.Time().After(now.Add(maxAssertionLife + clockTolerance)):
		return errors.New("assertion: exp is more than five minutes ahead")
	case claims.NotBefore != nil && now.Add(clockTolerance).Before(claims.NotBefore.Time()):
		return errors.New("assertion: not valid yet")
	case claims.IssuedAt != nil && now.Add(clockTolerance).Before(claims.IssuedAt.Time()):
		return errors.New("assertion: iat is in the future")
	case claims.ID == "" || len(claims.ID) > 256:
		return errors.New("assertion: jti is missing or too long")
	}
	if !s.isFirstUse(id, claims.ID, claims.Expiry.Time().Add(clockTolerance)) {
		return errors.New("assertion: this jti was used before")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save()
}
