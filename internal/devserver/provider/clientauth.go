package provider

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciba-kiosk/ciba-kiosk/internal/devserver/faults"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionAlgs are the algorithms a client may sign with.
var assertionAlgs = []string{"ES256", "RS256", "PS256"}

// Limits of an assertion's times: a minute is usual, five the most (as at Auth0);
// ten seconds are forgiven for clocks that differ.
const (
	maxAssertionLife = 5 * time.Minute
	clockTolerance   = 10 * time.Second
)

// credentials is what a caller presented to show who it is.
type credentials struct {
	id, secret, assertion string
}

// authMethodChecks is the table of ways to authenticate; each tells whether the proof
// is good.
var authMethodChecks = map[string]func(*call, *client, credentials) error{
	"client_secret_basic":         (*call).checkSecret,
	"client_secret_post":          (*call).checkSecret,
	"private_key_jwt":             (*call).checkAssertion,
	"tls_client_auth":             (*call).checkIssuedCert,
	"self_signed_tls_client_auth": (*call).checkSelfSignedCert,
	"none":                        func(*call, *client, credentials) error { return nil },
}

func authMethods() []string {
	list := make([]string, 0, len(authMethodChecks))
	for name := range authMethodChecks {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// authenticate finds out which client calls, by the one method it is registered
// for (RFC 6749 section 2.3; CIBA section 7.1 wants the same method at both
// endpoints). Why it failed is told to nobody but the developer, in the description.
func (c *call) authenticate() (*client, *faults.Answer) {
	if c.formErr != nil {
		a := faults.OAuthError("invalid_request", c.formErr.Error())
		return nil, &a
	}
	method, p, err := c.readCredentials()
	if err != nil {
		a := faults.OAuthError("invalid_request", err.Error())
		return nil, &a
	}
	if method == "" {
		a := faults.OAuthError("invalid_client", "the client did not authenticate, or malformed")
		return nil, &a
	}
	c.server.mu.Lock()
	known := c.server.state.findClient(p.id)
	c.server.mu.Unlock()
	if known != nil && method == "none" && strings.Contains(known.Auth, "tls") {
		method = known.Auth // the proof is in the TLS handshake
	}
	switch {
	case known == nil:
		err = errors.New("no such client")
	case known.Auth != method:
		err = errors.New("the client is registered for " + known.Auth)
	default:
		err = authMethodChecks[method](c, known, p)
	}
	if err != nil {
		a := faults.OAuthError("invalid_client", err.Error())
		return nil, &a
	}
	return known, nil
}

// readCredentials sorts out which method the caller used. More than one at once is
// an error (RFC 6749 section 2.3).
func (c *call) readCredentials() (method string, p credentials, err error) {
	id := c.form.Get("client_id")
	used := 0
	if h := c.r.Header.Get("Authorization"); h != "" {
		used++
		user, password, found := c.r.BasicAuth()
		if !found {
			return "", p, nil
		}
		// Identifier and secret are form-encoded before they are joined
		// (RFC 6749 section 2.3.1).
		user, err1 := url.QueryUnescape(user)
		password, err2 := url.QueryUnescape(password)
		if err1 != nil || err2 != nil {
			return "", p, nil
		}
		method, p = "client_secret_basic", credentials{id: user, secret: password}
	}
	if c.form.Has("client_secret") {
		used++
		method, p = "client_secret_post", credentials{id: id, secret: c.form.Get("client_secret")}
	}
	if c.form.Has("client_assertion") || c.form.Has("client_assertion_type") {
		used++
		if c.form.Get("client_assertion_type") != assertionType {
			return "", p, errors.New("client_assertion_type is not the one of RFC 7523")
		}
		method, p = "private_key_jwt", credentials{id: claimedSubject(c.form.Get("client_assertion")), assertion: c.form.Get("client_assertion")}
	}
	switch {
	case used > 1:
		return "", p, errors.New("more than one way of client authentication in one request")
	case used == 0 && id != "":
		method, p = "none", credentials{id: id}
	}
	if id != "" && p.id != id {
		return "", p, errors.New("client_id differs from the client that authenticates")
	}
	return method, p, nil
}

func (c *call) checkSecret(known *client, p credentials) error {
	if subtle.ConstantTimeCompare([]byte(known.Secret), []byte(p.secret)) != 1 || known.Secret == "" {
		return errors.New("wrong client secret")
	}
	return nil
}

// claimedSubject reads sub from an assertion without believing it.
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

// checkAssertion checks a client assertion (RFC 7523 section 3, OIDC section 9).
func (c *call) checkAssertion(known *client, p credentials) error {
	claims, err := verifyClientJWT(known, p.assertion, assertionAlgs)
	if err != nil {
		return err
	}
	base := c.server.baseURL()
	audiences := []string{c.server.Issuer(), base + "/token", base + "/bc-authorize", base + c.r.URL.Path}
	if claims.Issuer != known.ID || claims.Subject != known.ID {
		return errors.New("assertion: iss and sub must both be the client_id")
	}
	if !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(claims.Audience, a) }) {
		return errors.New("assertion: aud is neither the issuer nor the endpoint")
	}
	return c.server.checkFreshness(known.ID, claims, c.now)
}

// verifyClientJWT checks the signature with the client's registered keys.
func verifyClientJWT(known *client, signed string, algs []string) (jwt.Claims, error) {
	var claims jwt.Claims
	token, err := jwt.ParseSigned(signed, signatureAlgorithms(algs))
	if err != nil || len(token.Headers) != 1 {
		return claims, errors.New("assertion: not a JWT signed with an allowed algorithm")
	}
	h := token.Headers[0]
	for _, key := range known.Keys {
		if h.KeyID != "" && key.KeyID != "" && h.KeyID != key.KeyID {
			continue
		}
		if key.Algorithm != "" && key.Algorithm[1:] != h.Algorithm[1:] { // RS and PS are one kind of key
			continue
		}
		if token.Claims(key.Key, &claims) == nil {
			return claims, nil
		}
	}
	return claims, errors.New("assertion: the signature does not fit a registered key")
}

// checkFreshness checks the times of an assertion and that it was never seen before.
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
		return errors.New("assertion: iat lies in the future")
	case claims.ID == "" || len(claims.ID) > 256:
		return errors.New("assertion: no jti, or a very long one")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := digest(strings.Join([]string{id, claims.ID}, "\x00"))
	if _, seen := s.state.UsedIDs[key]; seen {
		return errors.New("assertion: this jti was used before")
	}
	s.state.UsedIDs[key] = claims.Expiry.Time().Add(clockTolerance)
	return s.save()
}
